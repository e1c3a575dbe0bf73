// What the core does with a run whose host asks for it: facts instead of a program.
import {
  after,
  newRunId,
  shardOfEvent,
  toShard,
  type Failure,
  type Outcome,
  type Settlement,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aCall, aHead, json, NOON, operation } from "../testkit/builders.ts";
import { carryOverCode } from "./carry-over-code.ts";
import { createPass, drive, rebuild, resume, type Pass } from "./drive.ts";
import type { Entry } from "./entry.ts";
import type { Fact } from "./fact.ts";
import type { OperationBody, Program, Request } from "./program.ts";
import { createRunState, type RunState } from "./state.ts";
import { waitingOn } from "./waiting-on.ts";

const BROKEN: Failure = { code: "step.failed", message: "broken", source: "code" };
const LATE: Failure = { code: "run.timeout", message: "late", source: "definition" };
const CHILD = newRunId(NOON, toShard(9), () => 1);
const HOSTED: Program = { begin: () => [], settled: () => [] };

const aHosted = (): RunState => createRunState(aHead(), undefined, true);

function tell(run: RunState, ...facts: readonly Fact[]): Pass {
  const pass = createPass();
  for (const fact of facts) drive(run, HOSTED, fact, pass);
  return pass;
}

const asked = (position: number, ...requests: readonly Request[]): Fact => ({
  type: "asked",
  position,
  requests,
  at: NOON,
});
const done = (key: string): Fact => ({
  type: "attempt.completed",
  key,
  attempt: 1,
  output: json(key),
  startedAt: NOON,
  at: NOON,
});
const failed = (key: string, terminal = true): Fact => ({
  type: "attempt.failed",
  key,
  attempt: 1,
  failure: { ...BROKEN, step: key },
  retryAfterMs: null,
  terminal,
  startedAt: NOON,
  at: NOON,
});
const message = (
  id: string,
  body: Extract<Entry, { kind: "message" }>["message"]["body"],
): Fact => ({
  type: "message.received",
  message: { id, body },
  at: NOON,
});
const signal = (id: string, name: string, data: unknown, key: string | null = null): Fact =>
  message(id, { kind: "signal", name, data: json(data), key });
const cancel = message("cancel", { kind: "cancel", reason: null });
const anEvent = (more: Partial<Extract<OperationBody, { kind: "event" }>> = {}): OperationBody => ({
  kind: "event",
  event: "signed",
  timeoutMs: null,
  lookbackMs: 0,
  ...more,
});
const RETRIED = aCall({
  retry: { retries: 3, initialDelayMs: 1_000, maxDelayMs: 1_000, factor: 1 },
});
const aTimer: OperationBody = { kind: "timer", due: { afterMs: 60_000 } };
const end = (outcome: Outcome): Request => ({ kind: "end", outcome });
const CANCELLED = end({ status: "cancelled" });

const told = ({ effects }: Pass): readonly Settlement[] =>
  effects.flatMap((effect) => (effect.type === "tell" ? [effect.settlement] : []));
const outputOf = (run: RunState, key: string): unknown => {
  const outcome = run.operations.get(key)?.outcome;
  return outcome?.status === "completed" ? JSON.parse(outcome.output) : outcome;
};

describe("what a host asks for", () => {
  test("keeps the position that the host was told of, however long the journal is by then", () => {
    const run = aHosted();
    tell(run, asked(0, operation("a"), operation("b")), done("a"), done("b"));
    tell(run, asked(1, operation("c")));
    expect(run.operations.get("c")).toMatchObject({ position: 1, phase: "running" });
  });

  test("is told back in journal order, with what it was and where it was asked for", () => {
    const run = aHosted();
    const pass = tell(run, asked(0, operation("a"), operation("nap", aTimer)), done("a"), {
      type: "timer.fired",
      key: "nap",
      at: after(NOON, 60_000),
    });
    expect(told(pass)).toMatchObject([
      { sequence: 2, key: "a", position: 0, kind: "call", at: NOON },
      { sequence: 3, key: "nap", position: 0, kind: "timer", at: after(NOON, 60_000) },
    ]);
  });

  test("is not begun a second time", () => {
    const run = aHosted();
    tell(run, asked(0, operation("a")));
    const again = tell(run, asked(0, operation("a")));
    expect(again.effects).toEqual([]);
  });

  test("ends the run as it says, and nothing is begun after that", () => {
    const run = aHosted();
    tell(run, asked(0, operation("a")), asked(0, end({ status: "completed", output: json(1) })));
    expect(run.stopping).toMatchObject({ status: "completed" });
    tell(run, asked(0, operation("b")), done("a"));
    expect(run.ended).toMatchObject({ status: "completed", output: "1" });
    expect(run.operations.has("b")).toBe(false);
    expect(tell(run, asked(1, operation("c"))).effects).toEqual([]);
  });
});

describe("a notice", () => {
  test("to a run is a signal in its inbox", () => {
    const run = aHosted();
    const body: OperationBody = { kind: "notify", event: "paid", data: json(1), runId: CHILD };
    const { outbox } = tell(run, asked(0, operation("n", body)));
    expect(outbox).toMatchObject([
      { to: { runId: CHILD }, content: { message: { body: { name: "paid", data: "1" } } } },
    ]);
    expect(outputOf(run, "n")).toBeNull();
  });

  test("to all goes to the event's shard, by the same id each time", () => {
    const run = aHosted();
    const body: OperationBody = { kind: "notify", event: "paid", data: json(1), runId: null };
    const { outbox } = tell(run, asked(0, operation("n", body)));
    const { id, tenant } = run.head;
    const event = { id: `${id}/notify/n`, name: "paid", data: "1", publishedAt: NOON };
    expect(outbox).toEqual([
      {
        id: event.id,
        to: { tenant, shard: shardOfEvent(tenant, "paid"), runId: id },
        content: { kind: "publish", event },
      },
    ]);
  });

  test("that is too large fails its step", () => {
    const run = createRunState(aHead(), 100, true);
    const data = json("x".repeat(200));
    tell(run, asked(0, operation("n", { kind: "notify", event: "paid", data, runId: null })));
    expect(outputOf(run, "n")).toMatchObject({ status: "failed" });
  });
});

describe("a wait for an event", () => {
  test("subscribes from when it began, or from as long before as it says", () => {
    const run = aHosted();
    const { outbox } = tell(
      run,
      asked(0, operation("w", anEvent({ timeoutMs: 5_000, lookbackMs: 1_000 }))),
    );
    expect(outbox).toMatchObject([
      {
        content: {
          kind: "subscribe",
          event: "signed",
          key: "w",
          since: after(NOON, -1_000),
          until: after(NOON, 5_000),
        },
      },
    ]);
    expect(waitingOn(run)).toEqual({
      kind: "event",
      step: "w",
      event: "signed",
      until: after(NOON, 5_000),
    });
  });

  test("takes the oldest signal that came before it, and does not subscribe", () => {
    const run = aHosted();
    const pass = tell(run, signal("1", "signed", 1), signal("2", "signed", 2));
    expect(told(pass)).toEqual([]);
    const first = tell(run, asked(0, operation("w", anEvent())));
    expect(first.outbox).toEqual([]);
    expect(told(first)).toMatchObject([{ key: "w", kind: "event", sequence: 3 }]);
    tell(run, asked(3, operation("v", anEvent())));
    expect([outputOf(run, "w"), outputOf(run, "v")]).toEqual([1, 2]);
  });

  test("is ended by the first signal of its name, the oldest wait first", () => {
    const run = aHosted();
    tell(run, asked(0, operation("w", anEvent()), operation("v", anEvent())));
    tell(run, signal("1", "other", 0), signal("2", "signed", 2), signal("3", "signed", 3));
    expect([outputOf(run, "w"), outputOf(run, "v")]).toEqual([2, 3]);
  });

  test("is ended by an event that was meant for it, though an older one waits", () => {
    const run = aHosted();
    tell(run, asked(0, operation("w", anEvent()), operation("v", anEvent())));
    tell(run, signal("1", "signed", 1, "v"), signal("2", "signed", 2, "v"));
    expect([outputOf(run, "w"), outputOf(run, "v")]).toEqual([2, 1]);
  });

  test("counts a signal once, however often it comes", () => {
    const run = aHosted();
    tell(run, signal("1", "signed", 1), signal("1", "signed", 1));
    tell(run, asked(0, operation("w", anEvent()), operation("v", anEvent())));
    expect([outputOf(run, "w"), run.operations.get("v")?.phase]).toEqual([1, "waiting"]);
  });

  test("has one outcome when its time is over at the same moment: what was journaled first (fault 52)", () => {
    const at = after(NOON, 1_000);
    const timedOut: Fact = { type: "timer.fired", key: "w", at };
    const late = aHosted();
    tell(late, asked(0, operation("w", anEvent({ timeoutMs: 1_000 }))));
    const { outbox } = tell(late, timedOut, signal("1", "signed", 1));
    expect(outputOf(late, "w")).toBeNull();
    expect(outbox).toMatchObject([{ content: { kind: "unsubscribe", event: "signed", key: "w" } }]);
    // It is kept for the next wait.
    tell(late, asked(2, operation("v", anEvent())));
    expect(outputOf(late, "v")).toBe(1);
    const early = aHosted();
    tell(early, asked(0, operation("w", anEvent({ timeoutMs: 1_000 }))));
    tell(early, signal("1", "signed", 1), timedOut);
    expect(outputOf(early, "w")).toBe(1);
  });
});

describe("stopping a code run", () => {
  test("settles all that is open, stops bodies, and lets its host compensate", () => {
    const run = aHosted();
    tell(run, asked(0, operation("a"), operation("b"), operation("nap", aTimer)), done("a"));
    const { effects } = tell(run, cancel);
    expect(effects).toMatchObject([
      { type: "tell.stop", notice: { sequence: 3, outcome: { status: "cancelled" } } },
      { type: "stop.bodies" },
    ]);
    expect([...run.open]).toEqual([]);
    tell(run, done("b"), asked(3, operation("rollback/a")), done("rollback/a"));
    expect(run.ended).toBeNull();
    tell(run, asked(4, CANCELLED));
    expect(run.ended).toEqual({ status: "cancelled" });
  });

  test("does not begin what was asked for before the host knew, but takes the end that it had said", () => {
    const run = aHosted();
    tell(run, asked(0, operation("a")), done("a"), cancel);
    tell(run, asked(1, operation("b"), end({ status: "completed", output: json(1) })));
    expect(run.operations.has("b")).toBe(false);
    expect(run.ended).toMatchObject({ status: "completed" });
  });

  test("lets go of its waits when its function had ended, and a body still ran", () => {
    const run = aHosted();
    const wait: OperationBody = { kind: "event", event: "paid", timeoutMs: null, lookbackMs: 0 };
    tell(run, asked(0, operation("a"), operation("wait", wait)));
    tell(run, asked(0, end({ status: "completed", output: json(1) })));
    expect(run.stopping).not.toBeNull();
    expect(tell(run, cancel).outbox).toMatchObject([
      { content: { kind: "unsubscribe", event: "paid", key: "wait" } },
    ]);
    expect(run.open.size).toBe(0);
  });

  test("ends one that has done nothing at once", () => {
    const run = aHosted();
    expect(tell(run, cancel).effects).toEqual([]);
    expect(run.ended).toEqual({ status: "cancelled" });
  });

  test("happens once: a second cancel and a passed deadline change nothing", () => {
    const run = aHosted();
    tell(run, asked(0, operation("a")), cancel);
    const again = tell(
      run,
      message("c2", { kind: "cancel", reason: null }),
      { type: "limit.exceeded", failure: LATE, isFinal: false, at: NOON },
      { type: "bodies.abandoned", at: NOON },
    );
    expect(again.effects).toEqual([]);
    expect(run.stop).toMatchObject({ sequence: 1, outcome: { status: "cancelled" } });
  });

  test("by its deadline is journaled, so that replay knows of it", () => {
    const run = aHosted();
    tell(run, asked(0, operation("a")), {
      type: "limit.exceeded",
      failure: LATE,
      isFinal: false,
      at: NOON,
    });
    const again = aHosted();
    rebuild(again, run.journal);
    expect(again.stop).toEqual(run.stop);
    expect(again.stop?.outcome).toEqual({ status: "failed", failure: LATE });
  });

  test("by a full journal ends it without compensation, even while it compensates", () => {
    const run = aHosted();
    const full: Fact = { type: "limit.exceeded", failure: LATE, isFinal: true, at: NOON };
    tell(run, asked(0, operation("nap", aTimer)), cancel, full);
    expect(run.ended).toEqual({ status: "failed", failure: LATE });
  });

  test("gives up its subscriptions, as its end does", () => {
    const unsubscribed = (pass: Pass): readonly string[] =>
      pass.outbox.flatMap(({ content }) => (content.kind === "unsubscribe" ? content.key : []));
    const run = aHosted();
    tell(run, asked(0, operation("w", anEvent())));
    expect(unsubscribed(tell(run, cancel))).toEqual(["w"]);
    const other = aHosted();
    tell(other, asked(0, operation("w", anEvent()), operation("v", anEvent())));
    expect(unsubscribed(tell(other, signal("1", "signed", 1)))).toEqual(["w"]);
    expect(unsubscribed(tell(other, asked(2, CANCELLED)))).toEqual(["v"]);
    // An event has taken its subscription.
    const third = aHosted();
    tell(third, asked(0, operation("w", anEvent())));
    expect(unsubscribed(tell(third, signal("1", "signed", 1, "w")))).toEqual([]);
  });

  test("cancels its children, but not those that it has left to themselves (fault 53)", () => {
    const run = aHosted();
    const aChild = (isAbandoned: boolean): OperationBody => ({
      kind: "child",
      workflow: "ship",
      input: json(1),
      metadata: json({ a: "b" }),
      isAbandoned,
    });
    const { effects } = tell(
      run,
      asked(0, operation("kept", aChild(false)), operation("left", aChild(true))),
    );
    expect(effects).toMatchObject([
      { type: "prepare.child", key: "kept", metadata: '{"a":"b"}' },
      { type: "prepare.child", key: "left" },
    ]);
    const other = newRunId(NOON, toShard(3), () => 2);
    tell(
      run,
      { type: "child.prepared", key: "kept", child: aHead({ id: CHILD }), at: NOON },
      { type: "child.prepared", key: "left", child: aHead({ id: other }), at: NOON },
    );
    const { outbox } = tell(run, cancel);
    expect(outbox.map(({ to }) => to.runId)).toEqual([CHILD]);
  });
});

describe("rebuild", () => {
  test("brings back what was told, what is open and which signals wait, without the code", () => {
    const run = aHosted();
    const live = tell(
      run,
      asked(0, operation("a"), operation("nap", aTimer), operation("c", RETRIED)),
      signal("1", "signed", 1),
      done("a"),
      failed("c", false),
    );
    const again = aHosted();
    expect(rebuild(again, run.journal)).toEqual(told(live));
    expect([...again.open].map(({ key, phase, dueAt }) => [key, phase, dueAt])).toEqual(
      [...run.open].map(({ key, phase, dueAt }) => [key, phase, dueAt]),
    );
    expect(again.signals).toEqual(run.signals);
    const pass = createPass();
    resume(again, HOSTED, NOON, pass);
    expect(pass.effects).toEqual([]);
  });

  test("lets an operation go on when its host asks for it again, as it is", () => {
    const run = aHosted();
    tell(run, asked(0, operation("nap", aTimer), operation("c", RETRIED)), failed("c", false));
    const again = aHosted();
    rebuild(again, run.journal);
    const { effects } = tell(again, asked(0, operation("nap", aTimer), operation("c", RETRIED)));
    expect(effects).toEqual([
      { type: "set.timer", key: "nap", at: after(NOON, 60_000) },
      { type: "set.timer", key: "c", at: again.operations.get("c")?.dueAt },
    ]);
    expect(again.operations.get("c")?.body?.kind).toBe("call");
  });

  test("stops a run that comes back after its deadline", () => {
    const run = createRunState(aHead({ deadlineAt: NOON }), undefined, true);
    tell(run, asked(0, operation("a")), done("a"));
    const again = createRunState(aHead({ deadlineAt: NOON }), undefined, true);
    rebuild(again, run.journal);
    const pass = createPass();
    resume(again, HOSTED, NOON, pass);
    expect(pass.effects).toMatchObject([{ type: "tell.stop" }, { type: "stop.bodies" }]);
  });
});

describe("carryOverCode", () => {
  const keysOf = (entries: readonly Entry[]): readonly string[] =>
    entries.map((entry) => (entry.kind === "message" ? entry.message.id : entry.key));
  const carried = (run: RunState, failure: Failure | null): readonly Entry[] =>
    carryOverCode(run.head, run.journal, failure);

  test("leaves out the step that failed, and what was asked for because of it", () => {
    const run = aHosted();
    tell(
      run,
      asked(0, operation("a"), operation("b")),
      signal("s", "x", 1),
      failed("a"),
      done("b"),
    );
    tell(run, asked(2, operation("report")), done("report"));
    tell(run, asked(3, operation("late")), done("late"));
    const entries = carried(run, { ...BROKEN, step: "a" });
    expect(keysOf(entries)).toEqual(["s", "b"]);
    expect(entries.map(({ position }) => position)).toEqual([0, 0]);
  });

  test("keeps a failure that the function went on from, and moves positions with their entries", () => {
    const run = aHosted();
    tell(run, asked(0, operation("c", RETRIED)), failed("c", false), signal("s", "x", 1));
    tell(run, asked(0, operation("a")), failed("a"));
    tell(run, asked(3, operation("b")), done("b"));
    tell(run, asked(4, operation("d")), failed("d"));
    const entries = carried(run, { ...BROKEN, step: "d" });
    expect(keysOf(entries)).toEqual(["s", "a", "b"]);
    expect(entries.map(({ position }) => position)).toEqual([0, 0, 2]);
    expect(rebuild(aHosted(), entries).map(({ key }) => key)).toEqual(["a", "b"]);
  });

  test("takes over nothing that was compensated", () => {
    const run = aHosted();
    tell(run, asked(0, operation("a")), done("a"), cancel);
    tell(run, asked(2, operation("rollback/a")), done("rollback/a"));
    expect(carried(run, null)).toEqual([]);
  });

  test("takes over what a cancelled run had done, and what its children answered (fault 59)", () => {
    const run = aHosted();
    const child: OperationBody = { kind: "child", workflow: "w", input: json(1) };
    tell(
      run,
      asked(0, operation("a"), operation("c", child), operation("nap", aTimer)),
      done("a"),
      {
        type: "child.prepared",
        key: "c",
        child: aHead({ id: CHILD }),
        at: NOON,
      },
    );
    const outcome = { status: "completed", output: json(1) } as const;
    tell(run, message("f", { kind: "child.finished", key: "c", childId: CHILD, outcome }), cancel);
    expect(keysOf(carried(run, null))).toEqual(["a", "c", "f"]);
    expect(keysOf(carried(run, LATE))).toEqual(["a", "c", "f"]);
  });
});
