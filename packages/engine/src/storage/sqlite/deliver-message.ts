// ?1 tenant, ?2 run, ?3 shard, ?4 message; wake: ?4 now, ?5 1 for a cancel. Primary keys.
//
// `wake` grows also for an owned run, since its owner may be about to give it up. `due_at` moves
// only while nobody owns the run: an owned run has none.
import type { Cursor } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { AUDIT_COLUMN_COUNT, DONE_CODE, REFUSED_CODE } from "./unit-codec.ts";
import { prepareWriteAudit } from "./write-audit.ts";
import type { RunUnitContext } from "./apply-run-unit.ts";

const KNOWN = "select 1 from inbox where tenant = ?1 and run = ?2 and shard = ?3 and id = ?4";

// `min` of SQLite is null when one of its arguments is.
const WAKE = `
update runs
set wake = wake + 1,
    due_at = case when owner is null then min(coalesce(due_at, ?4), ?4) else due_at end,
    cancel_requested_at = case when ?5 = 1 then coalesce(cancel_requested_at, ?4) else cancel_requested_at end
where tenant = ?1 and id = ?2 and shard = ?3
returning wake`;

const INSERT = `
insert into inbox (tenant, run, shard, id, arrival, body, consumed)
values (?1, ?2, ?3, ?4, ?5, ?6, 0)`;

const FINISHED = "select 1 from history where tenant = ?1 and id = ?2 and shard = ?3";

/** @returns true: a message waits that was not there before */
export function prepareDeliverMessage(
  database: Database,
): (unit: Cursor, context: RunUnitContext) => boolean {
  const known = database.prepare(KNOWN);
  const wake = database.prepare(WAKE);
  const insert = database.prepare(INSERT);
  const finished = database.prepare(FINISHED);
  const writeAudit = prepareWriteAudit(database);
  return (unit, { now, outcomes }) => {
    const ref = unit.cells(3);
    const id = unit.text();
    const isCancel = unit.number();
    const body = unit.text();
    const audit = unit.flag() ? unit.cells(AUDIT_COLUMN_COUNT) : null;
    if (known.get(...ref, id) !== undefined) {
      outcomes.push(DONE_CODE);
      return false;
    }
    const arrival = wake.get(...ref, now, isCancel)?.[0];
    if (arrival === undefined) {
      const code = finished.get(...ref) === undefined ? "run.not-found" : "run.finished";
      outcomes.push(REFUSED_CODE, code);
      return false;
    }
    insert.run(...ref, id, arrival, body);
    if (audit !== null) writeAudit(audit);
    outcomes.push(DONE_CODE);
    return true;
  };
}
