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
      const before = [...this.#runs.values()];
      const changed = read.flatMap((run) => this.#replace(run));
      const found = new Set(read.map(({ id }) => id));
      const gone = before.filter(({ id, status }) => status === null && !found.has(id));
      const finished = [...this.#runs.values()].filter(({ status }) => status !== null).length;
      return [
        ...changed,
        ...gone.map(({ id }) => `run ${id} was in the store and is gone`),
        ...(finished === countFinished(database) ? [] : ["finished runs are gone from the store"]),
      ];
    } finally {
      database.close();
    }
  }

  #replace(run: StoredRun): readonly string[] {
    const before = this.#runs.get(run.id);
    this.#runs.set(run.id, run);
    if (before === undefined) return [];
    if (before.status !== null) return [`run ${run.id} had ended and is there again`];
    const kept = run.results.slice(0, before.results.length);
    if (kept.join() === before.results.join()) return [];
    return [`run ${run.id} had results of ${before.results.join()} and now has ${kept.join()}`];
  }

  #readFinished(database: DatabaseSync): readonly StoredRun[] {
    const rows = database
      .prepare(`select rowid, ${HEAD}, status, journal from history where rowid > ? order by rowid`)
      .all(this.#lastRowid);
    this.#lastRowid = Number(rows.at(-1)?.["rowid"] ?? this.#lastRowid);
    return rows.map((row) => toRun(row, unpack(String(row["journal"]))));
  }
}

const HEAD = "id, workflow, input, parent_run, parent_step";

type Row = Readonly<Record<string, unknown>>;

function readLive(database: DatabaseSync): readonly StoredRun[] {
  const rows = database.prepare("select * from journal order by run, sequence").all();
  const entries = Map.groupBy(rows, (row) => String(row["run"]));
  return database
    .prepare(`select ${HEAD}, recoveries from runs`)
    .all()
    .map((row) => toRun(row, entries.get(String(row["id"])) ?? []));
}

const countFinished = (database: DatabaseSync): number =>
  Number(database.prepare("select count(*) as finished from history").get()?.["finished"]);

/** A finished run's journal is one list: kind, key, attempt, position, start, end, body, and so on. */
const CELLS_AN_ENTRY = 7;

function unpack(text: string): readonly Row[] {
  const cells = JSON.parse(text) as readonly unknown[];
  return Array.from({ length: cells.length / CELLS_AN_ENTRY }, (_, i) => {
    const [kind, key, attempt, , , , body] = cells.slice(i * CELLS_AN_ENTRY);
    return { kind, key, attempt, body };
  });
}

/** @param row a row of `runs` has no ended status, one of `history` no recoveries */
function toRun(row: Row, journal: readonly Row[]): StoredRun {
  const of = (wanted: string): readonly Row[] => journal.filter(({ kind }) => kind === wanted);
  const { parent_run: parentRun, parent_step: parentStep, status = null, recoveries = 0 } = row;
  return {
    id: String(row["id"]),
    workflow: String(row["workflow"]),
    n: (JSON.parse(String(row["input"])) as { readonly n: number }).n,
    parent: parentRun === null ? null : { runId: textOf(parentRun), step: textOf(parentStep) },
    status: status === null ? null : textOf(status),
    results: journal.flatMap(settledBy),
    failures: new Set(of("failure").map((it) => `${textOf(it["key"])}#${Number(it["attempt"])}`)),
    children: new Set(of("wait").flatMap((it) => childOf(textOf(it["body"])))),
    recoveries: Number(recoveries),
  };
}

const textOf = (cell: unknown): string => {
  if (typeof cell === "string") return cell;
  throw new Error(`expected text in the store, found ${typeof cell}`);
};

/** A child's end comes as a message. */
function settledBy(entry: Row): readonly string[] {
  if (entry["kind"] === "result") return [textOf(entry["key"])];
  if (entry["kind"] !== "message") return [];
  const { body } = JSON.parse(textOf(entry["body"])) as {
    readonly body: { readonly kind: string; readonly key: string };
  };
  return body.kind === "child.finished" ? [body.key] : [];
}

function childOf(wait: string): readonly string[] {
  const { childId } = JSON.parse(wait) as { readonly childId?: string };
  return childId === undefined ? [] : [childId];
}
