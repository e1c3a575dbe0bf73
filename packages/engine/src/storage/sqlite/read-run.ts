// ?1 tenant, ?2 run. Primary keys of runs, journal and history. One snapshot: a run that finishes
// between two of these statements would else show no journal, or not be found at all.
import type { Cell, Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { HISTORY_COLUMNS, RUN_COLUMNS } from "../rows/row-codec.ts";
import { flatten, JOURNAL } from "./take-runs.ts";

const LIVE = `select ${RUN_COLUMNS} from runs where tenant = ?1 and id = ?2`;

const FINISHED = `select ${HISTORY_COLUMNS}, journal from history where tenant = ?1 and id = ?2`;

/** `journal` is a list of cells for a live run, and packed text for a finished one. */
export type RunCells =
  | { readonly live: Row; readonly journal: Row }
  | { readonly finished: Row; readonly journal: Cell }
  | null;

const SHARD = 2;

export function prepareReadRun(database: Database): (tenant: string, run: string) => RunCells {
  const begin = database.prepare("begin");
  const end = database.prepare("commit");
  const live = database.prepare(LIVE);
  const journal = database.prepare(JOURNAL);
  const finished = database.prepare(FINISHED);
  const read = (tenant: string, run: string): RunCells => {
    const row = live.get(tenant, run);
    if (row !== undefined)
      return { live: row, journal: flatten(journal, [tenant, run, row[SHARD] ?? null]) };
    const past = finished.get(tenant, run);
    return past === undefined
      ? null
      : { finished: past.slice(0, -1), journal: past.at(-1) ?? null };
  };
  return (tenant, run) => {
    begin.run();
    try {
      return read(tenant, run);
    } finally {
      end.run();
    }
  };
}
