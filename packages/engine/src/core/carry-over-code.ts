// What a new run of a code workflow takes over from one that failed or was cancelled.
//
//   C1. The code is not at hand, so the journal decides: what the failed step brought about is left out, and so is
//       whatever the function asked for after it had heard of the failure, or of the stop.
//   C2. A run that has compensated has undone its steps; the new one begins at its beginning.
//   C3. Positions name entries, so they follow them to their new places.
import type { Failure } from "@millrace/protocol";
import { invariant } from "./assert-never.ts";
import { rebuild } from "./drive.ts";
import type { Entry } from "./entry.ts";
import type { RunHead } from "./run-head.ts";
import { createRunState, type RunState } from "./state.ts";

/** Steps of this name undo others. */
const ROLLBACK_PREFIX = "rollback/";

/**
 * @param failure of the run; null: it was cancelled
 * @returns the entries that the new run begins with
 */
export function carryOverCode(
  head: RunHead,
  journal: readonly Entry[],
  failure: Failure | null,
): readonly Entry[] {
  const run = createRunState(head, undefined, true);
  const settlements = rebuild(run, journal);
  const hasCompensated = settlements.some(
    ({ key, outcome }) => key.startsWith(ROLLBACK_PREFIX) && outcome.status === "completed",
  );
  if (hasCompensated) return [];
  const failed = failure?.step;
  const heard = settlements.findLast(({ key }) => key === failed)?.sequence ?? Infinity;
  const cut = Math.min(heard, run.stop?.sequence ?? Infinity);
  const places = new Map<number, number>([[0, 0]]);
  const kept: Entry[] = [];
  for (const [index, entry] of journal.entries()) {
    if (isKept(run, entry, cut, failed)) {
      const position = entry.kind === "message" ? kept.length : places.get(entry.position);
      invariant(position !== undefined, "an operation is asked for before its entries");
      kept.push({ ...entry, position });
    }
    places.set(index + 1, kept.length);
  }
  return kept;
}

function isKept(run: RunState, entry: Entry, cut: number, failed: string | undefined): boolean {
  if (entry.kind === "message") {
    const { body } = entry.message;
    if (body.kind === "signal") return true;
    return body.kind === "child.finished" && isKeptKey(run, body.key, cut, failed);
  }
  return isKeptKey(run, entry.key, cut, failed);
}

/** Operations that had ended, other than the failed one, and that were asked for before the cut. */
function isKeptKey(run: RunState, key: string, cut: number, failed: string | undefined): boolean {
  const operation = run.operations.get(key);
  if (operation === undefined || key === failed || operation.position >= cut) return false;
  const { outcome } = operation;
  return outcome !== null && outcome.status !== "cancelled";
}
