import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { issuesOf, planOf, sketch, tell } from "../testkit/definition-issues.ts";
import { call, condition, fork, loop, parallel, withSteps } from "../testkit/graph-run.ts";

describe("linkGraph", () => {
  test.each<[string, JsonValue[], string[]]>([
    [
      "leads to what `next` names, and nowhere else",
      [call("a", { next: "c" }), call("b", { next: "c" }), call("c"), call("d")],
      ["a: next c", "b: next c"],
    ],
    [
      "leads to all of a list",
      [call("a", { next: ["b", "c"] }), call("b"), call("c")],
      ["a: next b, c"],
    ],
    [
      "takes `then` of a condition for `next`",
      [
        { ...fork("c", { yes: ["b", "a"], no: ["x", "y"] }), next: "a" },
        call("a"),
        call("b"),
        call("x"),
        call("y"),
      ],
      ["c: next a, b; else x, y"],
    ],
    [
      "takes branches for `next`, each step of them at once",
      [
        parallel("p", { next: "a", config: { branches: ["b", ["c", "d"]] } }),
        call("a"),
        call("b"),
        call("c"),
        call("d"),
      ],
      ["p: next a, b, c, d"],
    ],
    [
      "repeats what `next` of a loop leads to, and goes on with `done`",
      [
        loop("l", { items: [1] }, { next: ["a", "b"], done: "d", onError: "h" }),
        call("a"),
        call("b"),
        call("d"),
        call("h"),
      ],
      ["l: body a, b; next d; error h"],
    ],
    [
      "repeats what `config.steps` of a loop without `next` names",
      [
        call("a", { next: "l" }),
        loop("l", { items: [1], steps: ["x", "y"] }),
        call("x"),
        call("y"),
      ],
      ["a: next l", "l: body x, y"],
    ],
    [
      "leads from a step to another for two reasons by two edges",
      [condition("c", "input.x", { next: "a", else: "a", onError: "a" }), call("a")],
      ["c: next a; else a; error a"],
    ],
  ])("%s", (_, steps, expected) => {
    expect(sketch(planOf(withSteps(...steps)))).toEqual(expected);
  });

  test("begins with the first step", () => {
    const plan = planOf(withSteps(call("b", { next: "a" }), call("a")));
    expect(plan.entry).toBe(0);
  });

  test("counts the edges that may be taken: not those of steps that never run", () => {
    const { steps } = planOf(
      withSteps(
        condition("c", "input.x", { next: "a", else: "a" }),
        call("a", { onError: "h" }),
        call("lost", { next: ["a", "h"] }),
        call("h"),
      ),
    );
    expect(steps.map(({ id, incoming }) => `${id}: ${incoming}`)).toEqual([
      "c: 0",
      "a: 2",
      "lost: 0",
      "h: 1",
    ]);
  });

  test("refuses two ways of saying what a loop repeats", () => {
    const steps = withSteps(
      loop("l", { items: [1], steps: ["b"] }, { next: "a" }),
      call("a"),
      call("b"),
    );
    expect(issuesOf(steps).map(tell)).toEqual([
      "steps.0.config.steps.0: Stands beside `next`, which says what a loop repeats [keep one of them]",
    ]);
  });
});
