// What may change in a run from one look to the next, whoever changed it.
//
//   R1. A fence only grows, and a run goes to another owner only with a higher one.
//   R2. A journal only grows at its end; what ended keeps it.
//   R3. What has ended never changes again.
//   R4. No timer ends before its time, and nothing is journaled before it happens, by the store's clock.
//   R5. Messages of one commit are journaled in its order: those of one call are. What came by different nodes has none.
import type { RunId } from "@millrace/protocol";
import type { Entry } from "../core/entry.ts";
import type { FinishedRun, JournalRow, Tables } from "../storage/memory/tables.ts";
import type { RunRow, Unit } from "../storage/storage.ts";
import type { World } from "./world.ts";

export interface RunWatchOptions {
  readonly tables: Tables;
  readonly world: World;
  readonly fail: (message: string) => void;
}

interface Seen {
  readonly row: RunRow | undefined;
  readonly journal: readonly JournalRow[];
  readonly ended: FinishedRun | undefined;
}

interface Place {
  readonly commit: number;
  readonly place: number;
}

/** A step back of the store's clock, and what a fast clock gains while the store is away. */
const EARLY_MS = 3_000;
const NOTHING: Seen = { row: undefined, journal: [], ended: undefined };

export class RunWatch {
  readonly #options: RunWatchOptions;
  readonly #seen = new Map<RunId, Seen>();
  /** Where each message came, by its id. */
  readonly #delivered = new Map<RunId, Map<string, Place>>();
  #commits = 0;

  constructor(options: RunWatchOptions) {
    this.#options = options;
  }

  /** R5. What was stored for runs in one commit. A message that is sent again keeps its first place. */
  delivered(units: readonly Unit[]): void {
    this.#commits += 1;
    for (const [place, unit] of units.entries()) {
      if (unit.kind !== "delivery") continue;
      const { to, message } = unit;
      const known = this.#delivered.get(to.runId) ?? new Map<string, Place>();
      if (!known.has(message.id)) known.set(message.id, { commit: this.#commits, place });
      this.#delivered.set(to.runId, known);
    }
  }

  wasDelivered(runId: RunId, id: string): boolean {
    return this.#delivered.get(runId)?.has(id) === true;
  }

  look(runId: RunId): void {
    const { tables } = this.#options;
    const before = this.#seen.get(runId) ?? NOTHING;
    const now: Seen = {
      row: tables.runs.get(runId),
      journal: tables.journal.get(runId) ?? [],
      ended: tables.history.get(runId),
    };
    if (now.row === before.row && now.journal === before.journal && now.ended === before.ended)
      return;
    this.#seen.set(runId, now);
    if (before.ended !== undefined && now.ended !== before.ended)
      this.#options.fail(`run ${runId} had ended, and changed again`);
    if (before.row !== undefined && now.row !== undefined) this.#compareOwners(before.row, now.row);
    const length = now.journal.length;
    if (now.ended !== undefined && before.ended === undefined) {
      this.#compareJournals(runId, toEntries(before.journal), now.ended.journal);
      this.#lookAtNews(runId, now.ended.journal, before.journal.length);
    } else if (now.ended === undefined && now.journal !== before.journal) {
      const entries = toEntries(now.journal);
      this.#compareJournals(runId, toEntries(before.journal), entries);
      if (length > before.journal.length) this.#lookAtNews(runId, entries, before.journal.length);
    }
  }

  /** R1. */
  #compareOwners(before: RunRow, now: RunRow): void {
    const { fail } = this.#options;
    const told = `run ${now.id} went from ${before.owner ?? "nobody"} under fence ${before.fence} to ${now.owner ?? "nobody"} under ${now.fence}`;
    if (now.fence < before.fence) fail(told);
    const isOther = now.owner !== null && now.owner !== before.owner;
    if (isOther && (before.owner !== null || now.fence <= before.fence)) fail(told);
  }

  /** R2. */
  #compareJournals(runId: RunId, before: readonly Entry[], now: readonly Entry[]): void {
    for (const [i, entry] of before.entries()) {
      const same = now[i];
      if (same === entry || JSON.stringify(same) === JSON.stringify(entry)) continue;
      this.#options.fail(`entry ${i + 1} of run ${runId} changed after it was written`);
    }
  }

  #lookAtNews(runId: RunId, journal: readonly Entry[], from: number): void {
    const { world, fail } = this.#options;
    const latest = world.storeNow + EARLY_MS;
    for (const entry of journal.slice(from)) {
      if (entry.endedAt > latest || entry.startedAt > latest)
        fail(`run ${runId} journaled at ${world.storeNow} what ended at ${entry.endedAt}`);
      if (entry.kind === "result") this.#lookAtTimer(runId, journal, entry.key);
      if (entry.kind === "message") this.#lookAtOrder(runId, journal);
    }
  }

  /** R4. */
  #lookAtTimer(runId: RunId, journal: readonly Entry[], key: string): void {
    const { world, fail } = this.#options;
    const begun = journal.find((entry) => entry.kind === "wait" && entry.key === key);
    if (begun?.kind !== "wait" || begun.wait.kind !== "timer") return;
    if (begun.wait.until > world.storeNow + EARLY_MS)
      fail(
        `timer ${key} of run ${runId} was for ${begun.wait.until} and ended at ${world.storeNow}`,
      );
  }

  /** R5. */
  #lookAtOrder(runId: RunId, journal: readonly Entry[]): void {
    const places = this.#delivered.get(runId);
    /** The last place of each commit. */
    const last = new Map<number, number>();
    for (const entry of journal) {
      // What a run tells itself was never delivered.
      const place = entry.kind === "message" ? places?.get(entry.message.id) : undefined;
      if (place === undefined || entry.kind !== "message") continue;
      if (place.place < (last.get(place.commit) ?? -1))
        this.#options.fail(`message ${entry.message.id} of ${runId} was journaled out of order`);
      last.set(place.commit, place.place);
    }
  }
}

const toEntries = (rows: readonly JournalRow[]): readonly Entry[] => rows.map(({ entry }) => entry);
