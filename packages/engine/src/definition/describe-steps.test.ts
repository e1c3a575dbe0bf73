import {
  asJsonText,
  DEFAULT_TENANT,
  newRunId,
  shardOf,
  toShard,
  toTimestamp,
  type Failure,
  type JsonValue,
  type Step,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { begin, createPass, drive } from "../core/drive.ts";
import type { Outcome } from "../core/entry.ts";
import type { Fact } from "../core/fact.ts";
import type { RunHead } from "../core/run-head.ts";
import { createRunState, type RunState } from "../core/state.ts";
import { STEP_KINDS } from "../steps/step-kinds.ts";
import { describeSteps } from "./describe-steps.ts";
import { createListProgram } from "./list-program.ts";
import { compileDefinition, parseDefinition } from "./parse-definition.ts";

const at = toTimestamp;

function aHead(fields: Partial<RunHead> = {}): RunHead {
  const id = newRunId(at(1), toShard(1), () => 1);
  return {
    id,
    shard: shardOf(id),
    tenant: DEFAULT_TENANT,
    workspace: null,
    user: null,
    // A brand only.
    workflowId: "wf_a" as never,
    workflowVersion: 1,
    trigger: "api",
    priority: 1,
    input: asJsonText("{}"),
    metadata: asJsonText("{}"),
    parent: null,
    retryOf: null,
    depth: 0,
    caller: null,
    createdAt: at(1),
    deadlineAt: null,
    ...fields,
  };
}

interface World {
  readonly run: RunState;
  tell(fact: Fact): void;
  steps(): Step[];
  /** `id: status`. */
  statuses(): string[];
}

/** A run that has begun at 100. */
function open(...steps: JsonValue[]): World {
  const parsed = parseDefinition({ name: "a", steps }, STEP_KINDS);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  const plan = compileDefinition(parsed.definition, STEP_KINDS);
  const run = createRunState(aHead());
  const program = createListProgram(plan, run.head);
  begin(run, program, at(100), createPass());
  return {
    run,
    tell: (fact) => drive(run, program, fact, createPass()),
    steps: () => describeSteps(plan, run),
    statuses: () => describeSteps(plan, run).map((step) => `${step.key}: ${step.status}`),
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

const call = (id: string, fields: object = {}): JsonValue => ({
  id,
  type: "function",
  function: "f",
  ...fields,
});

const fork = (id: string, then: string[], otherwise: string[] = []): JsonValue => ({
  id,
  type: "condition",
  config: JSON.parse(
    `{ "left": 1, "operator": "eq", "right": 1, "then": ${JSON.stringify(then)}, "else": ${JSON.stringify(otherwise)} }`,
  ) as JsonValue,
});

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

  test("follows the definition where the program order is another", () => {
    const world = open(call("b"), call("a"), fork("c", ["b"]));
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
      fork("c", ["a"], ["d", "z"]),
      call("a"),
      fork("d", ["x"], ["y"]),
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
