import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { call, GraphRun, loop, withSteps, type Fields } from "../testkit/graph-run.ts";

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

describe("a pass that fails", () => {
  test("ends the run at once if neither the loop nor one around it can bear that", () => {
    const run = begin(
      loop("o", { items: [1] }, { next: "i" }),
      loop("i", { items: [1, 2], concurrency: 2 }, { next: ["a", "b"] }),
      call("a"),
      call("b"),
    );
    run.fail("o[0]/i[0]/a");
    expect(run.failure).toMatchObject({ message: "boom", step: "o[0]/i[0]/a" });
    run.tell({ type: "bodies.abandoned", at: run.now });
    expect(run.statuses()).toEqual({
      o: "failed",
      "o[0]/i[0]/a": "failed",
      "o[0]/i[0]/b": "cancelled",
      "o[0]/i[1]/a": "cancelled",
      "o[0]/i[1]/b": "cancelled",
    });
  });

  test("fails the loop, whose handler hears of the step; no further pass begins", () => {
    const run = begin(...handled(...three({}, { onError: "h" })));
    run.complete("l[0]/a");
    run.fail("l[1]/a");
    expect(run.inputOf("h")).toEqual({
      ...(error("l[1]/a") as object),
      input: { list: ["x", "y"] },
    });
    expect(run.asked).toEqual(["l[0]/a", "l[1]/a", "h"]);
    expect(run.statuses()).toMatchObject({ l: "failed", z: "skipped", h: "running" });
  });

  test("lets what is under way end, and begins nothing new, in no pass of the loop", () => {
    const run = begin(
      loop("l", { items: [1, 2, 3], concurrency: 2 }, { next: ["a", "b"], onError: "h" }),
      call("a", { next: "c" }),
      call("b", { onError: "c" }),
      call("c"),
      call("h"),
    );
    run.fail("l[0]/a");
    expect(run.running).toEqual(["l[0]/b", "l[1]/a", "l[1]/b"]);
    // The failed pass is over before the other: no third one takes its place.
    run.complete("l[0]/b");
    run.complete("l[1]/a");
    expect(run.running).toEqual(["l[1]/b"]);
    run.fail("l[1]/b", "another");
    expect(run.inputOf("h")).toMatchObject(error("l[0]/a") as object);
    expect(run.asked).toEqual(["l[0]/a", "l[0]/b", "l[1]/a", "l[1]/b", "h"]);
  });

  test("begins no further pass while other steps of it are still under way", () => {
    const run = begin(
      loop("l", { items: [1, 2, 3], concurrency: 2 }, { next: ["a", "b"], onError: "h" }),
      call("a"),
      call("b"),
      call("h"),
    );
    run.fail("l[0]/a");
    run.complete("l[1]/a");
    run.complete("l[1]/b");
    expect(run.running).toEqual(["l[0]/b"]);
  });

  test("stands in the results, and the others go on, if the loop continues on error", () => {
    const run = begin(...three({ continueOnError: true, concurrency: 2 }));
    run.fail("l[1]/a");
    run.complete("l[2]/a", "c");
    run.complete("l[0]/a", "a");
    expect(run.inputOf("z")).toEqual({
      count: 3,
      succeeded: 2,
      failed: 1,
      truncated: false,
      results: ["a", error("l[1]/a"), "c"],
    });
    expect(run.statuses()).toMatchObject({ l: "completed", "l[1]/a": "failed" });
  });

  test("begins nothing new itself, if the loop continues on error", () => {
    const run = begin(
      loop("l", { items: [1, 2], continueOnError: true }, { next: ["a", "b"] }),
      call("a"),
      call("b", { next: "c" }),
      call("c"),
    );
    run.fail("l[0]/a");
    expect(run.running).toEqual(["l[0]/b"]);
    run.complete("l[0]/b");
    expect(run.running).toEqual(["l[1]/a", "l[1]/b"]);
  });

  test("gives the loop's fallback for its output, which has no operation of its own", () => {
    const run = begin(
      ...three({}, { errorHandling: { strategy: "continue", fallback: { count: 0 } } }),
    );
    run.fail("l[0]/a");
    expect(run.inputOf("z")).toEqual({ count: 0 });
    expect(run.asked).toEqual(["l[0]/a", "z"]);
    expect(run.steps()[0]).toMatchObject({
      key: "l",
      status: "failed",
      output: { count: 0 },
      failure: { step: "l[0]/a" },
      startedAt: 1_000,
      endedAt: 1_001,
    });
  });

  test("fails the pass around its loop, until one can bear it", () => {
    const run = begin(
      loop("o", { items: [1, 2], continueOnError: true }, { next: "i", done: "z" }),
      loop("i", { items: [1, 2] }, { next: "a", done: "b" }),
      call("a"),
      call("b"),
      call("z"),
    );
    run.fail("o[0]/i[0]/a");
    expect(run.running).toEqual(["o[1]/i[0]/a"]);
    run.complete("o[1]/i[0]/a");
    run.complete("o[1]/i[1]/a");
    run.complete("o[1]/b", "b");
    expect(run.inputOf("z")).toMatchObject({
      succeeded: 1,
      failed: 1,
      results: [error("o[0]/i[0]/a"), "b"],
    });
  });

  test("is handled by the innermost that can, in the pass around the loop", () => {
    const run = begin(
      loop("o", { items: [1] }, { next: "i", onError: "never" }),
      loop("i", { items: [1] }, { next: "a", done: "b", onError: "h" }),
      call("a"),
      call("b"),
      call("h"),
      call("never"),
    );
    run.fail("o[0]/i[0]/a");
    expect(run.running).toEqual(["o[0]/h"]);
    run.complete("o[0]/h", "mended");
    expect(run.output).toMatchObject({ failed: 0, results: ["mended"] });
  });

  test("stops loops inside of its pass: no pass of them begins", () => {
    const run = begin(
      loop("o", { items: [1, 2], continueOnError: true }, { next: ["i", "b"] }),
      loop("i", { items: [1, 2, 3], concurrency: 2 }, { next: "a" }),
      call("a", { next: "c" }),
      call("b"),
      call("c"),
    );
    run.fail("o[0]/b");
    expect(run.running).toEqual(["o[0]/i[0]/a", "o[0]/i[1]/a"]);
    run.complete("o[0]/i[0]/a");
    run.fail("o[0]/i[1]/a");
    expect(run.running).toEqual(["o[1]/b", "o[1]/i[0]/a", "o[1]/i[1]/a"]);
    expect(run.asked).not.toContain("o[0]/i");
    expect(run.asked).not.toContain("o[0]/i[0]/c");
  });

  test("stops a loop that was to begin in the same moment", () => {
    const run = begin(
      loop("o", { items: [1, 2], continueOnError: true }, { next: ["w", "i"] }),
      { id: "w", type: "wait", config: { duration: "{{input.list}}" } },
      loop("i", { items: [] }, { next: "a" }),
      call("a"),
    );
    expect(run.output).toMatchObject({ count: 2, failed: 2 });
  });
});

describe("a pass that failed", () => {
  test("gives no result to the pass after it, though a part of it had ended well", () => {
    const run = begin(
      loop(
        "l",
        { maxIterations: 2, continueOnError: true },
        { condition: "true", next: ["a", "b"] },
      ),
      call("a"),
      call("b"),
    );
    run.complete("l[0]/a", "well");
    run.fail("l[0]/b");
    expect(run.inputOf("l[1]/a")).toEqual({ list: ["x", "y"] });
  });
});
