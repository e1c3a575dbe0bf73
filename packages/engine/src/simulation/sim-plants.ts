// Mistakes that a simulation must find; made between a node and the store, since each is a lie that a node could be
// told, or a rule that a node could break.
import { toTimestamp, type NodeId, type RunId } from "@millrace/protocol";
import type { MemoryStorage } from "../storage/memory/memory-storage.ts";
import type { CommitOutcome, Held, Lane, Pulse, StartUnit, Unit } from "../storage/storage.ts";

/**
 * - `ack-before-commit`: the store answers before it has written.
 * - `replay-out-of-order`: a journal is handed out with two results swapped.
 * - `hint-relied-upon`: a node that no hint has told of something does not find it by looking.
 * - `zombie-writes`: who lost a run writes it under the fence and the name of its new owner.
 * - `own-clock`: a node takes the time from its own wall clock.
 * - `never-reaped`: nobody frees the runs of the dead.
 * - `late-reaping`: the runs of the dead are freed, but only now and then.
 * - `fence-reused`: a run changes its owner under the fence that it had.
 * - `key-forgotten`: starts are stored without their idempotency key.
 * - `name-forgotten`: starts are stored without the name of their run.
 * - `inbox-out-of-order`: messages are handed out newest first.
 * - `one-lane`: a node believes that all shards form one lane.
 * - `journal-rewritten`: an entry changes after it was written.
 * - `end-rewritten`: a run that has ended moves again.
 */
export const STORAGE_PLANTS = [
  "ack-before-commit",
  "replay-out-of-order",
  "hint-relied-upon",
  "zombie-writes",
  "own-clock",
  "never-reaped",
  "late-reaping",
  "fence-reused",
  "key-forgotten",
  "name-forgotten",
  "inbox-out-of-order",
  "one-lane",
  "journal-rewritten",
  "end-rewritten",
] as const;
export type StoragePlant = (typeof STORAGE_PLANTS)[number];

type Plant = StoragePlant | undefined;

/** As a node sends them that makes the mistake. */
export function plantInUnits(plant: Plant, units: readonly Unit[]): readonly Unit[] {
  if (plant !== "key-forgotten" && plant !== "name-forgotten") return units;
  const forget = (unit: StartUnit): StartUnit =>
    plant === "key-forgotten"
      ? { ...unit, key: null }
      : { ...unit, run: { ...unit.run, name: null } };
  return units.map((unit) => (unit.kind === "start" ? forget(unit) : unit));
}

export function plantInPulse(plant: Plant, pulse: Pulse): Pulse {
  if (plant !== "hint-relied-upon") return pulse;
  return { ...pulse, dueAt: null, inbox: false, outbox: false, reapAt: null };
}

export function plantInHeld(plant: Plant, store: MemoryStorage, held: Held): Held {
  switch (plant) {
    case "replay-out-of-order":
      return misorder(held);
    case "inbox-out-of-order":
      return { ...held, inbox: held.inbox.toReversed() };
    case "fence-reused": {
      const { runs } = store.tables;
      const run = { ...held.run, fence: held.run.fence - 1 };
      runs.set(run.id, run);
      runs.commit();
      return { ...held, run };
    }
    default:
      return held;
  }
}

/** Swaps the first two results that may be swapped without naming an operation before it was requested. */
function misorder(held: Held): Held {
  const journal = [...held.journal];
  for (let i = 0; i + 1 < journal.length; i++) {
    const [a, b] = [journal[i], journal[i + 1]];
    if (a?.kind !== "result" || b?.kind !== "result" || b.position > i || a.key === b.key) continue;
    journal[i] = b;
    journal[i + 1] = a;
    break;
  }
  return { ...held, journal };
}

/** `zombie-writes`: a unit for a run of another is sent again as if that one sent it. */
export async function commitAsZombie(
  store: MemoryStorage,
  lane: Lane,
  node: NodeId,
  units: readonly Unit[],
): Promise<readonly CommitOutcome[]> {
  const outcomes: CommitOutcome[] = [];
  for (const unit of units) {
    const row = unit.kind === "run" ? store.tables.runs.get(unit.ref.runId) : undefined;
    const isLost = unit.kind === "run" && row !== undefined && row.fence > unit.fence;
    const owner = isLost ? (row.owner ?? node) : node;
    const length = row === undefined ? 0 : (store.tables.journal.get(row.id)?.length ?? 0);
    const sent = isLost ? { ...unit, fence: row.fence, sequence: length + 1 } : unit;
    outcomes.push(...(await store.commit(lane, owner, [sent])));
  }
  return outcomes;
}

/** `journal-rewritten`: the first entry of a run that has just been written. */
export function rewriteJournal({ tables: { journal } }: MemoryStorage, runId: RunId): void {
  const [first, ...rest] = journal.get(runId) ?? [];
  if (first === undefined || rest.length === 0) return;
  journal.set(runId, [{ ...first, entry: { ...first.entry, startedAt: toTimestamp(0) } }, ...rest]);
  journal.commit();
}

/** `end-rewritten`: of the run that ended last. */
export function rewriteEnd({ tables: { history } }: MemoryStorage): void {
  const last = history.values().at(-1);
  if (last === undefined) return;
  const run = { ...last.run, result: null, status: "cancelled" } as const;
  history.set(last.run.id, { ...last, run });
  history.commit();
}
