// ?1 tenant, ?2 sequences from this one and ?3 below this one, ?4 action, ?5 key, ?6 since; null:
// any. ?7 limit, or how many rows to pass over. Index audit_by_tenant, read backwards: newest
// first.
//
// No index knows what a filter asks for, so a call with one first looks where the `SCANNED_ROWS`th
// row stands, and reads no further: the caller goes on there. What is written meanwhile is newer.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { flatten } from "./take-runs.ts";

const LIST = `
select rowid, tenant, at, key, address, action, target
from audit
where tenant = ?1 and rowid >= ?2 and rowid < ?3
  and (?4 is null or action = ?4) and (?5 is null or key = ?5) and (?6 is null or at >= ?6)
order by rowid desc
limit ?7`;

const FLOOR = `
select rowid from audit
where tenant = ?1 and rowid < ?2
order by rowid desc
limit 1 offset ?3`;

/** As a list of runs has it. */
const SCANNED_ROWS = 10_000;

const COLUMN_COUNT = 7;

export interface AuditRequest {
  readonly tenant: string;
  readonly limit: number;
  readonly before?: number;
  readonly action?: string;
  readonly key?: string;
  readonly since?: number;
}

export interface AuditCells {
  /** One after the other, newest first. */
  readonly rows: Row;
  readonly next: number | null;
}

/** @param scannedRows that one call with a filter compares */
export function prepareReadAudit(
  database: Database,
  scannedRows: number = SCANNED_ROWS,
): (request: AuditRequest) => AuditCells {
  const list = database.prepare(LIST);
  const floorOf = database.prepare(FLOOR);
  return ({ tenant, limit, before = Number.MAX_SAFE_INTEGER, action, key, since }) => {
    const filter = [action ?? null, key ?? null, since ?? null];
    const isFiltered = filter.some((wanted) => wanted !== null);
    const found = isFiltered ? floorOf.get(tenant, before, scannedRows - 1) : undefined;
    const floor = found === undefined ? null : Number(found[0]);
    const rows = flatten(list, [tenant, floor ?? 0, before, ...filter, limit]);
    return { rows, next: rows.length < limit * COLUMN_COUNT ? floor : null };
  };
}
