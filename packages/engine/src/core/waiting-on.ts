import { MAX_TIMESTAMP, type WaitingOn } from "@millrace/protocol";
import type { RunState } from "./state.ts";

/** What a run waits for, as a reader would say it: the operation that is due first. null: it moves. */
export function waitingOn(run: RunState): WaitingOn | null {
  let found: WaitingOn | null = null;
  let first = Infinity;
  for (const operation of run.open) {
    const { key, phase, dueAt, wait } = operation;
    if (phase === "requested" || phase === "running") return null;
    // What waits for a message comes last: it has no time.
    const until = dueAt ?? MAX_TIMESTAMP;
    if (until >= first) continue;
    first = until;
    if (wait === null) found = { kind: "retry", step: key, until, attempt: operation.attempt + 1 };
    else if (wait.kind === "timer") found = { kind: "timer", step: key, until: wait.until };
    else if (wait.kind === "child") found = { kind: "child", step: key, runId: wait.childId };
    else found = { kind: "event", step: key, event: wait.event, until: wait.until };
  }
  return found;
}
