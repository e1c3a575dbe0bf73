import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  call,
  compileWorkflow,
  condition,
  GraphRun,
  loop,
  parallel,
  withSteps,
  type Fields,
} from "../testkit/graph-run.ts";

const begin = (...steps: JsonValue[]): GraphRun =>
  GraphRun.begin(withSteps(...steps), { list: ["x", "y"] });

/** A loop over three items with one step `a`, then `z`; on failure `h`. */
const three = (config: Fields = {}, fields: Fields = {}): JsonValue[] => [
  loop("l", { items: [1, 2, 3], ...config }, { next: "a", done: "z", ...fields }),
  call("a"),
  call("z"),
];

const handled = (...steps: JsonValue[]): JsonValue[] => [...steps, call("h")];

const error = (key: string, message = "boom"): JsonValue => ({
  error: { message, code: "step.failed", stepId: key, attempts: 1 },
});

describe("the items of a loop", () => {
  test.each<[string, Fields]>([
    ["a list", { items: ["x", "y"] }],
    ["a list with templates", { items: ["{{input.list.0}}", "{{input.list.1}}"] }],
    ["an expression", { items: "input.list" }],
    ["a template", { items: "{{input.list}}" }],
    ["a bare name", { items: "list" }],
    ["the other word for them", { collection: "{{input.list}}" }],
  ])("are given by %s", (_, config) => {
    const run = begin(loop("l", config, { next: "a" }), call("a"));
    expect(run.inputOf("l[0]/a")).toBe("x");
    run.complete("l[0]/a");
    expect(run.inputOf("l[1]/a")).toBe("y");
    run.complete("l[1]/a");
    expect(run.output).toMatchObject({ count: 2 });
  });

  test("may be none at all", () => {
    const run = begin(...three({ items: [] }));
    expect(run.inputOf("z")).toEqual({
      count: 0,
      succeeded: 0,
      failed: 0,
      truncated: false,
      results: [],
    });
    expect(run.statuses()).toEqual({ l: "completed", z: "running" });
  });

  test.each<[string, Fields, RegExp]>([
    [
      "text",
      { items: "{{input.list.0}}" },
      /^Step "l": config\.items: Expected array, received string "x"$/,
    ],
    ["nothing", { items: "input.nowhere" }, /config\.items: Expected array, received nothing$/],
    [
      "an object",
      { collection: "{{input}}" },
      /config\.collection: Expected array, received object$/,
    ],
    ["what cannot be evaluated", { items: "1 / 0" }, /divides by zero/],
  ])("fail the loop if they are %s", (_, config, message) => {
    const run = begin(...handled(loop("l", config, { next: "a", onError: "h" }), call("a")));
    expect(run.inputOf("h")).toMatchObject({
      error: {
        code: "template.failed",
        stepId: "l",
        message: expect.stringMatching(message) as string,
      },
      input: { list: ["x", "y"] },
    });
    expect(run.statuses()).toMatchObject({ l: "failed", h: "running" });
  });

  test("are cut off at maxIterations, which shows", () => {
    const run = begin(...three({ maxIterations: 2 }));
    run.complete("l[0]/a", "a");
    run.complete("l[1]/a", "b");
    expect(run.inputOf("z")).toEqual({
      count: 2,
      succeeded: 2,
      failed: 0,
      truncated: true,
      results: ["a", "b"],
    });
  });

  test("are a hundred at most, unless the author says more", () => {
    const items = Array.from({ length: 101 }, (_, i) => i);
    const body = call("a", { condition: "false" });
    const short = begin(loop("l", { items, collect: false }, { next: "a" }), body);
    expect(short.output).toMatchObject({ count: 100, truncated: true });
    const long = begin(
      loop("l", { items, collect: false, maxIterations: 101 }, { next: "a" }),
      body,
    );
    expect(long.output).toMatchObject({ count: 101, truncated: false });
  });

  test("fail the loop if they are more than maxIterations, before any pass, if it is to fail at its limit", () => {
    const run = begin(
      ...handled(...three({ maxIterations: 2, onLimit: "fail" }, { onError: "h" })),
    );
    expect(run.asked).toEqual(["l", "h"]);
    expect(run.inputOf("h")).toEqual({
      error: {
        message: "There is more to do than maxIterations, which is 2",
        code: "loop.limit",
        stepId: "l",
        attempts: 1,
      },
      input: { list: ["x", "y"] },
    });
  });

  test("may be exactly as many as maxIterations", () => {
    const run = begin(...three({ maxIterations: 3, onLimit: "fail" }));
    for (const i of [0, 1, 2]) run.complete(`l[${i}]/a`, i);
    expect(run.inputOf("z")).toMatchObject({ count: 3, truncated: false });
  });
});

describe("a pass", () => {
  test("runs after the one before, with its own item and index", () => {
    const seen = { config: { input: ["{{item}}", "{{index}}", "{{result}}"] } };
    const run = begin(
      loop("l", { items: [7, 8] }, { next: "a" }),
      call("a", { next: "b", ...seen }),
      call("b", seen),
    );
    expect(run.running).toEqual(["l[0]/a"]);
    expect(run.inputOf("l[0]/a")).toEqual([7, 0, 7]);
    run.complete("l[0]/a", "r");
    expect(run.inputOf("l[0]/b")).toEqual([7, 0, "r"]);
    run.complete("l[0]/b", "first");
    expect(run.running).toEqual(["l[1]/a"]);
    expect(run.inputOf("l[1]/a")).toEqual([8, 1, 8]);
    run.complete("l[1]/a");
    run.complete("l[1]/b", "second");
    expect(run.output).toMatchObject({ results: ["first", "second"] });
  });

  test("has the result of its one end, or of several by step", () => {
    const run = begin(
      loop("l", { items: [1, 5] }, { next: ["a", "b"] }),
      call("a"),
      condition("b", "item > 3", { next: "c" }),
      call("c"),
    );
    run.complete("l[0]/a", "a");
    run.complete("l[1]/a", "a");
    run.complete("l[1]/c", "c");
    expect(run.output).toMatchObject({
      results: [
        { a: "a", b: 1 },
        { a: "a", c: "c" },
      ],
    });
  });

  test("joins its item with a result where the body begins in both of two steps", () => {
    const run = begin(
      loop("l", { items: [7] }, { next: ["a", "b"] }),
      call("a", { next: "b" }),
      call("b"),
    );
    expect(run.running).toEqual(["l[0]/a"]);
    run.complete("l[0]/a", "a");
    expect(run.inputOf("l[0]/b")).toEqual({ l: 7, a: "a" });
  });

  test("joins, skips and handles failures like a run", () => {
    const run = begin(
      loop("l", { items: [1] }, { next: "p" }),
      parallel("p", { next: ["a", "b"] }),
      call("a", { next: "j", onError: "h" }),
      call("b", { next: "j" }),
      call("h", { next: "j" }),
      call("j"),
    );
    run.fail("l[0]/a");
    run.complete("l[0]/b", "b");
    expect(run.inputOf("l[0]/h")).toEqual({ ...(error("l[0]/a") as object), input: 1 });
    run.complete("l[0]/h", "h");
    expect(run.inputOf("l[0]/j")).toEqual({ b: "b", h: "h" });
  });

  test("runs the join below a parallel step that waits for any once, in each pass", () => {
    const run = begin(
      loop("l", { items: [1, 2] }, { next: "p" }),
      parallel("p", { next: ["a", "b"], config: { waitFor: "any" } }),
      call("a", { next: "j" }),
      call("b", { next: "j" }),
      call("j"),
    );
    run.complete("l[0]/b", "b");
    expect(run.inputOf("l[0]/j")).toBe("b");
    run.complete("l[0]/a", "a");
    run.complete("l[0]/j", "j");
    expect(run.running).toEqual(["l[1]/a", "l[1]/b"]);
  });

  test("sees steps of its own first, then those of the pass and the run around it, and no others", () => {
    const seen = ["first", "a", "inner", "x", "y", "other"].map((id) => `{{steps.${id}.output}}`);
    const run = begin(
      call("first", { next: "l" }),
      loop("l", { items: [1, 2] }, { next: "a", done: "z" }),
      call("a", { next: ["inner", "side"] }),
      loop("inner", { items: [1, 2] }, { next: "x" }),
      call("x", { next: "y" }),
      call("y", { config: { input: seen } }),
      loop("side", { items: [1] }, { next: "other" }),
      call("other"),
      call("z", { config: { input: [...seen, "{{steps.l.output.count}}"] } }),
    );
    run.complete("first", "f");
    for (const i of [0, 1]) {
      run.complete(`l[${i}]/a`, `a${i}`);
      run.complete(`l[${i}]/side[0]/other`, "o");
      for (const j of [0, 1]) {
        run.complete(`l[${i}]/inner[${j}]/x`, `x${i}${j}`);
        const key = `l[${i}]/inner[${j}]/y`;
        expect(run.inputOf(key)).toEqual(["f", `a${i}`, null, `x${i}${j}`, null, null]);
        run.complete(key);
      }
    }
    expect(run.inputOf("z")).toEqual(["f", null, null, null, null, null, 2]);
  });

  test("sees the loop itself as running", () => {
    const run = begin(
      loop("l", { items: [1] }, { next: "a" }),
      call("a", { config: { input: ["{{steps.l.status}}", "{{steps.a.status}}"] } }),
    );
    expect(run.inputOf("l[0]/a")).toEqual(["running", "running"]);
  });

  test("ends at once where it has nothing to do", () => {
    const run = begin(
      loop("l", { items: [1, 5] }, { next: "a" }),
      call("a", { condition: "item > 3" }),
    );
    expect(run.asked).toEqual(["l[1]/a"]);
    run.complete("l[1]/a", "a");
    expect(run.output).toMatchObject({ count: 2, results: [1, "a"] });
  });
});

describe("the variables of loops", () => {
  const nested = (outer: Fields, inner: Fields, ...seen: string[]): GraphRun => {
    const run = begin(
      loop("o", { items: [[1, 2]], ...outer }, { next: "i" }),
      loop("i", { items: "result", ...inner }, { next: "a" }),
      call("a", { config: { input: seen } }),
    );
    run.complete("o[0]/i[0]/a");
    return run;
  };

  test("are those of the innermost loop", () => {
    const run = nested({}, {}, "{{item}}", "{{index}}");
    expect(run.inputOf("o[0]/i[1]/a")).toEqual([2, 1]);
  });

  test("are those of outer loops too, if they have other names", () => {
    const names = { itemVariable: "row", indexVariable: "at" };
    const run = nested(names, {}, "{{row}}", "{{at}}", "{{item}}", "{{index}}");
    expect(run.inputOf("o[0]/i[1]/a")).toEqual([[1, 2], 0, 2, 1]);
    const other = nested({}, names, "{{row}}", "{{at}}", "{{item}}", "{{index}}");
    expect(other.inputOf("o[0]/i[1]/a")).toEqual([2, 1, [1, 2], 0]);
  });

  test("are none outside of the loop, nor for its own fields", () => {
    const run = begin(
      loop("l", { items: ["{{index}}"] }, { next: "a", done: "z" }),
      call("a"),
      call("z", { config: { input: ["{{item}}", "{{index}}"] } }),
    );
    expect(run.inputOf("l[0]/a")).toBeNull();
    run.complete("l[0]/a");
    expect(run.inputOf("z")).toEqual([null, null]);
  });
});

describe("the passes of a loop", () => {
  test("run beside each other, as many as it may have, and have their results by index", () => {
    const run = begin(...three({ concurrency: 2 }));
    expect(run.running).toEqual(["l[0]/a", "l[1]/a"]);
    run.complete("l[1]/a", "b");
    expect(run.running).toEqual(["l[0]/a", "l[2]/a"]);
    run.complete("l[2]/a", "c");
    expect(run.asked).not.toContain("l");
    run.complete("l[0]/a", "a");
    expect(run.inputOf("z")).toMatchObject({ results: ["a", "b", "c"] });
  });

  test("are no more than there are items", () => {
    const run = begin(...three({ concurrency: 1_000, maxIterations: 2 }));
    expect(run.running).toEqual(["l[0]/a", "l[1]/a"]);
  });

  test("leave their results out if the loop does not collect them", () => {
    const run = begin(...three({ collect: false, continueOnError: true }));
    run.complete("l[0]/a", "a");
    run.fail("l[1]/a");
    run.complete("l[2]/a", "c");
    expect(run.inputOf("z")).toEqual({ count: 3, succeeded: 2, failed: 1, truncated: false });
  });

  test("nest, with keys that say where", () => {
    const run = begin(
      loop("o", { items: [["a"], [], ["b", "c"]] }, { next: "i" }),
      loop("i", { items: "{{item}}" }, { next: "x", done: "y" }),
      call("x"),
      call("y"),
    );
    run.complete("o[0]/i[0]/x", "A");
    expect(run.inputOf("o[0]/y")).toMatchObject({ results: ["A"] });
    run.complete("o[0]/y", 0);
    run.complete("o[1]/y", 1);
    run.complete("o[2]/i[0]/x", "B");
    run.complete("o[2]/i[1]/x", "C");
    expect(run.inputOf("o[2]/y")).toMatchObject({ results: ["B", "C"] });
    run.complete("o[2]/y", 2);
    expect(run.output).toMatchObject({ results: [0, 1, 2] });
    expect(run.asked).toEqual([
      "o[0]/i[0]/x",
      "o[0]/i",
      "o[0]/y",
      "o[1]/i",
      "o[1]/y",
      "o[2]/i[0]/x",
      "o[2]/i[1]/x",
      "o[2]/i",
      "o[2]/y",
      "o",
    ]);
  });

  test("come again in a replay, with the items that the journal leads to", () => {
    const definition = withSteps(
      call("s", { next: "l" }),
      loop("l", { items: "result", concurrency: 2 }, { next: "a" }),
      call("a"),
    );
    const run = GraphRun.begin(definition);
    run.complete("s", [1, 2, 3]);
    run.complete("l[1]/a");
    const again = GraphRun.replay(compileWorkflow(definition), run.state.journal, {});
    expect(again.asked).toEqual(run.asked);
    again.resume();
    again.complete("l[2]/a", 3);
    again.complete("l[0]/a", 1);
    expect(again.output).toMatchObject({ count: 3, results: [1, null, 3] });
  });
});

describe("a loop with a condition", () => {
  const counting = (config: Fields = {}, fields: Fields = {}): GraphRun =>
    begin(
      call("s", { next: "l" }),
      loop("l", config, {
        condition: "result.n < 3",
        next: "a",
        done: "z",
        onError: "h",
        ...fields,
      }),
      call("a", { config: { input: ["{{result.n}}", "{{index}}"] } }),
      call("z"),
      call("h"),
    );

  test("runs passes one after another while it is true, each with the result of the one before", () => {
    const run = counting();
    run.complete("s", { n: 1 });
    expect(run.inputOf("l[0]/a")).toEqual([1, 0]);
    run.complete("l[0]/a", { n: 2 });
    expect(run.inputOf("l[1]/a")).toEqual([2, 1]);
    run.complete("l[1]/a", { n: 3 });
    expect(run.inputOf("z")).toEqual({
      count: 2,
      succeeded: 2,
      failed: 0,
      truncated: false,
      results: [{ n: 2 }, { n: 3 }],
    });
  });

  test("runs no pass if it is false at once", () => {
    const run = counting();
    run.complete("s", { n: 3 });
    expect(run.inputOf("z")).toMatchObject({ count: 0, results: [] });
  });

  test("sees the index of the pass that is to begin", () => {
    const run = counting({}, { condition: "index < 2" });
    run.complete("s");
    run.complete("l[0]/a");
    run.complete("l[1]/a");
    expect(run.inputOf("z")).toMatchObject({ count: 2 });
  });

  test("stands in config as well", () => {
    const run = begin(loop("l", { condition: "index < 1", steps: "a" }), call("a"));
    run.complete("l[0]/a", 5);
    expect(run.output).toMatchObject({ count: 1, results: [5] });
  });

  test("has the item of the loop around it, but none of its own", () => {
    const run = begin(
      loop("o", { items: [7] }, { next: "i" }),
      loop("i", {}, { condition: "index < 1", next: "a" }),
      call("a", { config: { input: ["{{item}}", "{{index}}"] } }),
    );
    expect(run.inputOf("o[0]/i[0]/a")).toEqual([7, 0]);
  });

  test("ends at maxIterations, truncated if it would go on, and not if it would not", () => {
    const run = counting({ maxIterations: 2 });
    run.complete("s", { n: 0 });
    run.complete("l[0]/a", { n: 1 });
    run.complete("l[1]/a", { n: 2 });
    expect(run.inputOf("z")).toMatchObject({ count: 2, truncated: true });
    const exact = counting({ maxIterations: 2 });
    exact.complete("s", { n: 1 });
    exact.complete("l[0]/a", { n: 2 });
    exact.complete("l[1]/a", { n: 3 });
    expect(exact.inputOf("z")).toMatchObject({ count: 2, truncated: false });
  });

  test("fails at maxIterations if it is to", () => {
    const run = counting({ maxIterations: 1, onLimit: "fail" });
    run.complete("s", { n: 0 });
    run.complete("l[0]/a", { n: 1 });
    expect(run.inputOf("h")).toMatchObject({
      error: { code: "loop.limit", stepId: "l" },
      input: { n: 0 },
    });
  });

  test("fails if it cannot be evaluated", () => {
    const run = counting({}, { condition: "10 / result.n > 1" });
    run.complete("s", { n: 5 });
    run.complete("l[0]/a", { n: 0 });
    expect(run.inputOf("h")).toMatchObject({ error: { code: "template.failed", stepId: "l" } });
    expect(run.statuses()).toMatchObject({ l: "failed", "l[0]/a": "completed" });
  });

  test("goes on after a failed pass with the result of the last that did not fail", () => {
    const run = counting({ continueOnError: true, maxIterations: 3 });
    run.complete("s", { n: 0 });
    run.complete("l[0]/a", { n: 1 });
    run.fail("l[1]/a");
    expect(run.inputOf("l[2]/a")).toEqual([1, 2]);
    run.complete("l[2]/a", { n: 9 });
    expect(run.inputOf("z")).toMatchObject({ count: 3, failed: 1, truncated: false });
  });
});

describe("a loop's output", () => {
  test("that is too large fails the loop, which a handler may catch", () => {
    const big = "x".repeat(600 * 1024);
    const run = begin(...handled(...three({ items: [1, 2] }, { onError: "h" })));
    run.complete("l[0]/a", big);
    run.complete("l[1]/a", big);
    expect(run.inputOf("h")).toMatchObject({ error: { stepId: "l" } });
  });

  test("carries the error that was in scope before it on", () => {
    const run = begin(
      call("s", { onError: "l" }),
      loop("l", { items: [1] }, { next: "a", done: "z" }),
      call("a", { config: { input: "{{error.stepId}}" } }),
      call("z", { config: { input: "{{error.stepId}}" } }),
    );
    run.fail("s");
    expect(run.inputOf("l[0]/a")).toBe("s");
    run.complete("l[0]/a");
    expect(run.inputOf("z")).toBe("s");
  });
});
