import type { RunId } from "@millrace/protocol";
import type { ResidentRun } from "./resident-run.ts";

/** Code is at something that neither a commit nor the clock brings on. */
export interface Activity {
  readonly runId: RunId;
  /** Key of the step whose body runs. null: the function of a code run, outside of any step. */
  readonly step: string | null;
}

export function activitiesOf(runs: Iterable<ResidentRun>): readonly Activity[] {
  const found: Activity[] = [];
  for (const run of runs) {
    const { id: runId } = run.head;
    for (const step of run.bodies.keys()) found.push({ runId, step });
    if (run.bodies.size === 0 && isFunctionBusy(run)) found.push({ runId, step: null });
  }
  return found;
}

/** One that has said that it wants nothing more, and waits for nothing durable, is at something of its own. */
const isFunctionBusy = ({ session, state }: ResidentRun): boolean =>
  session !== null && session.isOpen && (!session.isIdle || state.open.size === 0);
