import type { Timestamp, WaitingOn } from "@millrace/protocol";
import type { Fact } from "../core/fact.ts";
import type { Program } from "../core/program.ts";
import type { RunHead, RunRef } from "../core/run-head.ts";
import { createRunState, type RunState } from "../core/state.ts";
import type { Held, RunUnit } from "../storage/storage.ts";
import type { CodeSession } from "./code-session.ts";
import type { Body } from "./executor.ts";
import type { CompiledWorkflow } from "./program-kind.ts";

/** A run that this node owns and keeps in memory while it moves. Only the runner writes it. */
export interface ResidentRun {
  readonly ref: RunRef;
  readonly head: RunHead;
  readonly fence: number;
  readonly state: RunState;
  readonly program: Program;
  readonly startedAt: Timestamp;
  /** How long its workflow wants it kept when it has ended; null: it does not say. */
  readonly retentionMs: number | null;
  /** Facts that wait while a unit is in flight. */
  facts: Fact[];
  /** Journal entries known to be durable. */
  committed: number;
  inFlight: boolean;
  /** False: this node gave the run up or lost it; whatever still arrives for it is dropped. */
  owned: boolean;
  /** `wake` as far as this owner has seen: at the take, and one more with each new message since. */
  seenWake: number;
  /** Ids of messages that were told, so that a hint that comes twice counts once. */
  told: Set<string> | null;
  /** Of a code run: its residence at a host. */
  session: CodeSession | null;
  /** It is given up at its next commit, and why. */
  leaving: Leaving | null;
  /** Taken from a dead owner: the next entry says that it moves again. */
  recovering: boolean;
  cancelRequestedAt: Timestamp | null;
  readonly bodies: Map<string, Body>;
  /** Attempts whose function is at workers of whom none is here, by operation: what they would call. null: none. */
  away: Map<string, AwayAttempt> | null;
  /** By operation; cancels the timer. */
  timers: Map<string, () => void> | null;
}

export interface AwayAttempt {
  readonly attempt: number;
  readonly target: string;
}

/** What the store is told of a run that is given up although it does not wait. */
export interface Leaving {
  readonly dueAt: Timestamp | null;
  readonly waitingOn: WaitingOn | null;
}

export interface Residence {
  readonly head: RunHead;
  readonly workflow: CompiledWorkflow;
  readonly fence: number;
  readonly seenWake: number;
  readonly startedAt: Timestamp;
  readonly recovering: boolean;
  readonly cancelRequestedAt: Timestamp | null;
}

export function createResidentRun(residence: Residence, payloadBytes: number): ResidentRun {
  const { head, workflow, fence, seenWake, startedAt, recovering, cancelRequestedAt } = residence;
  return {
    ref: { tenant: head.tenant, shard: head.shard, runId: head.id },
    head,
    fence,
    state: createRunState(head, payloadBytes, workflow.code !== undefined),
    program: workflow.create(head),
    startedAt,
    retentionMs: workflow.retentionMs ?? null,
    facts: [],
    committed: 0,
    inFlight: false,
    owned: true,
    seenWake,
    told: null,
    session: null,
    leaving: null,
    recovering,
    cancelRequestedAt,
    bodies: new Map(),
    away: null,
    timers: null,
  };
}

/** Where a taken run stands, as the store handed it out. */
export function residenceOf({ run }: Held): Omit<Residence, "workflow"> {
  const {
    status: _,
    owner: __,
    fence,
    wake,
    dueAt: ___,
    recoveries,
    waitingOn: ____,
    ...rest
  } = run;
  const { cancelRequestedAt, startedAt, ...head } = rest;
  return {
    head,
    fence,
    seenWake: wake,
    startedAt: startedAt ?? run.createdAt,
    recovering: recoveries > 0,
    cancelRequestedAt,
  };
}

/** Gives back a taken run as it was found. */
export const toGivenBack = ({ run, journal }: Held, leaving: Leaving): RunUnit => ({
  kind: "run",
  ref: { tenant: run.tenant, shard: run.shard, runId: run.id },
  fence: run.fence,
  sequence: journal.length + 1,
  entries: [],
  outbox: [],
  consumed: [],
  recovered: false,
  next: { kind: "park", ...leaving, seenWake: run.wake },
});
