import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { issuesOf, planOf, sketch, tell } from "../testkit/definition-issues.ts";
import {
  call,
  condition,
  fork,
  loop,
  parallel,
  withSteps,
  withThen,
} from "../testkit/graph-run.ts";

/** Sentence, definition, the only issue. */
type Row = [string, JsonValue, string];

describe("readFlow", () => {
  test.each<Row>([
    [
      "a step that does not exist",
      withSteps(call("a", { next: "approove" }), call("approve")),
      'steps.0.next: Unknown step "approove" [did you mean "approve"?]',
    ],
    [
      "a name that is like nothing",
      withSteps(call("a", { next: ["b", "zzz"] }), call("b")),
      'steps.0.next.1: Unknown step "zzz"',
    ],
    [
      "text that can be no id",
      withSteps(call("a", { next: "" }), call("b")),
      "steps.0.next: Expected the id of a step",
    ],
    [
      "a number",
      withSteps(call("a", { next: 1 }), call("b")),
      "steps.0.next: Expected the id of a step or a list of ids, received number 1",
    ],
    [
      "an object",
      withSteps(call("a", { config: { onError: { id: "b" } } }), call("b")),
      "steps.0.config.onError: Expected the id of a step or a list of ids, received object",
    ],
    [
      "a number in a list",
      withSteps(call("a", { next: ["b", 2] }), call("b")),
      "steps.0.next.1: Expected the id of a step, received number 2",
    ],
    [
      "a step twice in a list",
      withSteps(call("a", { next: ["b", "b"] }), call("b")),
      'steps.0.next.1: Step "b" is named twice',
    ],
    [
      "the step itself",
      withSteps(call("a", { next: ["b", "a"] }), call("b")),
      'steps.0.next.1: Step "a" cannot lead to itself [use a step of type `loop` to repeat]',
    ],
    [
      "a handler that is the step itself",
      withSteps(call("a", { onError: "a" })),
      'steps.0.onError: Step "a" cannot lead to itself [use a step of type `loop` to repeat]',
    ],
    [
      "two places of one field",
      withSteps(call("a", { onError: "b", config: { onError: "b" } }), call("b")),
      "steps.0.onError: Is given twice: also as config.onError",
    ],
    [
      "a `then` in two places",
      withSteps({ ...fork("a", { yes: "b" }), config: withThen({}, "b") }, call("b")),
      "steps.0.then: Is given twice: also as config.then",
    ],
    [
      "a step in two branches",
      withSteps(parallel("p", { config: { branches: ["a", ["b", "a"]] } }), call("a"), call("b")),
      'steps.0.config.branches.1.1: Step "a" is named twice',
    ],
    [
      "branches that are no list",
      withSteps(parallel("p", { config: { branches: "a" } }), call("a")),
      'steps.0.config.branches: Expected array, received string "a"',
    ],
    [
      "a branch that is no step",
      withSteps(parallel("p", { config: { branches: [null, "a"] } }), call("a")),
      "steps.0.config.branches.0: Expected the id of a step or a list of ids, received null",
    ],
    [
      "`else` of a step that decides nothing",
      withSteps(call("a", { else: "b" }), call("b")),
      'steps.0.else: Unknown field "else"',
    ],
    [
      "`done` of a step that repeats nothing",
      withSteps(parallel("a", { done: "b" }), call("b")),
      'steps.0.done: Unknown field "done"',
    ],
    [
      "a loop with a body that does not exist",
      withSteps(loop("l", { items: [1] }, { next: "nobody" }), call("a")),
      'steps.0.next: Unknown step "nobody"',
    ],
    [
      "a loop of a list with a body that does not exist",
      withSteps(loop("l", { items: [1], steps: ["nobody"] }), call("a")),
      'steps.0.config.steps.0: Unknown step "nobody"',
    ],
  ])("refuses %s", (_, definition, expected) => {
    expect(issuesOf(definition).map(tell)).toEqual([expected]);
  });

  test("reads each field in config and beside it, as text and as a list", () => {
    const fields = (name: string, to: JsonValue): JsonValue[] => [
      { [name]: to },
      { config: { [name]: to } },
    ];
    for (const fork of [...fields("else", "b"), ...fields("else", ["b"])]) {
      const steps = withSteps(
        condition("c", "input.x", { next: "a", ...(fork as object) }),
        call("a"),
        call("b"),
      );
      expect(sketch(planOf(steps))).toEqual(["c: next a; else b"]);
    }
    for (const handler of [...fields("onError", "b"), ...fields("onError", ["b"])]) {
      const steps = withSteps(call("a", handler as { [key: string]: JsonValue }), call("b"));
      expect(sketch(planOf(steps))).toEqual(["a: error b"]);
    }
  });

  test("takes null and an empty list for nothing", () => {
    const steps = withSteps(
      call("a", { next: [], onError: null }),
      { ...fork("c", { yes: [], no: null }), next: null },
      call("b", { next: [] }),
    );
    // No step has a `next`, so the definition is a list.
    expect(sketch(planOf(steps))).toEqual(["a: next c", "c: next b; else b"]);
  });

  test("knows a graph by a `next`, though that has a mistake", () => {
    // As a list, two claims on `c` would be a second mistake.
    const steps = withSteps(
      condition("a", "input.x", { next: "bb", else: "c" }),
      condition("b", "input.x", { else: "c" }),
      call("c"),
    );
    expect(issuesOf(steps).map(tell)).toEqual([
      'steps.0.next: Unknown step "bb" [did you mean "b"?]',
    ]);
  });
});
