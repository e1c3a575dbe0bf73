import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { issuesOf, planOf, sketch, tell } from "../testkit/definition-issues.ts";
import { call, fork, loop, parallel, withSteps, type Fields } from "../testkit/graph-run.ts";

const split = (id: string, yes: string[], no: string[] = []): Fields => fork(id, { yes, no });

describe("linkList", () => {
  test.each<[string, JsonValue[], string[]]>([
    [
      "leads from each step to the one after it",
      [call("a"), call("b"), call("c")],
      ["a: next b", "b: next c"],
    ],
    ["has no edges for one step", [call("a")], []],
    [
      "leads through a branch to what follows its condition",
      [split("c", ["a", "b"], ["z"]), call("a"), call("b"), call("z"), call("end")],
      ["c: next a; else z", "a: next b", "b: next end", "z: next end"],
    ],
    [
      "takes the order of a branch, not that of the list",
      [call("b"), call("x"), split("c", ["a", "b"]), call("a")],
      ["x: next c", "c: next a", "a: next b"],
    ],
    [
      "leads around an empty branch",
      [split("c", [], ["z"]), call("z"), call("end")],
      ["c: next end; else z", "z: next end"],
    ],
    [
      "leads from a condition without branches to what follows, either way",
      [split("c", []), call("end")],
      ["c: next end; else end"],
    ],
    [
      "leads from the end of nested branches to what follows the outermost",
      [
        split("c", ["d"], ["e"]),
        split("d", ["f"], []),
        split("e", [], ["g"]),
        call("f"),
        call("g"),
        call("end"),
      ],
      [
        "c: next d; else e",
        "d: next f; else end",
        "e: next end; else g",
        "f: next end",
        "g: next end",
      ],
    ],
    [
      "ends the run after a branch with nothing behind it",
      [split("c", ["a"]), call("a")],
      ["c: next a"],
    ],
    [
      "joins the branches of a parallel step in what follows it",
      [
        parallel("p", { config: { branches: ["a", ["b", "c"]] } }),
        call("a"),
        call("b"),
        call("c"),
        call("end"),
      ],
      ["p: next a, b", "a: next end", "b: next c", "c: next end"],
    ],
    [
      "leaves out empty branches",
      [parallel("p", { config: { branches: [[], ["a"]] } }), call("a"), call("end")],
      ["p: next a", "a: next end"],
    ],
    [
      "leads on from a parallel step without branches",
      [parallel("p", { config: { branches: [[]] } }), call("end")],
      ["p: next end"],
    ],
    [
      "ends a pass with the last step of its body, and leads from the loop to what follows it",
      [loop("l", { items: [1], steps: ["a", "b"] }), call("a"), call("b"), call("end")],
      ["l: body a; next end", "a: next b"],
    ],
    [
      "runs what `done` of a loop names before what follows it",
      [loop("l", { items: [1], steps: "a" }, { done: "d" }), call("a"), call("d"), call("end")],
      ["l: body a; next d", "d: next end"],
    ],
    [
      "leads to a handler by its error edge only, and nowhere from its end",
      [call("a", { onError: ["h", "i"] }), call("h"), call("i"), call("end")],
      ["a: next end; error h", "h: next i"],
    ],
    [
      "nests all of it",
      [
        loop("l", { items: [1], steps: ["p"] }),
        parallel("p", { config: { branches: [["c"], ["b"]], onError: "h" } }),
        split("c", ["x"]),
        call("x", { onError: "i" }),
        call("b"),
        call("h"),
        call("i"),
      ],
      ["l: body p", "p: next c, b; error h", "c: next x", "x: error i"],
    ],
  ])("%s", (_, steps, expected) => {
    expect(sketch(planOf(withSteps(...steps)))).toEqual(expected);
  });

  test("begins with the first step that no other claims", () => {
    const plan = planOf(
      withSteps(call("b"), call("h"), call("a", { onError: "h" }), split("c", ["b"])),
    );
    expect(plan.steps[plan.entry]?.id).toBe("a");
  });

  test("leads to every step by as many edges as it counts", () => {
    const { steps } = planOf(
      withSteps(
        parallel("p", { config: { branches: ["a", "c"] } }),
        call("a"),
        split("c", []),
        call("end"),
      ),
    );
    expect(steps.map(({ id, incoming }) => `${id}: ${incoming}`)).toEqual([
      "p: 0",
      "a: 1",
      "c: 1",
      "end: 3",
    ]);
  });

  test.each<[string, JsonValue[], string[]]>([
    [
      "a step in both branches",
      [split("c", ["a"], ["a"]), call("a")],
      ['steps.0.else.0: Step "a" is run by `then` of "c" already'],
    ],
    [
      "a step of two conditions",
      [split("c", [], ["a"]), split("d", ["a"]), call("a")],
      ['steps.1.then.0: Step "a" is run by `else` of "c" already'],
    ],
    [
      "a step of a branch and of a handler",
      [parallel("p", { config: { branches: [["a"]] } }), call("b", { onError: "a" }), call("a")],
      ['steps.1.onError: Step "a" is run by `branches` of "p" already'],
    ],
    [
      "a step of a loop and of a branch, once",
      [loop("l", { items: [1], steps: ["a"] }), split("c", ["a"]), call("a")],
      ['steps.1.then.0: Step "a" is run by `steps` of "l" already'],
    ],
    [
      "a step that is repeated and comes after the loop",
      [loop("l", { items: [1], steps: ["a"], done: "a" }), call("a")],
      ['steps.0.config.done: Step "a" is run by `steps` of "l" already'],
    ],
  ])("refuses two claims: %s", (_, steps, expected) => {
    const hint = " [in a list, a step is named once; write `next` on the steps to join branches]";
    expect(issuesOf(withSteps(...steps)).map(tell)).toEqual(expected.map((line) => line + hint));
  });

  test("names the step that claims, though other steps have no usable id", () => {
    const steps = withSteps(
      call("b ad"),
      call("b ad"),
      split("c", ["a"]),
      split("d", ["a"]),
      call("a"),
    );
    expect(issuesOf(steps).map(tell).at(-1)).toMatch(
      /^steps\.3\.then\.0: .* `then` of "c" already/,
    );
  });

  const HINT = " [a step may name only steps that come after it]";

  test("refuses conditions in a circle, and lists them in the order in which they run", () => {
    const steps = withSteps(call("a"), split("c", ["d"]), split("d", ["e"]), split("e", [], ["c"]));
    expect(issuesOf(steps).map(tell)).toEqual([
      `steps.3.else.0: Steps run each other in a circle: "d", "e", "c"${HINT}`,
    ]);
  });

  test("names the circle, and not the steps that it leads to", () => {
    const steps = withSteps(
      split("d", ["inside", "c"]),
      split("c", ["d"]),
      loop("inside", { items: [1], steps: ["x"] }),
      call("x"),
    );
    expect(issuesOf(steps).map(tell)).toEqual([
      `steps.1.then.0: Steps run each other in a circle: "c", "d"${HINT}`,
    ]);
  });

  test("shows the first ten steps of a long circle", () => {
    const ids = Array.from({ length: 12 }, (_, i) => `s${i}`);
    const steps = ids.map((id, i) => split(id, [ids[(i + 1) % 12] ?? ""]));
    const shown = ids.slice(1, 11).map((id) => JSON.stringify(id));
    expect(issuesOf(withSteps(...steps)).map(({ message }) => message)).toEqual([
      `Steps run each other in a circle: ${shown.join(", ")}, … (12 in all)`,
    ]);
  });

  test("finds every circle once", () => {
    const steps = withSteps(
      split("a", ["b"]),
      split("b", ["a"]),
      split("c", ["d"]),
      split("d", ["c"]),
    );
    expect(issuesOf(steps).map(({ path }) => path.join("."))).toEqual([
      "steps.1.then.0",
      "steps.3.then.0",
    ]);
  });
});
