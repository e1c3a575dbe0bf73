// What one fact does to one run.
//
//   T1. Pure: equal inputs give equal decisions. Time arrives inside the fact; nothing is drawn at random.
//   T2. An ended run never changes; a late fact is refused, which is no error.
//   T3. Effects are data, in the order in which the runtime must perform them, after the entries are durable.
//   T4. An attempt counts once: a result for another attempt than the running one is refused.
//   T5. A run that is stopping starts nothing; it ends when no body runs, or when the bodies are given up.
//   T6. No payload larger than the limit is journaled: the step, or the run, fails instead.
import {
  after,
  asJsonText,
  shardOf,
  shardOfEvent,
  toTimestamp,
  type Failure,
  type RunId,
  type Timestamp,
} from "@millrace/protocol";
import { assertNever, invariant } from "./assert-never.ts";
import type { Entry, JournaledMessage, Message, Outcome, Wait } from "./entry.ts";
import {
  cancelMessageId,
  limitMessageId,
  type Decision,
  type Effect,
  type Fact,
  type TransitionFact,
} from "./fact.ts";
import { checkPayload } from "./payload.ts";
import type { OperationBody, ValueOutcome } from "./program.ts";
import type { OutboxMessage, RunRef } from "./run-head.ts";
import { nextAttemptAt } from "./retry.ts";
import { findWaiting, type Change, type Operation, type RunState } from "./state.ts";

const NOTHING: Decision = { ok: true, changes: [], effects: [], outbox: [] };
const SETTLED: Decision = { ok: false, code: "operation.settled" };

/**
 * @param run the run as resident; not changed here
 * @returns the changes to apply and the effects, or the code of the refusal
 */
export function transition(run: RunState, fact: TransitionFact): Decision {
  if (run.ended !== null) return { ok: false, code: "run.finished" };
  switch (fact.type) {
    case "launched":
      return launch(run, fact.key, fact.at);
    case "program.ended":
      return run.stopping === null ? stop(run, checkEnd(run, fact.outcome), []) : NOTHING;
    case "attempt.completed":
      return complete(run, fact);
    case "attempt.failed":
      return retryOrFail(run, fact);
    case "child.prepared":
      return startChild(run, fact);
    case "timer.fired":
      return fire(run, fact.key, fact.at);
    case "message.received":
      return receive(run, fact.message, fact.at);
    case "limit.exceeded":
      return exceed(run, fact);
    case "bodies.abandoned":
      return run.stopping === null ? NOTHING : end(run, run.stopping);
    default:
      return assertNever(fact);
  }
}

const NULL = asJsonText("null");
const NO_METADATA = asJsonText("{}");

type EventBody = Extract<OperationBody, { kind: "event" }>;
/** A decision that is certain. */
type Accepted = Extract<Decision, { ok: true }>;
type Times = Pick<Entry, "position" | "startedAt" | "endedAt">;

/** Begins an operation, or gives one that was replayed what it needs to go on. */
function launch(run: RunState, key: string, at: Timestamp): Decision {
  const operation = run.operations.get(key);
  if (operation === undefined || run.stopping !== null) return SETTLED;
  switch (operation.phase) {
    case "requested":
      return start(run, operation, 1, at);
    case "retrying":
    case "waiting":
      return operation.dueAt === null
        ? NOTHING
        : accept([], [{ type: "set.timer", key, at: operation.dueAt }]);
    case "running":
    case "settled":
      return SETTLED;
    default:
      return assertNever(operation.phase);
  }
}

function start(
  run: RunState,
  { key, body, position }: Operation,
  attempt: number,
  at: Timestamp,
): Accepted {
  const times = { position, startedAt: at, endedAt: at };
  invariant(body !== null, `${key} begins before anybody has asked for it`);
  const failure = findTooLarge(run, key, body);
  if (failure !== null)
    return accept([journaled(valueEntry(key, { status: "failed", failure }, times))]);
  switch (body.kind) {
    case "call":
      return accept(
        [{ type: "begun", key, attempt }],
        [{ type: "start.attempt", key, attempt, body }],
      );
    case "child":
      return accept(
        [{ type: "begun", key, attempt }],
        [
          {
            type: "prepare.child",
            key,
            workflow: body.workflow,
            input: body.input,
            metadata: body.metadata ?? NO_METADATA,
          },
        ],
      );
    case "value":
      return accept([journaled(valueEntry(key, body.outcome, times))]);
    case "timer": {
      const until =
        "at" in body.due ? toTimestamp(Math.max(at, body.due.at)) : after(at, body.due.afterMs);
      const wait: Wait = { kind: "timer", until };
      return accept(
        [journaled({ kind: "wait", key, wait, ...times })],
        [{ type: "set.timer", key, at: until }],
      );
    }
    case "event":
      return waitForEvent(run, { key, body, position }, at);
    case "notify":
      return accept(
        [journaled({ kind: "result", key, attempt: 1, output: NULL, ...times })],
        [],
        [toNotice(run, key, body, at)],
      );
    default:
      return assertNever(body);
  }
}

/** Subscribes, unless a signal of that name is there already: then the wait is over as it begins. */
function waitForEvent(
  run: RunState,
  { key, body, position }: { key: string; body: EventBody; position: number },
  at: Timestamp,
): Accepted {
  const { event, timeoutMs, lookbackMs } = body;
  const until = timeoutMs === null ? null : after(at, timeoutMs);
  const wait: Wait = { kind: "event", event, until };
  const begun = journaled({ kind: "wait", key, wait, position, startedAt: at, endedAt: at });
  if ((run.signals?.get(event)?.length ?? 0) > 0) return accept([begun]);
  const message: OutboxMessage = {
    id: `${run.head.id}/subscribe/${key}`,
    to: eventRef(run, event),
    content: {
      kind: "subscribe",
      event,
      key,
      runShard: run.head.shard,
      since: toTimestamp(Math.max(0, at - lookbackMs)),
      until,
    },
  };
  const timer: Effect[] = until === null ? [] : [{ type: "set.timer", key, at: until }];
  return accept([begun], timer, [message]);
}

/** A signal goes to its run, an event to those who wait for it. The id is the same however often it is sent. */
function toNotice(
  run: RunState,
  key: string,
  { event, data, runId }: Extract<OperationBody, { kind: "notify" }>,
  at: Timestamp,
): OutboxMessage {
  const id = `${run.head.id}/notify/${key}`;
  if (runId === null) {
    const published = { id, name: event, data, publishedAt: at };
    return { id, to: eventRef(run, event), content: { kind: "publish", event: published } };
  }
  const message: Message = { id, body: { kind: "signal", name: event, data, key: null } };
  return { id, to: childRef(run, runId), content: { kind: "message", message } };
}

/** A full journal ends a run at once; a passed deadline lets a code run compensate, so it is journaled. */
function exceed(
  run: RunState,
  { failure, isFinal, at }: Extract<Fact, { type: "limit.exceeded" }>,
): Decision {
  if (run.stopping !== null) return NOTHING;
  if (!mayCompensate(run) || isFinal) return stop(run, { status: "failed", failure }, []);
  if (run.stop !== null) return NOTHING;
  const id = limitMessageId(run.head.id);
  return stopHosted(run, { id, body: { kind: "limit", failure } }, at);
}

/** A code run that has asked for nothing has nothing to undo, and may end without its host. */
const mayCompensate = ({ isHosted, operations }: RunState): boolean =>
  isHosted && operations.size > 0;

/** Whatever it was at counts no more, and its host is told. */
function stopHosted(run: RunState, message: JournaledMessage, at: Timestamp): Accepted {
  return accept([journaled(messageEntry(run, message, at))], [{ type: "stop.bodies" }], letGo(run));
}

const messageEntry = (run: RunState, message: JournaledMessage, at: Timestamp): Entry => ({
  kind: "message",
  message,
  position: run.journal.length,
  startedAt: at,
  endedAt: at,
});

/** What the program itself made: what a body returns is measured where it returns. */
function findTooLarge(run: RunState, key: string, body: OperationBody): Failure | null {
  if (body.kind === "timer" || body.kind === "event") return null;
  if (body.kind === "notify")
    return checkPayload(body.data, `data of step ${key}`, run.payloadBytes);
  if (body.kind !== "value")
    return checkPayload(body.input, `input of step ${key}`, run.payloadBytes);
  const { outcome } = body;
  return outcome.status === "failed"
    ? null
    : checkPayload(outcome.output, `output of step ${key}`, run.payloadBytes);
}

/** T6. */
function checkEnd(run: RunState, outcome: Outcome): Outcome {
  if (outcome.status !== "completed") return outcome;
  const failure = checkPayload(outcome.output, "output of the run", run.payloadBytes);
  return failure === null ? outcome : { status: "failed", failure };
}

function valueEntry(key: string, outcome: ValueOutcome, times: Times): Entry {
  return outcome.status === "completed"
    ? { kind: "result", key, attempt: 1, output: outcome.output, ...times }
    : { kind: "failure", key, attempt: 1, failure: outcome.failure, retryAt: null, ...times };
}

function complete(run: RunState, fact: Extract<Fact, { type: "attempt.completed" }>): Decision {
  const operation = running(run, fact.key, fact.attempt);
  if (operation === undefined) return SETTLED;
  const entry: Entry = {
    kind: "result",
    key: fact.key,
    attempt: fact.attempt,
    output: fact.output,
    position: operation.position,
    startedAt: fact.startedAt,
    endedAt: fact.at,
  };
  return lastBody(run, operation, accept([journaled(entry)]));
}

function retryOrFail(run: RunState, fact: Extract<Fact, { type: "attempt.failed" }>): Decision {
  const operation = running(run, fact.key, fact.attempt);
  if (operation === undefined) return SETTLED;
  const { body, position } = operation;
  // No retry timer revives a run that is stopping.
  const retryAt =
    run.stopping !== null || body?.kind !== "call"
      ? null
      : nextAttemptAt(body.retry, { ...fact, salt: `${run.head.id}/${fact.key}` });
  const entry: Entry = {
    kind: "failure",
    key: fact.key,
    attempt: fact.attempt,
    failure: fact.failure,
    retryAt,
    position,
    startedAt: fact.startedAt,
    endedAt: fact.at,
  };
  const effects: Effect[] =
    retryAt === null ? [] : [{ type: "set.timer", key: fact.key, at: retryAt }];
  return lastBody(run, operation, accept([journaled(entry)], effects));
}

function startChild(run: RunState, fact: Extract<Fact, { type: "child.prepared" }>): Decision {
  const operation = running(run, fact.key, 1);
  if (operation === undefined) return SETTLED;
  // The child was prepared but never sent: it does not exist.
  if (run.stopping !== null) return otherBodies(run, operation) ? NOTHING : end(run, run.stopping);
  const { child } = fact;
  const { body } = operation;
  const isAbandoned = body?.kind === "child" && body.isAbandoned === true;
  const wait: Wait = { kind: "child", childId: child.id, ...(isAbandoned ? { isAbandoned } : {}) };
  const times = { position: operation.position, startedAt: fact.at, endedAt: fact.at };
  const message: OutboxMessage = {
    id: `${child.id}/start`,
    to: { tenant: child.tenant, shard: child.shard, runId: child.id },
    content: { kind: "start", run: child },
  };
  return accept([journaled({ kind: "wait", key: fact.key, wait, ...times })], [], [message]);
}

function fire(run: RunState, key: string, at: Timestamp): Decision {
  const operation = run.operations.get(key);
  if (operation === undefined || run.stopping !== null || operation.dueAt === null) return SETTLED;
  if (operation.dueAt > at) return accept([], [{ type: "set.timer", key, at: operation.dueAt }]);
  if (operation.phase === "retrying") {
    return start(run, operation, operation.attempt + 1, at);
  }
  const startedAt = operation.waitingSince;
  invariant(startedAt !== null, `the wait of ${key} has no beginning`);
  const { position, wait } = operation;
  const isEvent = wait?.kind === "event";
  const output = isEvent ? NULL : asJsonText(`{"waited":${at - startedAt}}`);
  return accept(
    [journaled({ kind: "result", key, attempt: 1, output, position, startedAt, endedAt: at })],
    [],
    isEvent ? [unsubscribe(run, key, wait.event)] : [],
  );
}

/** A signal that was not meant for a wait may end one all the same. */
function unsubscribeFor(
  run: RunState,
  { name, key }: Extract<Message["body"], { kind: "signal" }>,
): OutboxMessage[] {
  const ended = findWaiting(run, name, key);
  return ended === undefined || ended.key === key ? [] : [unsubscribe(run, ended.key, name)];
}

const unsubscribe = (run: RunState, key: string, event: string): OutboxMessage => ({
  id: `${run.head.id}/unsubscribe/${key}`,
  to: eventRef(run, event),
  content: { kind: "unsubscribe", event, key },
});

function receive(run: RunState, message: Message, at: Timestamp): Decision {
  if (run.received?.has(message.id) === true) return { ok: false, code: "message.repeated" };
  const { id, body } = message;
  // Older releases woke runs so.
  if (body.kind === "wake") return NOTHING;
  const entry = messageEntry(run, { id, body }, at);
  switch (body.kind) {
    case "child.finished":
    case "limit":
      return accept([journaled(entry)]);
    case "signal":
      return accept([journaled(entry)], [], unsubscribeFor(run, body));
    case "cancel":
      // A second cancel, or one after the deadline: the first end stands.
      if (run.stop !== null) return accept([journaled(entry)]);
      // The entry settles all that a hosted run had open, so that its end no longer knows whom to tell.
      if (run.stopping !== null)
        return accept([journaled(entry)], [], run.isHosted ? letGo(run) : []);
      return mayCompensate(run)
        ? stopHosted(run, { id, body }, at)
        : stop(run, { status: "cancelled" }, [journaled(entry)]);
    default:
      return assertNever(body);
  }
}

/** Ends the run now if nothing runs, else as soon as nothing does. */
function stop(run: RunState, outcome: Outcome, before: readonly Change[]): Decision {
  if (!someBody(run)) {
    const ended = end(run, outcome);
    return { ...ended, changes: [...before, ...ended.changes] };
  }
  return accept([...before, { type: "stopping", outcome }], [{ type: "stop.bodies" }]);
}

/** T5: the last body of a stopping run has ended, so the run ends with it. */
function lastBody(run: RunState, operation: Operation, decision: Accepted): Decision {
  if (run.stopping === null || otherBodies(run, operation)) return decision;
  const ended = end(run, run.stopping, operation);
  return { ...ended, changes: [...decision.changes, ...ended.changes] };
}

/** Children that still run are told to cancel, whatever the reason for the end. */
function end(run: RunState, outcome: Outcome, besides?: Operation): Accepted {
  return accept([{ type: "ended", outcome }], [], letGo(run, besides));
}

/** What others hold for its waits: children that run for it, and subscriptions. */
export function letGo(run: RunState, besides?: Operation): OutboxMessage[] {
  const outbox: OutboxMessage[] = [];
  for (const operation of run.open) {
    if (operation === besides) continue;
    if (operation.wait?.kind === "event")
      outbox.push(unsubscribe(run, operation.key, operation.wait.event));
    if (operation.wait?.kind !== "child") continue;
    const { childId, isAbandoned = false } = operation.wait;
    if (isAbandoned) continue;
    const message: Message = {
      id: cancelMessageId(run.head.id, operation.key),
      body: { kind: "cancel", reason: "The parent run ended" },
    };
    outbox.push({
      id: message.id,
      to: childRef(run, childId),
      content: { kind: "message", message },
    });
  }
  return outbox;
}

const accept = (
  changes: readonly Change[],
  effects: readonly Effect[] = [],
  outbox: readonly OutboxMessage[] = [],
): Accepted => ({ ok: true, changes, effects, outbox });

const journaled = (entry: Entry): Change => ({ type: "journaled", entry });

/** The event's key lives in a shard of its own; the id is that of the run that sends. */
const eventRef = (run: RunState, event: string): RunRef => ({
  tenant: run.head.tenant,
  shard: shardOfEvent(run.head.tenant, event),
  runId: run.head.id,
});

const childRef = (run: RunState, runId: RunId): RunRef => ({
  tenant: run.head.tenant,
  shard: shardOf(runId),
  runId,
});

/** T4. */
function running(run: RunState, key: string, attempt: number): Operation | undefined {
  const operation = run.operations.get(key);
  return operation?.phase === "running" && operation.attempt === attempt ? operation : undefined;
}

function someBody(run: RunState): boolean {
  for (const operation of run.open) if (operation.phase === "running") return true;
  return false;
}

function otherBodies(run: RunState, besides: Operation): boolean {
  for (const operation of run.open) {
    if (operation !== besides && operation.phase === "running") return true;
  }
  return false;
}
