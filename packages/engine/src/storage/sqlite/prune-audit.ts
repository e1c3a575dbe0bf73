// PRUNE: ?1 rows before that instant, ?2 at most so many. In the order of the rowid, which is that of
// being written: the oldest one says whether there is anything to do.
import type { Database } from "./database.ts";

const OLDEST = "select at from audit order by rowid limit 1";

const PRUNE = `
delete from audit
where at < ?1 and rowid in (select rowid from audit order by rowid limit ?2)`;

const ROWS_A_PASS = 1000;

/** @returns true: there may be more */
export function preparePruneAudit(database: Database): (until: number) => boolean {
  const findOldest = database.prepare(OLDEST);
  const prune = database.prepare(PRUNE);
  return (until) => {
    const oldest = findOldest.get()?.[0];
    if (typeof oldest !== "number" || oldest >= until) return false;
    return prune.run(until, ROWS_A_PASS).changes === ROWS_A_PASS;
  };
}
