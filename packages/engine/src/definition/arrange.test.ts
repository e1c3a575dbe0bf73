import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { issuesOf, planOf, tell, warningsOf } from "../testkit/definition-issues.ts";
import { call, condition, fork, loop, parallel, withSteps } from "../testkit/graph-run.ts";

const reads = (id: string): { readonly config: { readonly [key: string]: JsonValue } } => ({
  config: { input: `{{steps.${id}.output}}` },
});

describe("arrange", () => {
  const REPEATS =
    " [name the first step of its body in `next`, or in a list the steps of it in `config.steps`]";

  test.each<[string, JsonValue[], string[]]>([
    [
      "a loop of a list",
      [loop("l", { items: [1] }), call("a")],
      [`steps.0: The loop "l" repeats nothing${REPEATS}`],
    ],
    [
      "a loop of a graph",
      [call("a", { next: "l" }), loop("l", { items: [1] }, { next: [], done: "b" }), call("b")],
      [`steps.1: The loop "l" repeats nothing${REPEATS}`],
    ],
    [
      "each of two loops",
      [loop("l", { items: [1], steps: [] }), loop("m", { items: [1] })],
      [
        `steps.0: The loop "l" repeats nothing${REPEATS}`,
        `steps.1: The loop "m" repeats nothing${REPEATS}`,
      ],
    ],
  ])("refuses %s without a body", (_, steps, expected) => {
    expect(issuesOf(withSteps(...steps)).map(tell)).toEqual(expected);
  });

  test("warns of steps that nothing leads to", () => {
    const steps = withSteps(
      call("a", { next: "b" }),
      call("b"),
      call("c", { next: "d" }),
      call("d", { next: "b" }),
    );
    const hint = "[a graph begins with its first step; name this one in some `next`]";
    expect(warningsOf(steps).map(tell)).toEqual([
      `steps.2: Nothing leads from the first step to "c", so it never runs ${hint}`,
      `steps.3: Nothing leads from the first step to "d", so it never runs ${hint}`,
    ]);
  });

  test.each<[string, JsonValue[], string[]]>([
    [
      "itself",
      [call("a", reads("a"))],
      [
        'steps.0.config.input: Step "a" has not ended when it begins, so there is never anything to read',
      ],
    ],
    [
      "a later one",
      [call("a", reads("b")), call("b")],
      ['steps.0.config.input: Step "b" does not come before "a", so there may be nothing to read'],
    ],
    [
      "one of a later branch, though that stands before it",
      [call("b"), call("a", reads("b")), fork("c", { yes: ["b"] })],
      ['steps.1.config.input: Step "b" does not come before "a", so there may be nothing to read'],
    ],
    [
      "one beside it, whichever of the two is named first",
      [call("s", { next: ["a", "b"] }), call("a", reads("b")), call("b", reads("a"))],
      [
        'steps.1.config.input: Step "b" does not come before "a", so there may be nothing to read',
        'steps.2.config.input: Step "a" does not come before "b", so there may be nothing to read',
      ],
    ],
    [
      "the handler of a step before it, or from there what comes after that step",
      [call("s", { next: "b", onError: "h" }), call("b", reads("h")), call("h", reads("b"))],
      [
        'steps.1.config.input: Step "h" does not come before "b", so there may be nothing to read',
        'steps.2.config.input: Step "b" does not come before "h", so there may be nothing to read',
      ],
    ],
    [
      "one that never runs",
      [call("a", { next: "b" }), call("lost"), call("b", reads("lost"))],
      [
        'steps.1: Nothing leads from the first step to "lost", so it never runs [a graph begins with its first step; name this one in some `next`]',
        'steps.2.config.input: Step "lost" does not come before "b", so there may be nothing to read',
      ],
    ],
    [
      "one of a loop, from behind it and from beside it",
      [
        loop("l", { items: [1] }, { next: "a", done: "m" }),
        call("a"),
        loop("m", { items: [1] }, { next: "b" }),
        call("b", reads("a")),
      ],
      [
        'steps.3.config.input: Step "a" is part of a loop, so there is never anything to read outside of it',
      ],
    ],
    [
      "the pass before",
      [loop("l", { condition: "steps.a.output.x", steps: ["a"] }), call("a")],
      [
        'steps.0.config.condition: Step "a" is part of a loop, so there is never anything to read outside of it',
      ],
    ],
  ])("warns of a step that reads %s", (_, steps, expected) => {
    expect(warningsOf(withSteps(...steps)).map(tell)).toEqual(expected);
  });

  test("warns of an output that reads a step of a loop", () => {
    const steps = [loop("l", { items: [1], steps: ["a"] }), call("a")];
    const definition = { ...withSteps(...steps), output: "{{steps.a.output}}" };
    expect(warningsOf(definition).map(tell)).toEqual([
      'output: Step "a" is part of a loop, so there is never anything to read outside of it',
    ]);
  });

  test("does not warn of what may have run, nor of what never runs itself", () => {
    const definition = {
      ...withSteps(
        call("s", { next: "c" }),
        condition("c", "input.x", { next: "a", else: "b" }),
        call("a", { next: "l", onError: "l" }),
        call("b", { next: "l" }),
        loop("l", { items: "steps.s.output" }, { next: "m" }),
        loop("m", { items: "steps.a.output" }, { next: "x" }),
        call("x", { next: "y", ...reads("b") }),
        call("y", reads("x")),
        call("lost", reads("y")),
      ),
      output: "{{steps.a.output}}",
    };
    expect(warningsOf(definition).map(tell)).toEqual([
      expect.stringMatching(/"lost", so it never runs/),
    ]);
  });
});

describe("the join below a parallel step that waits for any", () => {
  const ANY = { config: { waitFor: "any" } };
  const joins = (...steps: JsonValue[]): string[] =>
    planOf(withSteps(...steps)).steps.flatMap(({ id, isAnyJoin }) => (isAnyJoin ? id : []));

  test.each<[string, JsonValue[], string[]]>([
    [
      "is the step in which two branches meet",
      [
        parallel("p", { next: ["a", "b"], ...ANY }),
        call("a", { next: "a2" }),
        call("a2", { next: "j" }),
        call("b", { next: "j" }),
        call("j", { next: "k" }),
        call("k"),
      ],
      ["j"],
    ],
    [
      "is none if it waits for all",
      [
        parallel("p", { next: ["a", "b"] }),
        call("a", { next: "j" }),
        call("b", { next: "j" }),
        call("j"),
      ],
      [],
    ],
    [
      "is none where the branches never meet",
      [parallel("p", { next: ["a", "b"], ...ANY }), call("a", { next: "x" }), call("b"), call("x")],
      [],
    ],
    [
      "is none below one branch that parts and meets again",
      [
        parallel("p", { next: ["a", "b"], ...ANY }),
        call("a", { next: ["x", "y"] }),
        call("x", { next: "z" }),
        call("y", { next: "z" }),
        call("z"),
        call("b"),
      ],
      [],
    ],
    [
      "is a branch that another one leads to",
      [parallel("p", { next: ["a", "b"], ...ANY }), call("a", { next: "b" }), call("b")],
      ["b"],
    ],
    [
      "is found along error edges and `else`",
      [
        parallel("p", { next: ["a", "b"], ...ANY }),
        call("a", { onError: "j" }),
        condition("b", "input.x", { else: "j" }),
        call("j"),
      ],
      ["j"],
    ],
    [
      "is the first one only, though later ones are led to by further branches",
      [
        parallel("p", { next: ["a", "b", "c", "d"], ...ANY }),
        call("a", { next: "j" }),
        call("b", { next: "j" }),
        call("c", { next: "k" }),
        call("d", { next: "k" }),
        call("j", { next: "k" }),
        call("k"),
      ],
      ["j"],
    ],
    [
      "is not a step below it, to which other branches lead by two ways",
      [
        parallel("p", { next: ["c", "d", "a", "b"], ...ANY }),
        call("c", { next: "k" }),
        call("d", { next: "k" }),
        call("a", { next: ["j", "k"] }),
        call("b", { next: "j" }),
        call("j", { next: ["k", "k2"] }),
        call("k2", { next: "k" }),
        call("k", { next: "end" }),
        call("end"),
      ],
      ["j"],
    ],
    [
      "is each of two that are not below each other, in whatever order they are named",
      [
        parallel("p", { next: ["a", "b"], ...ANY }),
        call("a", { next: ["j", "k"] }),
        call("b", { next: ["k", "j"] }),
        call("k", { next: "z" }),
        call("j", { next: "z" }),
        call("z"),
      ],
      ["k", "j"],
    ],
    [
      "is each of two that nest",
      [
        parallel("p", { next: ["q", "b"], ...ANY }),
        parallel("q", { next: ["x", "y"], ...ANY }),
        call("x", { next: "j" }),
        call("y", { next: "j" }),
        call("b", { next: "k" }),
        call("j", { next: "k" }),
        call("k"),
      ],
      ["j", "k"],
    ],
    [
      "is what follows in a list",
      [
        parallel("p", { config: { waitForAll: false, branches: ["a", "b"] } }),
        call("a"),
        call("b"),
        call("j"),
      ],
      ["j"],
    ],
    [
      "is found in a loop's body, and not by its edges",
      [
        loop("l", { items: [1] }, { next: "p", done: "z" }),
        parallel("p", { next: ["a", "b"], ...ANY }),
        call("a", { next: "j" }),
        loop("b", { items: [1] }, { next: "x", done: "j" }),
        call("x"),
        call("j"),
        call("z"),
      ],
      ["j"],
    ],
    [
      "is none of one that never runs itself",
      [
        call("s", { next: ["a", "b"] }),
        parallel("p", { next: ["a", "b"], ...ANY }),
        call("a", { next: "j" }),
        call("b", { next: "j" }),
        call("j"),
      ],
      [],
    ],
  ])("%s", (_, steps, expected) => {
    expect(joins(...steps)).toEqual(expected);
  });
});
