import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { issuesOf, planOf, tell, warningsOf } from "../testkit/definition-issues.ts";
import { call, condition, loop, withSteps } from "../testkit/graph-run.ts";
import { MAX_LOOP_DEPTH } from "./regions.ts";

const IN_AND_OUT =
  " [what a loop repeats is everything that its body leads to; what comes after the loop is its `done`]";
const REPEAT = " [use a step of type `loop` to repeat]";

describe("findRegions", () => {
  test("puts each step into the innermost loop whose body leads to it", () => {
    const { steps } = planOf(
      withSteps(
        call("a", { next: "outer" }),
        loop("outer", { items: [1] }, { next: "b", done: "z", onError: "h" }),
        call("b", { next: "inner" }),
        loop("inner", { items: [1] }, { next: "c", done: "d" }),
        call("c"),
        call("d"),
        call("z"),
        call("h"),
        call("lost"),
      ),
    );
    const regionOf = ({ region }: { readonly region: number }): string => steps[region]?.id ?? "-";
    expect(steps.map((step) => `${step.id}: ${regionOf(step)}`)).toEqual([
      "a: -",
      "outer: -",
      "b: outer",
      "inner: outer",
      "c: inner",
      "d: outer",
      "z: -",
      "h: -",
      "lost: -",
    ]);
  });

  test.each<[string, JsonValue[], string]>([
    [
      "out of a loop's body",
      [loop("l", { items: [1] }, { next: "a", done: "z" }), call("a", { next: "z" }), call("z")],
      'steps.1: Step "a" leads to "z" as a step in the body of loop "l", but that is one outside of any loop',
    ],
    [
      "into a loop's body",
      [call("s", { next: ["l", "a"] }), loop("l", { items: [1] }, { next: "a" }), call("a")],
      'steps.1: Step "l" leads to "a" as a step in the body of loop "l", but that is one outside of any loop',
    ],
    [
      "from a loop's body to what the loop goes on with",
      [loop("l", { items: [1] }, { next: "a", done: "z" }), call("a", { onError: "z" }), call("z")],
      'steps.1: Step "a" leads to "z" as a step in the body of loop "l", but that is one outside of any loop',
    ],
    [
      "from one loop's body into another's",
      [
        call("s", { next: ["l", "m"] }),
        loop("l", { items: [1] }, { next: "a" }),
        loop("m", { items: [1] }, { next: "a" }),
        call("a"),
      ],
      'steps.1: Step "l" leads to "a" as a step in the body of loop "l", but that is one in the body of loop "m"',
    ],
    [
      "from a nested body out of both",
      [
        loop("l", { items: [1] }, { next: "m", done: "z" }),
        loop("m", { items: [1] }, { next: "a" }),
        call("a", { next: "z" }),
        call("z"),
      ],
      'steps.2: Step "a" leads to "z" as a step in the body of loop "m", but that is one outside of any loop',
    ],
  ])("refuses an edge %s", (_, steps, expected) => {
    expect(issuesOf(withSteps(...steps)).map(tell)).toEqual([expected + IN_AND_OUT]);
  });

  test.each<[string, JsonValue[], string[]]>([
    [
      "two steps in a circle",
      [call("a", { next: "b" }), call("b", { next: "a" })],
      [`steps.1: Steps lead to each other in a circle: a → b → a${REPEAT}`],
    ],
    [
      "the circle, and not what leads to it",
      [
        call("s", { next: "a" }),
        call("a", { next: "b" }),
        condition("b", "input.x", { else: "c" }),
        call("c", { onError: "a" }),
      ],
      [`steps.3: Steps lead to each other in a circle: a → b → c → a${REPEAT}`],
    ],
    [
      "each of two circles",
      [
        call("s", { next: ["a", "c"] }),
        call("a", { next: "b" }),
        call("b", { next: "a" }),
        call("c", { next: "d" }),
        call("d", { next: "c" }),
      ],
      [
        `steps.2: Steps lead to each other in a circle: a → b → a${REPEAT}`,
        `steps.4: Steps lead to each other in a circle: c → d → c${REPEAT}`,
      ],
    ],
    [
      "a circle that the first step does not lead to",
      [call("s"), call("a", { next: "b" }), call("b", { next: "a" })],
      [`steps.2: Steps lead to each other in a circle: a → b → a${REPEAT}`],
    ],
    [
      "a body that leads back to its loop",
      [loop("l", { items: [1] }, { next: "a" }), call("a", { next: "l" })],
      [
        "steps.1: Steps lead to each other in a circle: l → a → l " +
          "[a pass of a loop ends by itself, where nothing comes next]",
      ],
    ],
  ])("refuses %s", (_, steps, expected) => {
    expect(issuesOf(withSteps(...steps)).map(tell)).toEqual(expected);
  });

  test("shows the beginning of a long circle, and ten of many", () => {
    const circle = (name: string, length: number): JsonValue[] =>
      Array.from({ length }, (_, i) => call(`${name}${i}`, { next: `${name}${(i + 1) % length}` }));
    const [long] = issuesOf(withSteps(...circle("a", 10_000)));
    expect(long?.message).toBe(
      "Steps lead to each other in a circle: a0 → a1 → a2 → a3 → a4 → a5 → a6 → a7 → a8 → a9 → …",
    );
    const many = Array.from({ length: 30 }, (_, i) => circle(`n${i}-`, 2)).flat();
    expect(issuesOf(withSteps(...many))).toHaveLength(10);
  });

  test("refuses loops that nest too deep, once", () => {
    const nested = (depth: number): JsonValue =>
      withSteps(
        ...Array.from({ length: depth }, (_, i) =>
          loop(`l${i}`, { items: [1] }, { next: i + 1 < depth ? `l${i + 1}` : "a" }),
        ),
        call("a"),
      );
    expect(issuesOf(nested(MAX_LOOP_DEPTH))).toEqual([]);
    const hint =
      "[make the inner ones a workflow of their own, and run it by a step of type `subworkflow`]";
    expect(issuesOf(nested(MAX_LOOP_DEPTH + 1)).map(tell)).toEqual([
      `steps.33: Step "a" is in more than 32 loops, one in another ${hint}`,
    ]);
    expect(issuesOf(nested(10_000))).toHaveLength(1);
  });

  test("does not take a diamond for a circle", () => {
    const steps = withSteps(
      call("a", { next: ["b", "c"] }),
      call("c", { next: "d" }),
      call("d"),
      call("b", { next: ["c", "d"] }),
    );
    expect(warningsOf(steps)).toEqual([]);
  });
});
