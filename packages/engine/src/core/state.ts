// A run in memory: the fold of its journal, plus what its owner has begun but not yet journaled.
// Changes are applied in place: copying a run of 10,000 steps for each of them would cost more than all else.
import {
  DEFAULT_LIMITS,
  type JsonText,
  type OperationKind,
  type StopNotice,
  type Timestamp,
} from "@millrace/protocol";
import { assertNever, invariant } from "./assert-never.ts";
import type { Entry, JournaledMessage, MessageBody, Outcome, Wait } from "./entry.ts";
import type { OperationBody } from "./program.ts";
import type { RunHead } from "./run-head.ts";

/**
 * - `requested`: known to the program only (replay has not come to it, or it will be launched next)
 * - `running`: a body of attempt `attempt` runs, or a child is being prepared
 * - `retrying`: attempt `attempt` failed; the next starts at `dueAt`
 * - `waiting`: journaled as `wait`; a timer or a message ends it
 * - `settled`: has its outcome
 */
export type OperationPhase = "requested" | "running" | "retrying" | "waiting" | "settled";

export interface Operation {
  readonly key: string;
  /** null: known from the journal only, until the host of a code run asks for it. */
  body: OperationBody | null;
  /** Length of the journal when it was requested. */
  readonly position: number;
  phase: OperationPhase;
  /** Of the attempt that runs or ran last; 0: none yet. */
  attempt: number;
  wait: Wait | null;
  /** When the attempt that runs began. Known to its owner only: beginnings are not journaled. */
  begunAt: Timestamp | null;
  /** When the wait began. */
  waitingSince: Timestamp | null;
  /** When the next attempt starts or the timer ends; null: not a matter of time. */
  dueAt: Timestamp | null;
  outcome: Outcome | null;
}

/** As far as the journal tells it. */
export const toOperationKind = ({ wait }: Operation): OperationKind => wait?.kind ?? "call";

export interface RunState {
  readonly head: RunHead;
  /** A host runs its function: it is told of settlements, compensates, and says itself how the run ends. */
  readonly isHosted: boolean;
  /** Largest input or output of a step. */
  readonly payloadBytes: number;
  readonly journal: Entry[];
  /** All that were ever requested, in that order. */
  readonly operations: Map<string, Operation>;
  /** Those that have not settled. */
  readonly open: Set<Operation>;
  /** Ids of messages in the journal. */
  received: Set<string> | null;
  /** Signals that no wait has taken yet, by name, oldest first. */
  signals: Map<string, JsonText[]> | null;
  /** It was cancelled or overran its time, and compensates. Of hosted runs only. */
  stop: StopNotice | null;
  /** What the program has ended with; the run may still have to stop what is open. */
  wanted: Outcome | null;
  /** The run is on its way to this end, and waits only for bodies to stop. */
  stopping: Outcome | null;
  /** The end, decided. */
  ended: Outcome | null;
}

export type Change =
  | {
      readonly type: "requested";
      readonly key: string;
      readonly body: OperationBody | null;
      /** What its host had been told by then. Default: the journal as it is. */
      readonly position?: number;
    }
  /** A body starts, or a child is being prepared. */
  | { readonly type: "begun"; readonly key: string; readonly attempt: number }
  | { readonly type: "journaled"; readonly entry: Entry }
  | { readonly type: "stopping"; readonly outcome: Outcome }
  | { readonly type: "ended"; readonly outcome: Outcome };

export function createRunState(
  head: RunHead,
  payloadBytes: number = DEFAULT_LIMITS.payloadBytes,
  isHosted = false,
): RunState {
  return {
    head,
    isHosted,
    payloadBytes,
    journal: [],
    operations: new Map(),
    open: new Set(),
    received: null,
    signals: null,
    stop: null,
    wanted: null,
    stopping: null,
    ended: null,
  };
}

/** @returns the operation that the change settled; null: none */
export function applyChange(run: RunState, change: Change): Operation | null {
  switch (change.type) {
    case "requested":
      request(run, change.key, change.body, change.position ?? run.journal.length);
      return null;
    case "begun": {
      const operation = find(run, change.key);
      operation.phase = "running";
      operation.attempt = change.attempt;
      operation.dueAt = null;
      return null;
    }
    case "journaled":
      return applyEntry(run, change.entry);
    case "stopping":
      run.stopping = change.outcome;
      return null;
    case "ended":
      run.ended = change.outcome;
      return null;
    default:
      return assertNever(change);
  }
}

function request(run: RunState, key: string, body: OperationBody | null, position: number): void {
  const operation: Operation = {
    key,
    body,
    position,
    phase: "requested",
    attempt: 0,
    wait: null,
    begunAt: null,
    waitingSince: null,
    dueAt: null,
    outcome: null,
  };
  run.operations.set(key, operation);
  run.open.add(operation);
}

function applyEntry(run: RunState, entry: Entry): Operation | null {
  run.journal.push(entry);
  switch (entry.kind) {
    case "result":
      return settle(run, entry.key, { status: "completed", output: entry.output }, entry.attempt);
    case "failure":
      if (entry.retryAt === null) {
        return settle(run, entry.key, { status: "failed", failure: entry.failure }, entry.attempt);
      }
      applyRetry(run, entry.key, entry.attempt, entry.retryAt);
      return null;
    case "wait":
      return applyWait(run, entry.key, entry.wait, entry.startedAt);
    case "message":
      (run.received ??= new Set()).add(entry.message.id);
      return applyMessage(run, entry.message.body, entry.endedAt);
    default:
      return assertNever(entry);
  }
}

function applyRetry(run: RunState, key: string, attempt: number, retryAt: Timestamp): void {
  const operation = find(run, key);
  operation.phase = "retrying";
  operation.attempt = attempt;
  operation.dueAt = retryAt;
}

/** @returns the operation, if what it waits for had come before */
function applyWait(run: RunState, key: string, wait: Wait, since: Timestamp): Operation | null {
  const operation = find(run, key);
  operation.phase = "waiting";
  operation.wait = wait;
  operation.waitingSince = since;
  operation.dueAt = wait.kind === "child" ? null : wait.until;
  if (wait.kind !== "event") return null;
  const data = run.signals?.get(wait.event)?.shift();
  return data === undefined ? null : settle(run, key, { status: "completed", output: data }, 1);
}

function applyMessage(
  run: RunState,
  body: JournaledMessage["body"],
  at: Timestamp,
): Operation | null {
  switch (body.kind) {
    case "child.finished":
      return settleChild(run, body.key, body.outcome);
    case "signal":
      return applySignal(run, body);
    case "cancel":
      stopRun(run, { status: "cancelled" }, at);
      return null;
    case "limit":
      stopRun(run, { status: "failed", failure: body.failure }, at);
      return null;
    default:
      return assertNever(body);
  }
}

/** The first reason stands. A hosted run goes on to compensate; what it was at counts no more. */
function stopRun(run: RunState, outcome: Outcome, at: Timestamp): void {
  if (!run.isHosted) {
    run.stopping ??= outcome;
    return;
  }
  if (run.stop !== null) return;
  run.stop = { sequence: run.journal.length, outcome, at };
  for (const operation of run.open) {
    settle(run, operation.key, { status: "cancelled" }, operation.attempt);
  }
}

/** Goes to the wait it was meant for, else to the oldest wait of its name, else it is kept. */
function applySignal(
  run: RunState,
  { name, data, key }: Extract<MessageBody, { kind: "signal" }>,
): Operation | null {
  const waiting = findWaiting(run, name, key);
  if (waiting !== undefined)
    return settle(run, waiting.key, { status: "completed", output: data }, 1);
  run.signals ??= new Map();
  const kept = run.signals.get(name);
  if (kept === undefined) run.signals.set(name, [data]);
  else kept.push(data);
  return null;
}

/** The wait that a signal ends: the one that it was meant for, else the oldest of its name. */
export function findWaiting(
  run: RunState,
  name: string,
  key: string | null,
): Operation | undefined {
  const isWaiting = ({ phase, wait }: Operation): boolean =>
    phase === "waiting" && wait?.kind === "event" && wait.event === name;
  const meant = key === null ? undefined : run.operations.get(key);
  if (meant !== undefined && isWaiting(meant)) return meant;
  return run.open.values().find(isWaiting);
}

/** A child may answer twice (its answer was sent again), or after the wait was over: then nothing changes. */
function settleChild(run: RunState, key: string, outcome: Outcome): Operation | null {
  const operation = run.operations.get(key);
  return operation?.phase === "waiting" ? settle(run, key, outcome, 1) : null;
}

function settle(run: RunState, key: string, outcome: Outcome, attempt: number): Operation {
  const operation = find(run, key);
  operation.phase = "settled";
  operation.outcome = outcome;
  operation.attempt = attempt;
  operation.dueAt = null;
  run.open.delete(operation);
  return operation;
}

function find(run: RunState, key: string): Operation {
  const operation = run.operations.get(key);
  invariant(operation !== undefined, `run ${run.head.id} has no operation ${JSON.stringify(key)}`);
  return operation;
}
