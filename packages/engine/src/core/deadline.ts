import { toIso, type Failure, type Timestamp } from "@millrace/protocol";
import type { RunState } from "./state.ts";

const DEADLINE_CODE = "run.timeout";

/** Why a run fails that has not ended in time. */
export function deadlineFailure(deadlineAt: Timestamp): Failure {
  return {
    code: DEADLINE_CODE,
    message: `The run did not end before its deadline, ${toIso(deadlineAt)}`,
    source: "definition",
  };
}

export const isDeadlineFailure = ({ code, step }: Failure): boolean =>
  code === DEADLINE_CODE && step === undefined;

/** When a run that only waits must move again; null: when a message comes. */
export function nextDueAt(run: RunState): Timestamp | null {
  let next = run.head.deadlineAt;
  for (const operation of run.open) {
    if (operation.dueAt !== null && (next === null || operation.dueAt < next))
      next = operation.dueAt;
  }
  return next;
}

/** True if nothing of the run moves: every open operation waits for time or a message. */
export function isWaiting(run: RunState): boolean {
  for (const operation of run.open) {
    if (operation.phase === "requested" || operation.phase === "running") return false;
  }
  return run.ended === null;
}
