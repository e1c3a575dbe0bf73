import { after, type CodeVersion, type Timestamp, type WaitingOn } from "@millrace/protocol";
import type { RunHead } from "../core/run-head.ts";

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
