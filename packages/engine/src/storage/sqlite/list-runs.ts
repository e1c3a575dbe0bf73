// ?1 tenant, ?2 ids below this one, ?3 limit. Primary keys, read backwards: two bounded scans that
// are merged.
import type { Row } from "./cells.ts";
import type { Database } from "./database.ts";
import { flatten } from "./take-runs.ts";

const HEAD = "id, workflow, workflow_version, status, trigger_type, created_at, started_at";

const TEXT = `
select ${HEAD}, finished_at, waiting_on from (
  select ${HEAD}, null as finished_at, waiting_on
  from runs where tenant = ?1 and id < ?2 order by id desc limit ?3
)
union all
select ${HEAD}, finished_at, waiting_on from (
  select ${HEAD}, finished_at, null as waiting_on
  from history where tenant = ?1 and id < ?2 order by id desc limit ?3
)
order by id desc
limit ?3`;

/** Sorts after every id. */
const AFTER_ALL = "\u{10ffff}";

/** @returns rows of `SUMMARY` columns one after the other, newest first */
export function prepareListRuns(
  database: Database,
): (tenant: string, before: string | null, limit: number) => Row {
  const list = database.prepare(TEXT);
  return (tenant, before, limit) => flatten(list, [tenant, before ?? AFTER_ALL, limit]);
}
