import type { Entry } from "../core/entry.ts";
import type { FinishedRun, Tables } from "../storage/memory/tables.ts";
import type { Tally } from "./faults.ts";
import { CENTURY_MS, HOUR_MS } from "./script.ts";

/**
 * What only the journals tell of a story.
 *
 * @param pastTimers keys of timers into the past, by workflow: they settle without a wait
 */
export function noteEnds(
  { history }: Tables,
  pastTimers: ReadonlyMap<string, ReadonlySet<string>>,
  tally: Tally,
): void {
  for (const past of history.values()) {
    noteRun(past, tally);
    const keys = pastTimers.get(past.run.workflowId);
    for (const entry of past.journal)
      if (entry.kind === "result" && keys?.has(entry.key) === true)
        tally.note("sleep-into-the-past");
    for (const [i, entry] of past.journal.entries()) {
      if (entry.kind === "wait") noteWait(entry, past.journal.slice(0, i), tally);
      const isSignal = entry.kind === "message" && entry.message.body.kind === "signal";
      if (isSignal && isWaited(past.journal.slice(0, i))) tally.note("signal-during-its-wait");
      if (entry.kind === "result" && isEventWait(past.journal, entry.key))
        tally.note("wait-timed-out");
    }
  }
}

function noteRun({ run, journal }: FinishedRun, tally: Tally): void {
  const isCancelled = journal.some(
    (entry) => entry.kind === "message" && entry.message.body.kind === "cancel",
  );
  const wasAsked = run.cancelRequestedAt !== null || isCancelled;
  if (wasAsked && run.status !== "cancelled") tally.note("cancel-lost-the-race");
  if (run.workflowId === "wf_crowd" && run.status === "completed") tally.note("crowd-of-timers");
}

function noteWait(
  { wait, startedAt }: Extract<Entry, { kind: "wait" }>,
  before: readonly Entry[],
  tally: Tally,
): void {
  if (wait.kind === "event") {
    const signals = before.filter(
      (entry) => entry.kind === "message" && entry.message.body.kind === "signal",
    );
    if (signals.length > 0) tally.note("signal-before-its-wait");
  }
  if (wait.kind !== "timer") return;
  const ms = wait.until - startedAt;
  if (ms === 0) tally.note("sleep-of-nothing");
  else if (ms >= CENTURY_MS) tally.note("sleep-of-a-century");
  else if (ms >= HOUR_MS) tally.note("long-sleep");
}

const isEventWait = (journal: readonly Entry[], key: string): boolean =>
  journal.some(
    (entry) => entry.kind === "wait" && entry.key === key && entry.wait.kind === "event",
  );

/** Some wait for an event is open. */
function isWaited(journal: readonly Entry[]): boolean {
  const settled = new Set(journal.flatMap((entry) => (entry.kind === "result" ? [entry.key] : [])));
  return journal.some(
    (entry) => entry.kind === "wait" && entry.wait.kind === "event" && !settled.has(entry.key),
  );
}
