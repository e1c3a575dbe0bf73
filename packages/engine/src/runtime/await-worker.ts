import {
  after,
  type CodeVersion,
  type Timestamp,
  type WaitingOn,
  type WorkflowId,
} from "@millrace/protocol";
import { invariant } from "../core/assert-never.ts";
import { nextDueAt } from "../core/deadline.ts";
import type { RunHead } from "../core/run-head.ts";
import type { DueRun } from "../storage/storage.ts";
import type { ResidentRun } from "./resident-run.ts";

/** A run that was set aside costs a take and a park each time that it is looked at in vain. */
export const LOOK_AGAIN_MS = 60_000;

/** How a run stands in the store for which this node has no worker. */
export interface Awaiting {
  readonly waitingOn: Extract<WaitingOn, { kind: "worker" }>;
  readonly dueAt: Timestamp;
}

export function awaitWorker(
  { deadlineAt }: Pick<RunHead, "deadlineAt">,
  { name: workflow, version }: CodeVersion,
  at: Timestamp,
): Awaiting {
  const lookAgainAt = after(at, LOOK_AGAIN_MS);
  // What never began ends at its deadline without a worker; what did needs one to compensate.
  const isNear = deadlineAt !== null && deadlineAt > at && deadlineAt < lookAgainAt;
  const dueAt = isNear ? deadlineAt : lookAgainAt;
  return { waitingOn: { kind: "worker", workflow, version }, dueAt };
}

/** @returns how a run stands in the store of which nothing moves but calls of functions that are away; null: it moves */
export function awaitFunction(
  { state, away, fence }: Pick<ResidentRun, "state" | "away" | "fence">,
  at: Timestamp,
): Awaiting | null {
  // Those that are away have stopped as soon as the run stops.
  if (away === null || away.size === 0 || state.stopping !== null) return null;
  for (const { key, phase } of state.open) {
    if ((phase === "requested" || phase === "running") && !away.has(key)) return null;
  }
  // Each owner names the next, so that a branch whose worker is here waits for no other's.
  const functions = [...new Set(Array.from(away.values(), ({ target }) => target))];
  const name = functions[fence % functions.length];
  invariant(name !== undefined, "an attempt that is away names its function");
  const lookAgainAt = after(at, LOOK_AGAIN_MS);
  const next = nextDueAt(state) ?? lookAgainAt;
  const dueAt = next < lookAgainAt ? next : lookAgainAt;
  // In this order: the store searches the text.
  return { waitingOn: { kind: "worker", function: name }, dueAt };
}

/** A run in the store that waits for a worker. */
export interface AwaitingRun {
  /** As it can be taken. */
  readonly run: DueRun;
  readonly workflowId: WorkflowId;
  readonly workflowVersion: number;
  readonly waitingOn: Awaiting["waitingOn"];
}

/** @returns null: it waits for something else */
export function toAwaitingRun(
  { id: runId, tenant, shard, workflowId, workflowVersion }: RunHead,
  fence: number,
  waitingOn: WaitingOn | null,
): AwaitingRun | null {
  if (waitingOn?.kind !== "worker") return null;
  return { run: { tenant, shard, runId, fence }, workflowId, workflowVersion, waitingOn };
}
