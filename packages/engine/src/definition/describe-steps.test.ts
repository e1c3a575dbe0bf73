import {
  asJsonText,
  toTimestamp,
  type Failure,
  type JsonValue,
  type Step,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { begin, createPass, drive } from "../core/drive.ts";
import type { Outcome } from "../core/entry.ts";
import type { Fact } from "../core/fact.ts";
import { createRunState, type RunState } from "../core/state.ts";
import { aHead } from "../testkit/builders.ts";
import {
  call,
  compileWorkflow,
  condition,
  fork,
  GraphRun,
  loop,
  parallel,
  withSteps,
  type Fields,
} from "../testkit/graph-run.ts";
import { MAX_PASS_STEPS } from "./describe-steps.ts";

const at = toTimestamp;

interface World {
  readonly run: RunState;
  tell(fact: Fact): void;
  steps(): readonly Step[];
  /** `id: status`. */
  statuses(): string[];
}

/** A run that has begun at 100. */
function open(...steps: JsonValue[]): World {
  const workflow = compileWorkflow(withSteps(...steps));
  const run = createRunState(aHead({ createdAt: at(1) }));
  const program = workflow.create(run.head);
  begin(run, program, at(100), createPass());
  return {
    run,
    tell: (fact) => drive(run, program, fact, createPass()),
    steps: () => program.describe(run),
    statuses: () => program.describe(run).map((step) => `${step.key}: ${step.status}`),
  };
}

const completed = (key: string, output: JsonValue, from: number, to: number): Fact => ({
  type: "attempt.completed",
  key,
  attempt: 1,
  output: asJsonText(JSON.stringify(output)),
  startedAt: at(from),
  at: at(to),
});

const failed = (key: string, attempt: number, failure: Failure, to: number): Fact => ({
  type: "attempt.failed",
  key,
  attempt,
  failure,
  retryAfterMs: null,
  terminal: false,
  startedAt: at(to - 10),
  at: at(to),
});

const BOOM: Failure = { code: "step.failed", message: "boom", source: "code" };
const CANCEL: Fact = {
  type: "message.received",
  message: { id: "m", body: { kind: "cancel", reason: null } },
  at: at(900),
};

const split = (id: string, yes: string[], no: string[] = []): Fields =>
  fork(id, { yes, no }, "true");

describe("describeSteps", () => {
  test("shows what has ended with its output and times, and the rest as it is", () => {
    const world = open(call("a", { name: "Step A" }), call("b"), call("c"));
    world.tell(completed("a", { x: 1 }, 110, 120));
    expect(world.steps()).toEqual([
      {
        key: "a",
        name: "Step A",
        type: "function",
        status: "completed",
        output: { x: 1 },
        failure: null,
        attempts: [{ number: 1, startedAt: 110, endedAt: 120, failure: null }],
        startedAt: 110,
        endedAt: 120,
      },
      expect.objectContaining({ key: "b", name: "b", status: "running", attempts: [] }),
      expect.objectContaining({ key: "c", status: "pending", startedAt: null, endedAt: null }),
    ]);
  });

  test("follows the definition where steps run in another order", () => {
    const world = open(call("b"), call("a"), split("c", ["b"]));
    expect(world.statuses()).toEqual(["b: pending", "a: running", "c: pending"]);
  });

  test("shows a failed attempt while the step waits for the next, and no longer once that runs", () => {
    const world = open(call("a", { retries: 2 }));
    world.tell(failed("a", 1, BOOM, 200));
    const [waiting] = world.steps();
    expect(waiting).toMatchObject({
      status: "running",
      failure: BOOM,
      startedAt: 190,
      endedAt: null,
    });
    expect(waiting?.attempts).toEqual([{ number: 1, startedAt: 190, endedAt: 200, failure: BOOM }]);
    world.tell({ type: "timer.fired", key: "a", at: at(5_000) });
    expect(world.steps()[0]).toMatchObject({ status: "running", failure: null });
  });

  test("shows every attempt of a step that fails for good, and what comes after as skipped", () => {
    const world = open(call("a", { retries: 1 }), call("b"));
    world.tell(failed("a", 1, BOOM, 200));
    world.tell({ type: "timer.fired", key: "a", at: at(5_000) });
    world.tell(failed("a", 2, { ...BOOM, message: "again" }, 5_100));
    const [step] = world.steps();
    expect(step).toMatchObject({ status: "failed", startedAt: 190, endedAt: 5_100, output: null });
    expect(step?.failure).toEqual({ ...BOOM, message: "again", step: "a" });
    expect(step?.attempts.map((attempt) => attempt.failure?.message)).toEqual(["boom", "again"]);
    expect(world.statuses()).toEqual(["a: failed", "b: skipped"]);
  });

  test("shows a branch that was not chosen as skipped while the run goes on, with all that nests in it", () => {
    const world = open(
      split("c", ["a"], ["d", "z"]),
      call("a"),
      split("d", ["x"], ["y"]),
      call("x"),
      call("y"),
      call("z"),
      call("last"),
    );
    expect(world.statuses()).toEqual([
      "c: completed",
      "a: running",
      "d: skipped",
      "x: skipped",
      "y: skipped",
      "z: skipped",
      "last: pending",
    ]);
    expect(world.steps()[0]).toMatchObject({ output: { result: true }, startedAt: 100 });
  });

  test("shows a wait from its beginning", () => {
    const world = open({ id: "w", type: "wait", config: { duration: 50 } });
    expect(world.steps()[0]).toMatchObject({ status: "running", startedAt: 100, endedAt: null });
    world.tell({ type: "timer.fired", key: "w", at: at(160) });
    expect(world.steps()[0]).toMatchObject({
      status: "completed",
      output: { waited: 60 },
      attempts: [{ number: 1, startedAt: 100, endedAt: 160, failure: null }],
      startedAt: 100,
      endedAt: 160,
    });
  });

  test("shows what was open when the run was cancelled as cancelled, and what never began as skipped", () => {
    const world = open({ id: "w", type: "wait", config: { duration: 50 } }, call("b"));
    world.tell(CANCEL);
    expect(world.statuses()).toEqual(["w: cancelled", "b: skipped"]);
    expect(world.steps()[0]).toMatchObject({ failure: null, startedAt: 100, endedAt: null });
  });
});

describe("the steps of loops", () => {
  const two = (fields: Fields = {}, config: Fields = {}): JsonValue[] => [
    loop("l", { items: [1, 2], ...config }, { next: "a", done: "z", ...fields }),
    call("a", { name: "Step A", next: "b" }),
    call("b", { condition: "item > 1" }),
    call("z"),
  ];

  test("stand behind their loop, pass by pass, in the order in which they began", () => {
    const run = GraphRun.begin(withSteps(...two()));
    expect(run.statuses()).toEqual({ l: "running", "l[0]/a": "running", z: "pending" });
    run.complete("l[0]/a", 1);
    run.complete("l[1]/a", 2);
    expect(Object.entries(run.statuses())).toEqual([
      ["l", "running"],
      ["l[0]/a", "completed"],
      ["l[1]/a", "completed"],
      ["l[1]/b", "running"],
      ["z", "pending"],
    ]);
    run.complete("l[1]/b", 3);
    expect(run.steps()).toMatchObject([
      { key: "l", type: "loop", status: "completed", output: { count: 2 }, startedAt: 1_000 },
      { key: "l[0]/a", name: "Step A", type: "function", output: 1 },
      { key: "l[1]/a", name: "Step A", output: 2 },
      { key: "l[1]/b", output: 3 },
      { key: "z", status: "running" },
    ]);
    expect(run.steps()[0]?.endedAt).toBe(run.now);
  });

  test("stand behind the outermost loop, where loops nest", () => {
    const run = GraphRun.begin(
      withSteps(
        loop("k", { items: [] }, { next: "x", done: "o" }),
        call("x"),
        loop("o", { items: [1] }, { next: "i" }),
        loop("i", { items: [1] }, { next: "a" }),
        call("a"),
      ),
    );
    run.complete("o[0]/i[0]/a");
    expect(Object.entries(run.statuses())).toEqual([
      ["k", "completed"],
      ["o", "completed"],
      ["o[0]/i[0]/a", "completed"],
      ["o[0]/i", "completed"],
    ]);
  });

  test("are cut off where they are more than anybody reads", () => {
    const items = Array.from({ length: MAX_PASS_STEPS + 5 }, (_, i) => i);
    const config = { items, maxIterations: items.length, concurrency: 1_000 };
    const steps = [loop("l", config, { next: "a", done: "z" }), call("a"), call("z")];
    const run = GraphRun.begin(withSteps(...steps));
    for (const i of items) run.complete(`l[${i}]/a`);
    expect(run.steps()).toHaveLength(MAX_PASS_STEPS + 2);
    expect(run.steps().at(-1)).toMatchObject({ key: "z" });
  });

  test("say that a loop failed with a pass, when, and what its handler does then", () => {
    const run = GraphRun.begin(withSteps(...two({ onError: "h" }), call("h")));
    run.fail("l[0]/a");
    expect(run.steps()).toMatchObject([
      {
        key: "l",
        status: "failed",
        failure: { message: "boom", step: "l[0]/a" },
        output: null,
        attempts: [],
        startedAt: 1_000,
        endedAt: 1_001,
      },
      { key: "l[0]/a", status: "failed" },
      { key: "z", status: "skipped" },
      { key: "h", status: "running" },
    ]);
  });

  test("say that a loop was cancelled with its run", () => {
    const run = GraphRun.begin(withSteps(...two()));
    run.tell(CANCEL);
    run.tell({ type: "bodies.abandoned", at: at(2_000) });
    expect(run.statuses()).toEqual({ l: "cancelled", "l[0]/a": "cancelled", z: "skipped" });
    expect(run.steps()[0]).toMatchObject({ startedAt: 1_000, endedAt: null });
  });

  test("say why a loop never began", () => {
    const run = GraphRun.begin(withSteps(...two({}, { items: "input.nowhere" })));
    expect(run.steps()[0]).toMatchObject({
      status: "failed",
      failure: { code: "template.failed" },
      attempts: [{ number: 1 }],
    });
  });
});

describe("the steps of a graph", () => {
  test("are skipped as soon as nothing can lead to them, and by a guard", () => {
    const run = GraphRun.begin(
      withSteps(
        call("s", { next: ["c", "g"] }),
        condition("c", "false", { next: "a" }),
        call("a", { next: "j" }),
        call("g", { condition: "false", next: "j" }),
        call("j"),
        call("lost"),
      ),
    );
    expect(run.statuses()).toEqual({
      s: "running",
      c: "pending",
      a: "pending",
      g: "pending",
      j: "pending",
      lost: "pending",
    });
    run.complete("s");
    expect(Object.values(run.statuses())).toEqual([
      "completed",
      "completed",
      "skipped",
      "skipped",
      "running",
      "pending",
    ]);
    expect(run.steps()[3]).toMatchObject({ startedAt: null, endedAt: null, attempts: [] });
  });

  test("are the same when the run is read anew from its journal", () => {
    const definition = withSteps(
      parallel("p", { next: ["a", "l"] }),
      call("a", { onError: "h" }),
      call("h"),
      loop("l", { items: [1] }, { next: "b", errorHandling: { strategy: "continue" } }),
      call("b"),
    );
    const run = GraphRun.begin(definition);
    run.fail("a");
    run.fail("l[0]/b");
    run.complete("h", 1);
    const again = GraphRun.replay(compileWorkflow(definition), run.state.journal, {});
    again.resume();
    expect(again.ended).toEqual(run.ended);
    expect(again.steps()).toEqual(run.steps());
  });
});

describe("a subworkflow's step", () => {
  const SUB: JsonValue = { id: "s", type: "subworkflow", config: { workflow: "other" } };
  const child = aHead();

  function openChild(): World {
    const world = open(SUB);
    world.tell({ type: "child.prepared", key: "s", child, at: at(110) });
    return world;
  }

  const finished = (id: string, outcome: Outcome, to: number): Fact => ({
    type: "message.received",
    message: {
      id,
      body: { kind: "child.finished", key: "s", childId: child.id, outcome },
    },
    at: at(to),
  });

  test("runs while the child does, and completes with its output", () => {
    const world = openChild();
    expect(world.steps()[0]).toMatchObject({ status: "running", startedAt: 110 });
    world.tell(finished("m", { status: "completed", output: asJsonText("[1]") }, 300));
    expect(world.steps()[0]).toMatchObject({
      status: "completed",
      output: [1],
      attempts: [{ number: 1, startedAt: 110, endedAt: 300, failure: null }],
      endedAt: 300,
    });
  });

  test("fails with the child, in its own words and in those of the attempt", () => {
    const world = openChild();
    world.tell(finished("m", { status: "failed", failure: { ...BOOM, step: "x" } }, 300));
    const expected = { code: "child.failed", step: "s", cause: { ...BOOM, step: "x" } };
    expect(world.steps()[0]).toMatchObject({
      status: "failed",
      failure: expected,
      attempts: [{ number: 1, failure: expected }],
    });
    expect(world.run.ended).toMatchObject({ status: "failed", failure: expected });
  });

  test("fails if the child was cancelled", () => {
    const world = openChild();
    world.tell(finished("m", { status: "cancelled" }, 300));
    const failure = { code: "child.cancelled", step: "s" };
    expect(world.steps()[0]).toMatchObject({ status: "failed", failure });
  });

  test("fails if the child could not be started", () => {
    const world = open(SUB);
    const missing: Failure = { code: "workflow.not-found", message: "none", source: "definition" };
    world.tell(failed("s", 1, missing, 120));
    expect(world.steps()[0]).toMatchObject({
      status: "failed",
      failure: { code: "child.failed", cause: missing },
      startedAt: 110,
    });
  });

  test("hears a child once, though its answer stands in the journal twice", () => {
    const world = open(SUB, call("b"));
    world.tell({ type: "child.prepared", key: "s", child, at: at(110) });
    world.tell(finished("m", { status: "completed", output: asJsonText("1") }, 300));
    world.tell(finished("n", { status: "completed", output: asJsonText("2") }, 400));
    expect(world.run.journal).toHaveLength(3);
    const [step] = world.steps();
    expect(step?.output).toBe(1);
    expect(step?.attempts).toHaveLength(1);
    expect(step?.endedAt).toBe(300);
  });
});
