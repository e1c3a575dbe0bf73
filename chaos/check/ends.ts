// K7. Every run has ended: cancelled, if somebody was told so, and else completed. What a client saw of an end stays.
// K9. Every node tells the same of a run, by its id and by its name.
import type { History, StoredRun } from "../history.ts";
import type { Violation } from "./violation.ts";

/** The one whose runs nobody lets come to their own end. */
const CANCELLED = "wf_long";

export function checkEnds(history: History): readonly Violation[] {
  const { runs, cancels, seenEnds, views, badAnswers } = history;
  const byId = new Map(runs.map((run) => [run.id, run]));
  const ended = runs.flatMap((run) => checkEnd(run, cancels));
  const seen = [...seenEnds].flatMap(([id, status]) => {
    const now = byId.get(id)?.status;
    return now === status ? [] : [`a client saw ${id} ${status}, and now it is ${now}`];
  });
  const shown = views.flatMap(({ node, runId, asked, shown }) => {
    const wanted = byId.get(runId)?.status;
    if (shown?.id === runId && shown.status === wanted) return [];
    const says = shown === null ? "it is not there" : `${shown.id} is ${shown.status}`;
    return [`${node} says of ${asked} that ${says}; ${runId} is ${wanted}`];
  });
  return [
    ...[...ended, ...seen].map((what): Violation => ({ rule: "K7", what })),
    ...[...shown, ...badAnswers].map((what): Violation => ({ rule: "K9", what })),
  ];
}

function checkEnd(run: StoredRun, cancels: ReadonlySet<string>): readonly string[] {
  const { id, workflow, intent, status, waitingOn } = run;
  if (status === null) return [`${id} (${workflow}) has not ended; it waits on ${waitingOn}`];
  const isCancelled = workflow === CANCELLED && intent !== null && cancels.has(intent);
  const wanted = isCancelled ? "cancelled" : "completed";
  return status === wanted ? [] : [`${id} (${workflow}) is ${status}, not ${wanted}`];
}
