// Definitions as large as a door lets in: nothing here recurses, and nothing is looked at once for every other thing.
import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  call,
  condition,
  fork,
  GraphRun,
  loop,
  parallel,
  withSteps,
} from "../testkit/graph-run.ts";

const COUNT = 10_000;
const ids = Array.from({ length: COUNT }, (_, i) => `s${i}`);
/** Seconds for what takes well below one, on a machine that does other things. */
const PATIENT = 20_000;

const nothing = (id: string, fields: { readonly [key: string]: JsonValue } = {}): JsonValue => ({
  id,
  type: "transform",
  config: { mapping: {} },
  ...fields,
});

describe("a program of ten thousand steps", { timeout: PATIENT }, () => {
  test("runs them in a chain", () => {
    const steps = ids.map((id, i) => call(id, i + 1 < COUNT ? { next: `s${i + 1}` } : {}));
    const run = GraphRun.begin(withSteps(...steps));
    for (const [i, id] of ids.entries()) run.complete(id, i);
    expect(run.output).toBe(COUNT - 1);
    expect(run.steps().every(({ status }) => status === "completed")).toBe(true);
  });

  test("skips a chain of them", () => {
    const steps = ids.map((id, i) => call(id, i + 1 < COUNT ? { next: `s${i + 1}` } : {}));
    const run = GraphRun.begin(withSteps(condition("c", "false", { next: "s0" }), ...steps));
    expect(run.output).toEqual({});
    expect(run.statuses()["s9999"]).toBe("skipped");
  });

  test("passes a result through a chain of guards", () => {
    const steps = ids.map((id) => call(id, { condition: "false" }));
    expect(GraphRun.begin(withSteps(...steps), "x").output).toBe("x");
  });

  test("runs conditions that nest as deep, in a list", () => {
    const steps = ids.map((id, i) =>
      fork(id, { yes: i + 1 < COUNT ? [`s${i + 1}`] : [], no: [] }, "true"),
    );
    const run = GraphRun.begin(withSteps(...steps, call("last")), "x");
    expect(run.inputOf("last")).toBe("x");
    run.complete("last", "end");
    expect(run.output).toBe("end");
  });

  test("runs all of them at once, and joins them", () => {
    const wide = ids.map((id) => call(id, { next: "join" }));
    const run = GraphRun.begin(withSteps(parallel("p", { next: ids }), ...wide, call("join")));
    expect(run.running).toHaveLength(COUNT);
    for (const id of ids.toReversed()) run.complete(id, 1);
    const joined = Object.keys(run.inputOf("join") ?? {});
    expect(joined).toEqual(ids);
    run.complete("join", "end");
    expect(run.output).toBe("end");
  });

  test("ends at all of them", () => {
    const steps = ids.map((id) => nothing(id));
    const run = GraphRun.begin(withSteps(parallel("p", { next: ids }), ...steps));
    expect(Object.keys(run.output ?? {})).toEqual(ids);
  });

  test("handles the failure of each with one handler", () => {
    const steps = ids.map((id) => call(id, { onError: "h" }));
    const run = GraphRun.begin(withSteps(parallel("p", { next: ids }), ...steps, call("h")));
    for (const id of ids) run.fail(id);
    expect(Object.keys(run.inputOf("h") ?? {})).toHaveLength(COUNT);
  });

  test("waits for any of each two of them", () => {
    const pairs = ids.slice(0, COUNT / 4);
    const steps = pairs.flatMap((id, i) => [
      parallel(id, { next: [`a${i}`, `b${i}`], config: { waitFor: "any" } }),
      nothing(`a${i}`, { next: `j${i}` }),
      nothing(`b${i}`, { next: `j${i}` }),
      nothing(`j${i}`, i + 1 < pairs.length ? { next: `s${i + 1}` } : {}),
    ]);
    expect(GraphRun.begin(withSteps(...steps)).output).toEqual({});
  });
});

describe("a loop of ten thousand passes", { timeout: PATIENT }, () => {
  const body = (concurrency: number): JsonValue => [
    loop("l", { items: "input", maxIterations: COUNT, concurrency }, { next: "a" }),
    call("a", { next: "b" }),
    nothing("b"),
  ];

  test.each([1, 1_000])("ends with a concurrency of %d", (concurrency) => {
    const items = ids.map((_, i) => i);
    const run = GraphRun.begin({ name: "a", steps: body(concurrency) }, items);
    for (const i of items) run.complete(`l[${i}]/a`);
    expect(run.output).toMatchObject({ count: COUNT, succeeded: COUNT });
  });

  test("fails and goes on", () => {
    const config = { items: "input", maxIterations: COUNT, continueOnError: true, collect: false };
    const run = GraphRun.begin(
      withSteps(loop("l", config, { next: "a" }), call("a")),
      ids.map((_, i) => i),
    );
    for (const i of ids.keys()) run.fail(`l[${i}]/a`);
    expect(run.output).toEqual({ count: COUNT, succeeded: 0, failed: COUNT, truncated: false });
  });
});
