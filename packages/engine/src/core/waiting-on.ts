import type { WaitingOn } from "@millrace/protocol";
import type { RunState } from "./state.ts";

/** What a run waits for, as a reader would say it: the operation that is due first. null: it moves. */
export function waitingOn(run: RunState): WaitingOn | null {
  let found: WaitingOn | null = null;
  let first = Infinity;
  for (const operation of run.open) {
    const { key, phase, dueAt, wait } = operation;
    if (phase === "requested" || phase === "running") return null;
    const at = dueAt ?? Number.MAX_SAFE_INTEGER;
    if (at >= first) continue;
    first = at;
    if (phase === "retrying" && dueAt !== null) {
      found = { kind: "retry", step: key, until: dueAt, attempt: operation.attempt + 1 };
    } else if (wait?.kind === "timer") {
      found = { kind: "timer", step: key, until: wait.until };
    } else if (wait?.kind === "child") {
      found = { kind: "child", step: key, runId: wait.childId };
    }
  }
  return found;
}
