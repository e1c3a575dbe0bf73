// ?1 tenant, ?2 sequences below this one, ?3 action, ?4 key, ?5 since; null: any. ?6 limit. Index
// audit_by_tenant, read backwards: newest first. What a filter leaves out is read and passed over.
import type { Row } from "./cells.ts";
import type { Database } from "./database.ts";
import { flatten } from "./take-runs.ts";

const TEXT = `
select rowid, tenant, at, key, address, action, target
from audit
where tenant = ?1 and rowid < ?2
  and (?3 is null or action = ?3) and (?4 is null or key = ?4) and (?5 is null or at >= ?5)
order by rowid desc
limit ?6`;

export interface AuditPage {
  readonly tenant: string;
  readonly limit: number;
  readonly before?: number;
  readonly action?: string;
  readonly key?: string;
  readonly since?: number;
}

/** @returns rows one after the other, newest first */
export function prepareReadAudit(database: Database): (page: AuditPage) => Row {
  const read = database.prepare(TEXT);
  return ({ tenant, limit, before = Number.MAX_SAFE_INTEGER, action, key, since }) =>
    flatten(read, [tenant, before, action ?? null, key ?? null, since ?? null, limit]);
}
