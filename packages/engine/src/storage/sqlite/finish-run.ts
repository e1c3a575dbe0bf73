// ?1 tenant, ?2 run, ?3 shard, ?4 fence, ?5 node, ?6 status, ?7 started_at, ?8 finished_at,
// ?9 cancel_requested_at, ?10 expires_on, ?11 result, ?12 packed journal. Primary keys.
//
// The head is copied inside the database: a large input does not cross the thread border a second
// time. The copy also checks the fence; when it copies nothing, nothing else happens.
import type { Cell, Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { HEAD_COLUMNS } from "../rows/row-codec.ts";

const COPY = `
insert into history (${HEAD_COLUMNS}, fence, status, started_at, finished_at, cancel_requested_at, expires_on, result, journal)
select ${HEAD_COLUMNS}, fence, ?6, ?7, ?8, ?9, ?10, ?11, ?12
from runs
where tenant = ?1 and id = ?2 and shard = ?3 and fence = ?4 and owner = ?5`;

const DELETE_RUN = "delete from runs where tenant = ?1 and id = ?2 and shard = ?3";
const DELETE_JOURNAL = "delete from journal where tenant = ?1 and run = ?2 and shard = ?3";
const DELETE_INBOX = "delete from inbox where tenant = ?1 and run = ?2 and shard = ?3";

/** @returns false: nothing was written */
export function prepareFinishRun(
  database: Database,
): (ref: Row, fence: number, node: Cell, end: Row) => boolean {
  const copy = database.prepare(COPY);
  const deleteRun = database.prepare(DELETE_RUN);
  const deleteJournal = database.prepare(DELETE_JOURNAL);
  const deleteInbox = database.prepare(DELETE_INBOX);
  return (ref, fence, node, end) => {
    if (copy.run(...ref, fence, node, ...end).changes === 0) return false;
    deleteRun.run(...ref);
    deleteJournal.run(...ref);
    deleteInbox.run(...ref);
    return true;
  };
}
