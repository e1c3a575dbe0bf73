import { after, newRunId, toShard, type Failure } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aCall, aHead, aProgram, completed, json, NOON, operation } from "../testkit/builders.ts";
import { begin, createPass, drive, type Pass } from "./drive.ts";
import type { TransitionFact } from "./fact.ts";
import type { Program } from "./program.ts";
import type { RunHead } from "./run-head.ts";
import { applyChange, createRunState, type RunState } from "./state.ts";
import { transition } from "./transition.ts";

const BROKEN: Failure = { code: "step.failed", message: "broken", source: "code" };
const CHILD = newRunId(NOON, toShard(9), () => 1);

interface World {
  readonly run: RunState;
  readonly pass: Pass;
  tell(fact: TransitionFact): Pass;
}

function aRun(program: Program, head: Partial<RunHead> = {}): World {
  const run = createRunState(aHead(head));
  const pass = createPass();
  begin(run, program, NOON, pass);
  return {
    run,
    pass,
    tell(fact) {
      const next = createPass();
      drive(run, program, fact, next);
      return next;
    },
  };
}

const done = (key: string, attempt = 1): TransitionFact => ({
  type: "attempt.completed",
  key,
  attempt,
  output: json(key),
  startedAt: NOON,
  at: NOON,
});
const failed = (
  key: string,
  attempt = 1,
  more: Partial<Extract<TransitionFact, { type: "attempt.failed" }>> = {},
): TransitionFact => ({
  type: "attempt.failed",
  key,
  attempt,
  failure: BROKEN,
  retryAfterMs: null,
  terminal: false,
  startedAt: NOON,
  at: NOON,
  ...more,
});
const cancel: TransitionFact = {
  type: "message.received",
  message: { id: "c", body: { kind: "cancel", reason: null } },
  at: NOON,
};
const prepared: TransitionFact = {
  type: "child.prepared",
  key: "child",
  child: aHead({ id: CHILD, shard: toShard(9) }),
  at: NOON,
};
const childEnded = (id = "m"): TransitionFact => ({
  type: "message.received",
  message: {
    id,
    body: { kind: "child.finished", key: "child", childId: CHILD, outcome: completed(1) },
  },
  at: NOON,
});
const retrying = aCall({
  retry: { retries: 1, initialDelayMs: 100, maxDelayMs: 1_000, factor: 2 },
});
const endAfter = (last: string): Program =>
  aProgram([operation(last)], () => [{ kind: "end", outcome: completed("end") }]);

describe("transition", () => {
  test("starts a call at once and journals nothing until it has a result", () => {
    const { run, pass } = aRun(endAfter("a"));
    expect(pass.effects).toMatchObject([{ type: "start.attempt", key: "a", attempt: 1 }]);
    expect(run.journal).toEqual([]);
  });

  test("journals a result and ends with what the program says", () => {
    const { run, tell } = aRun(endAfter("a"));
    tell(done("a"));
    expect(run.journal).toMatchObject([{ kind: "result", key: "a", attempt: 1, position: 0 }]);
    expect(run.ended).toEqual(completed("end"));
  });

  test("refuses a second result of one attempt, and a result of another attempt", () => {
    const { run, tell } = aRun(aProgram([operation("a"), operation("b")]));
    tell(done("a"));
    tell(done("a"));
    tell(done("b", 2));
    expect(run.journal).toHaveLength(1);
    expect(transition(run, done("a"))).toEqual({ ok: false, code: "operation.settled" });
    expect(transition(run, failed("nobody"))).toEqual({ ok: false, code: "operation.settled" });
  });

  test("tells an ended run nothing more", () => {
    const { run, tell } = aRun(endAfter("a"));
    tell(done("a"));
    expect(transition(run, cancel)).toEqual({ ok: false, code: "run.finished" });
  });

  test("waits before it tries again, and starts the next attempt when the time has come", () => {
    const { run, tell } = aRun(aProgram([operation("a", retrying)]));
    const first = tell(failed("a"));
    const [timer] = first.effects;
    expect(run.journal).toMatchObject([{ kind: "failure", attempt: 1 }]);
    if (timer?.type !== "set.timer") throw new Error("no timer");
    expect(tell({ type: "timer.fired", key: "a", at: after(timer.at, -1) }).effects).toEqual([
      timer,
    ]);
    expect(tell({ type: "timer.fired", key: "a", at: timer.at }).effects).toMatchObject([
      { type: "start.attempt", attempt: 2 },
    ]);
  });

  test("settles with the failure after the last attempt", () => {
    const heard: string[] = [];
    const { tell } = aRun(
      aProgram([operation("a", retrying)], (key, outcome) => {
        heard.push(`${key} ${outcome.status}`);
        return [];
      }),
    );
    const [timer] = tell(failed("a")).effects;
    if (timer?.type !== "set.timer") throw new Error("no timer");
    tell({ type: "timer.fired", key: "a", at: timer.at });
    expect(heard).toEqual([]);
    tell(failed("a", 2));
    expect(heard).toEqual(["a failed"]);
  });

  test("journals the beginning of a wait, and its end as how long it took", () => {
    const { run, pass, tell } = aRun(
      aProgram([operation("w", { kind: "timer", due: { afterMs: 5_000 } })]),
    );
    expect(pass.effects).toEqual([{ type: "set.timer", key: "w", at: after(NOON, 5_000) }]);
    tell({ type: "timer.fired", key: "w", at: after(NOON, 5_001) });
    expect(run.journal).toMatchObject([
      { kind: "wait", wait: { kind: "timer", until: after(NOON, 5_000) } },
      { kind: "result", output: '{"waited":5001}', startedAt: NOON },
    ]);
  });

  test("treats an instant that has passed as now", () => {
    const { pass } = aRun(aProgram([operation("w", { kind: "timer", due: { at: 1 } })]));
    expect(pass.effects).toEqual([{ type: "set.timer", key: "w", at: NOON }]);
  });

  test("settles a value at once, failed or not, and goes on without waiting", () => {
    const { run } = aRun(
      aProgram(
        [operation("v", { kind: "value", outcome: { status: "completed", output: json(1) } })],
        (key) =>
          key === "v"
            ? [operation("f", { kind: "value", outcome: { status: "failed", failure: BROKEN } })]
            : [{ kind: "end", outcome: { status: "failed", failure: BROKEN } }],
      ),
    );
    expect(run.journal.map((entry) => entry.kind)).toEqual(["result", "failure"]);
    expect(run.ended?.status).toBe("failed");
  });

  test("ignores a timer of an operation that is settled or unknown", () => {
    const { run, tell } = aRun(aProgram([operation("a")]));
    tell(done("a"));
    expect(transition(run, { type: "timer.fired", key: "a", at: NOON }).ok).toBe(false);
    expect(transition(run, { type: "timer.fired", key: "zzz", at: NOON }).ok).toBe(false);
    expect(transition(run, { type: "launched", key: "zzz", at: NOON }).ok).toBe(false);
    expect(transition(run, { type: "launched", key: "a", at: NOON }).ok).toBe(false);
  });
});

describe("transition of a run with a child", () => {
  const parent = aProgram(
    [operation("child", { kind: "child", workflow: "other", input: json(1) })],
    () => [{ kind: "end", outcome: completed() }],
  );

  test("prepares the child first, and puts its start into the outbox with the wait", () => {
    const { run, pass, tell } = aRun(parent);
    expect(pass.effects).toMatchObject([{ type: "prepare.child", workflow: "other" }]);
    const { outbox } = tell(prepared);
    expect(outbox).toMatchObject([{ to: { runId: CHILD }, content: { kind: "start" } }]);
    expect(run.journal).toMatchObject([{ kind: "wait", wait: { kind: "child", childId: CHILD } }]);
  });

  test("goes on when the child has answered, and takes the answer once", () => {
    const { run, tell } = aRun(
      aProgram([operation("child", { kind: "child", workflow: "o", input: json(1) })]),
    );
    tell(prepared);
    tell(childEnded("m"));
    tell(childEnded("m"));
    expect(run.journal).toHaveLength(2);
    tell(childEnded("another message of the same child"));
    expect(run.operations.get("child")?.outcome).toEqual(completed(1));
    expect(transition(run, childEnded("m"))).toEqual({ ok: false, code: "message.repeated" });
  });

  test("journals an answer to a question that nobody asked, and changes nothing else", () => {
    const { run, tell } = aRun(aProgram([operation("a")]));
    tell(childEnded());
    expect(run.operations.get("a")?.phase).toBe("running");
    expect(run.journal).toHaveLength(1);
  });

  test("tells the child to cancel when the run is cancelled", () => {
    const { run, tell } = aRun(parent);
    tell(prepared);
    const { outbox } = tell(cancel);
    expect(run.ended).toEqual({ status: "cancelled" });
    expect(outbox).toMatchObject([
      { to: { runId: CHILD }, content: { message: { body: { kind: "cancel" } } } },
    ]);
  });

  test("does not start a child that was prepared after the cancel", () => {
    const { run, tell } = aRun(parent);
    tell(cancel);
    expect(run.ended).toBeNull();
    expect(tell(prepared).outbox).toEqual([]);
    expect(run.ended).toEqual({ status: "cancelled" });
  });

  test("waits for other bodies when a child was prepared after the cancel", () => {
    const { run, tell } = aRun(
      aProgram([
        operation("child", { kind: "child", workflow: "o", input: json(1) }),
        operation("a"),
      ]),
    );
    tell(cancel);
    tell(prepared);
    expect(run.ended).toBeNull();
    tell(done("a"));
    expect(run.ended).toBeNull();
    tell({ type: "bodies.abandoned", at: NOON });
    expect(run.ended).toEqual({ status: "cancelled" });
  });

  test("takes no notice of a wake-up that an older release has stored", () => {
    const { run, tell } = aRun(parent);
    const before = run.journal.length;
    tell({ type: "message.received", message: { id: "w", body: { kind: "wake" } }, at: NOON });
    expect(run.journal).toHaveLength(before);
  });

  test("refuses a child for a step that is over", () => {
    const child = operation("child", { kind: "child", workflow: "other", input: json(1) });
    const { run, tell } = aRun(aProgram([child]));
    tell(failed("child"));
    expect(transition(run, prepared)).toEqual({ ok: false, code: "operation.settled" });
  });
});

describe("transition of a run that is stopping", () => {
  test("ends at once when no body runs", () => {
    const { run, tell } = aRun(
      aProgram([operation("w", { kind: "timer", due: { afterMs: 5_000 } })]),
    );
    tell(cancel);
    expect(run.ended).toEqual({ status: "cancelled" });
  });

  test("asks the bodies to stop, keeps a late result and does not go on from it", () => {
    const { run, tell } = aRun(
      aProgram([operation("a"), operation("b")], (key) => [operation(`after ${key}`)]),
    );
    expect(tell(cancel).effects).toEqual([{ type: "stop.bodies" }]);
    tell(done("a"));
    expect(run.journal).toHaveLength(2);
    expect(run.operations.has("after a")).toBe(false);
    expect(run.ended).toBeNull();
    tell(failed("b"));
    expect(run.ended).toEqual({ status: "cancelled" });
  });

  test("lets go of its children once: when it ends, not at each cancel", () => {
    const child = operation("child", { kind: "child", workflow: "other", input: json(1) });
    const { run, tell } = aRun(aProgram([child, operation("a")]));
    tell(prepared);
    tell(cancel);
    const again: TransitionFact = {
      type: "message.received",
      message: { id: "c2", body: { kind: "cancel", reason: null } },
      at: NOON,
    };
    expect(tell(again).outbox).toEqual([]);
    expect(tell(done("a")).outbox).toHaveLength(1);
    expect(run.ended).toEqual({ status: "cancelled" });
  });

  test("does not try a failed attempt again", () => {
    const { run, tell } = aRun(aProgram([operation("a", retrying), operation("b")]));
    tell(cancel);
    expect(tell(failed("a")).effects).toEqual([]);
    expect(run.journal.at(-1)).toMatchObject({ kind: "failure", retryAt: null });
  });

  test("ends without the bodies when their grace is over, and ignores that in a run that goes on", () => {
    const { run, tell } = aRun(aProgram([operation("a")]));
    tell({ type: "bodies.abandoned", at: NOON });
    expect(run.ended).toBeNull();
    tell(cancel);
    tell({ type: "bodies.abandoned", at: NOON });
    expect(run.ended).toEqual({ status: "cancelled" });
  });

  test("keeps the first reason to stop", () => {
    const { run, tell } = aRun(aProgram([operation("a")]));
    const failure: Failure = { code: "run.timeout", message: "late", source: "definition" };
    tell({ type: "limit.exceeded", failure, isFinal: false, at: NOON });
    tell({ type: "limit.exceeded", failure: BROKEN, isFinal: false, at: NOON });
    tell(cancel);
    tell({ type: "program.ended", outcome: completed(), at: NOON });
    tell({ type: "launched", key: "a", at: NOON });
    tell(done("a"));
    expect(run.ended).toEqual({ status: "failed", failure });
  });
});

describe("a case that nobody wrote", () => {
  /** What the compiler would refuse, as a newer journal or a mistake of ours could bring it. */
  const unknown = { type: "nonsense", kind: "nonsense", input: "" } as never;

  test("is named wherever it turns up", () => {
    const { run } = aRun(aProgram([operation("a")]));
    const message = { id: "m", body: unknown };
    const anEntry = { position: 0, startedAt: NOON, endedAt: NOON };
    const odd: (() => unknown)[] = [
      () => transition(run, unknown),
      () => applyChange(run, unknown),
      () => applyChange(run, { type: "journaled", entry: unknown }),
      () =>
        applyChange(run, {
          type: "journaled",
          entry: { ...anEntry, kind: "message", message: { ...message, id: "n" } },
        }),
      () => transition(run, { type: "message.received", message, at: NOON }),
      () => aRun(aProgram([operation("b", unknown)])),
    ];
    for (const meet of odd) expect(meet).toThrow("A case is missing");
    const [first] = run.open;
    Object.assign(first ?? {}, { phase: "nonsense" });
    expect(() => transition(run, { type: "launched", key: "a", at: NOON })).toThrow(
      "A case is missing",
    );
  });
});
