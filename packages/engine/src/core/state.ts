// A run in memory: the fold of its journal, plus what its owner has begun but not yet journaled.
// Changes are applied in place: copying a run of 10,000 steps for each of them would cost more than all else.
import { DEFAULT_LIMITS, type Timestamp } from "@millrace/protocol";
import { assertNever, invariant } from "./assert-never.ts";
import type { Entry, Outcome, Wait } from "./entry.ts";
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
  readonly body: OperationBody;
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

export interface RunState {
  readonly head: RunHead;
  /** Largest input or output of a step. */
  readonly payloadBytes: number;
  readonly journal: Entry[];
  /** All that were ever requested, in that order. */
  readonly operations: Map<string, Operation>;
  /** Those that have not settled. */
  readonly open: Set<Operation>;
  /** Ids of messages in the journal. */
  received: Set<string> | null;
  /** What the program has ended with; the run may still have to stop what is open. */
  wanted: Outcome | null;
  /** The run is on its way to this end, and waits only for bodies to stop. */
  stopping: Outcome | null;
  /** The end, decided. */
  ended: Outcome | null;
}

export type Change =
  | { readonly type: "requested"; readonly key: string; readonly body: OperationBody }
  /** A body starts, or a child is being prepared. */
  | { readonly type: "begun"; readonly key: string; readonly attempt: number }
  | { readonly type: "journaled"; readonly entry: Entry }
  | { readonly type: "stopping"; readonly outcome: Outcome }
  | { readonly type: "ended"; readonly outcome: Outcome };

export function createRunState(
  head: RunHead,
  payloadBytes: number = DEFAULT_LIMITS.payloadBytes,
): RunState {
  return {
    head,
    payloadBytes,
    journal: [],
    operations: new Map(),
    open: new Set(),
    received: null,
    wanted: null,
    stopping: null,
    ended: null,
  };
}

/** @returns the operation that the change settled; null: none */
export function applyChange(run: RunState, change: Change): Operation | null {
  switch (change.type) {
    case "requested":
      request(run, change.key, change.body);
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

function request(run: RunState, key: string, body: OperationBody): void {
  const operation: Operation = {
    key,
    body,
    position: run.journal.length,
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
      applyWait(run, entry.key, entry.wait, entry.startedAt);
      return null;
    case "message":
      (run.received ??= new Set()).add(entry.message.id);
      if (entry.message.body.kind === "child.finished") {
        return settleChild(run, entry.message.body.key, entry.message.body.outcome);
      }
      run.stopping ??= { status: "cancelled" };
      return null;
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

function applyWait(run: RunState, key: string, wait: Wait, since: Timestamp): void {
  const operation = find(run, key);
  operation.phase = "waiting";
  operation.wait = wait;
  operation.waitingSince = since;
  operation.dueAt = wait.kind === "timer" ? wait.until : null;
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
