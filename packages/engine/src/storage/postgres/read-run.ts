// $1 tenant, $2 run, $3 shard. Primary keys of runs, journal and history. One statement, so one snapshot: a run that
// finishes between two of them would show no journal, or not be found at all. The journal of a live run comes as one
// text of the form in which that of a finished one is kept.
import { shardOf, type RunId, type TenantId } from "@millrace/protocol";
import { Cursor, type Cell, type Row } from "../rows/cells.ts";
import {
  decodeEntries,
  decodeHistory,
  decodeRun,
  ENTRY_COLUMNS,
  HISTORY_COLUMNS,
  RUN_COLUMNS,
} from "../rows/row-codec.ts";
import type { Answers } from "../storage.ts";
import { ask } from "./ask.ts";
import type { Database } from "./database.ts";
import { bind, statement, type Statement } from "./statement.ts";

const READ: Statement = statement(
  "read_run",
  `
select live.*, past.*, (
  select json_agg(json_build_array(${ENTRY_COLUMNS}) order by sequence) from millrace.journal
  where tenant = $1 and run = $2 and shard = $3
) as entries
from (select 1) as one
left join (
  select ${RUN_COLUMNS} from millrace.runs where tenant = $1 and id = $2 and shard = $3
) as live on true
left join (
  select ${HISTORY_COLUMNS}, journal from millrace.history
  where tenant = $1 and id = $2 and shard = $3
) as past on true`,
);

const RUN_COLUMN_COUNT = RUN_COLUMNS.split(", ").length;

/** @throws {MillraceError} storage.unavailable */
export async function readRun(
  database: Database,
  tenant: TenantId,
  runId: RunId,
): Promise<Answers["run"]> {
  const [row = []] = await ask(database, "read", bind(READ, tenant, runId, shardOf(runId)));
  const live = row.slice(0, RUN_COLUMN_COUNT);
  const past = row.slice(RUN_COLUMN_COUNT, -2);
  const [journal = null, entries = null] = row.slice(-2);
  if (isThere(live)) {
    // An array an entry, each with the cells of `ENTRY_COLUMNS`.
    const cells = entries === null ? [] : (JSON.parse(String(entries)) as readonly Row[]);
    return { live: decodeRun(new Cursor(live)), journal: decodeEntries(new Cursor(cells.flat())) };
  }
  if (!isThere(past)) return null;
  return { finished: decodeHistory(new Cursor(past)), journal: unpack(journal) };
}

/** The first column of either is the tenant. */
const isThere = ([tenant = null]: Row): boolean => tenant !== null;

// Packed by `encodeJournal`.
const unpack = (journal: Cell): ReturnType<typeof decodeEntries> =>
  decodeEntries(new Cursor(JSON.parse(String(journal)) as Row));
