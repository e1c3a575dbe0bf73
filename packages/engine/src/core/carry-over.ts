// What a new run takes over from one that failed or was cancelled.
//
//   C1. A result is never asked for again: every operation that ended well keeps all its entries.
//   C2. A failure that the program heard of and went on from stays as it was. One that ended the run, or that nobody
//       heard of because the run was ending already, is left out, and its operation begins anew.
//   C3. The new journal is what the program of the new run says to it: replay finds no difference.
import type { Timestamp } from "@millrace/protocol";
import { compare, hear, register } from "./drive.ts";
import type { Entry } from "./entry.ts";
import type { Program } from "./program.ts";
import type { RunHead } from "./run-head.ts";
import { applyChange, createRunState, type Operation, type RunState } from "./state.ts";

/** A run that has ended otherwise than well. */
export interface EndedJournal {
  readonly head: RunHead;
  readonly journal: readonly Entry[];
  /** From then on its program heard nothing, because its deadline had passed. null: it did not fail by that. */
  readonly stoppedAt: Timestamp | null;
}

/**
 * @param create makes a fresh program of the version that the old run had
 * @param head of the new run
 * @returns the entries that the new run begins with; their times are those of the old run
 */
export function carryOver(
  old: EndedJournal,
  create: (head: RunHead) => Program,
  head: RunHead,
): readonly Entry[] {
  const kept = findKept(old, create(old.head));
  const run = createRunState(head);
  const program = create(head);
  register(run, program.begin());
  for (const entry of old.journal) {
    const operation = findOpen(run, entry);
    if (operation === null || !kept.has(operation.key)) continue;
    const position = entry.kind === "message" ? run.journal.length : operation.position;
    hear(run, program, applyChange(run, { type: "journaled", entry: { ...entry, position } }));
  }
  return run.journal;
}

/** Keys of the operations whose end stands (C1, C2). */
function findKept({ head, journal, stoppedAt }: EndedJournal, program: Program): Set<string> {
  const run = createRunState(head);
  const kept = new Set<string>();
  register(run, program.begin());
  for (const entry of journal) {
    // A run that was set aside and then cancelled: its program cannot follow it further.
    if (compare(run, entry) !== null) break;
    const isStopped = stoppedAt !== null && entry.endedAt >= stoppedAt;
    const isEnding = isStopped || run.stopping !== null || hasFailed(run);
    const settled = applyChange(run, { type: "journaled", entry });
    if (!isStopped) hear(run, program, settled);
    if (settled === null) continue;
    const isGood = settled.outcome?.status === "completed";
    if (isGood || (!isEnding && !hasFailed(run))) kept.add(settled.key);
  }
  return kept;
}

/** The program has said so; its owner may still have waited for bodies. */
const hasFailed = ({ wanted }: RunState): boolean =>
  wanted !== null && wanted.status !== "completed";

/** The operation that an entry belongs to, if the new run has asked for it and does not have its end yet. */
function findOpen(run: RunState, entry: Entry): Operation | null {
  const key = keyOf(entry);
  const operation = key === null ? undefined : run.operations.get(key);
  if (operation === undefined || operation.phase === "settled") return null;
  return entry.kind === "message" && operation.phase !== "waiting" ? null : operation;
}

function keyOf(entry: Entry): string | null {
  if (entry.kind !== "message") return entry.key;
  const { body } = entry.message;
  return body.kind === "child.finished" ? body.key : null;
}
