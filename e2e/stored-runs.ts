// Reads a store from outside, after its process was killed: what is durable, and nothing else. It shares no code
// with the engine that wrote it.
import { DatabaseSync } from "node:sqlite";

export interface StoredRun {
  readonly id: string;
  readonly workflow: string;
  readonly n: number;
  readonly parent: { readonly runId: string; readonly step: string } | null;
  /** null: it lives. */
  readonly status: string | null;
  /** Keys of the steps that have a result, in the order of the journal. */
  readonly results: readonly string[];
  /** `key#attempt` of the attempts that are known to have failed. */
  readonly failures: ReadonlySet<string>;
  /** Runs that it waits for or has waited for. */
  readonly children: ReadonlySet<string>;
  /** How often in a row its owner died without an entry since; five and it is quarantined. */
  readonly recoveries: number;
}

/** The store as it was at one crash after the other. */
export class StoredRuns {
  readonly #path: string;
  readonly #runs = new Map<string, StoredRun>();
  /** Finished runs never change, so each is read once. */
  #lastRowid = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get(id: string): StoredRun | undefined {
    return this.#runs.get(id);
  }

  all(): Iterable<StoredRun> {
    return this.#runs.values();
  }

  /**
   * Reads what is there now.
   *
   * @returns what had been durable at the reading before and is not any more, a sentence each
   */
  refresh(): readonly string[] {
    const database = new DatabaseSync(this.#path, { readOnly: true });
    try {
      const read = [...readLive(database), ...this.#readFinished(database)];
      const seen = new Set(read.map(({ id }) => id));
      const lost = [...this.#runs.values()]
        .filter(({ id, status }) => status === null && !seen.has(id))
        .map(({ id }) => `run ${id} was in the store and is gone`);
      return [...lost, ...read.flatMap((run) => this.#replace(run))];
    } finally {
      database.close();
    }
  }

  #replace(run: StoredRun): readonly string[] {
    const before = this.#runs.get(run.id);
    this.#runs.set(run.id, run);
    const now = run.results.slice(0, before?.results.length ?? 0);
    if (before === undefined || now.join() === before.results.join()) return [];
    return [`run ${run.id} had results of ${before.results.join()} and now has ${now.join()}`];
  }

  #readFinished(database: DatabaseSync): readonly StoredRun[] {
    const rows = database
      .prepare(`select rowid, ${HEAD}, status, journal, 0 as recoveries from history where rowid > ?`)
      .all(this.#lastRowid);
    this.#lastRowid = rows.reduce((last, row) => Math.max(last, Number(row["rowid"])), this.#lastRowid);
    return rows.map((row) => toRun(row, String(row["status"]), unpack(String(row["journal"]))));
  }
}

const HEAD = "id, workflow, input, parent_run, parent_step";

type Row = Readonly<Record<string, unknown>>;

function readLive(database: DatabaseSync): readonly StoredRun[] {
  const entries = Map.groupBy(
    database
      .prepare("select run, kind, key, attempt, body from journal order by run, sequence")
      .all()
      .map((row) => ({ run: String(row["run"]), entry: toEntry(row["kind"], row["key"], row["attempt"], row["body"]) })),
    ({ run }) => run,
  );
  return database
    .prepare(`select ${HEAD}, recoveries from runs`)
    .all()
    .map((row) => toRun(row, null, (entries.get(String(row["id"])) ?? []).map(({ entry }) => entry)));
}

interface Entry {
  readonly kind: string;
  readonly key: string;
  readonly attempt: number;
  readonly body: string;
}

const toEntry = (kind: unknown, key: unknown, attempt: unknown, body: unknown): Entry => ({
  kind: String(kind),
  key: String(key),
  attempt: Number(attempt),
  body: String(body),
});

/** A finished run's journal is one list: kind, key, attempt, position, start, end, body, and so on. */
const CELLS_AN_ENTRY = 7;

function unpack(text: string): readonly Entry[] {
  const cells = JSON.parse(text) as readonly unknown[];
  return Array.from({ length: cells.length / CELLS_AN_ENTRY }, (_, i) => {
    const [kind, key, attempt, , , , body] = cells.slice(i * CELLS_AN_ENTRY, (i + 1) * CELLS_AN_ENTRY);
    return toEntry(kind, key, attempt, body);
  });
}

function toRun(row: Row, status: string | null, entries: readonly Entry[]): StoredRun {
  const parent = row["parent_run"];
  const of = (kind: string): readonly Entry[] => entries.filter((entry) => entry.kind === kind);
  return {
    id: String(row["id"]),
    workflow: String(row["workflow"]),
    n: (JSON.parse(String(row["input"])) as { readonly n: number }).n,
    parent: parent === null ? null : { runId: String(parent), step: String(row["parent_step"]) },
    status,
    results: entries.flatMap(settledBy),
    failures: new Set(of("failure").map(({ key, attempt }) => `${key}#${attempt}`)),
    children: new Set(of("wait").flatMap(({ body }) => childOf(body))),
    recoveries: Number(row["recoveries"]),
  };
}

/** A child's end comes as a message. */
function settledBy({ kind, key, body }: Entry): readonly string[] {
  if (kind === "result") return [key];
  if (kind !== "message") return [];
  const message = JSON.parse(body) as { readonly body: { readonly kind: string; readonly key: string } };
  return message.body.kind === "child.finished" ? [message.body.key] : [];
}

function childOf(wait: string): readonly string[] {
  const { childId } = JSON.parse(wait) as { readonly childId?: string };
  return childId === undefined ? [] : [childId];
}
