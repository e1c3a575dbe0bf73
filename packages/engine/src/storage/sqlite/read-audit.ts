// ?1 tenant, ?2 limit. Index audit_by_tenant, read backwards: newest first.
import type { Row } from "./cells.ts";
import type { Database } from "./database.ts";
import { flatten } from "./take-runs.ts";

const TEXT = `
select tenant, at, key, address, action, target
from audit where tenant = ?1 order by rowid desc limit ?2`;

export function prepareReadAudit(database: Database): (tenant: string, limit: number) => Row {
  const read = database.prepare(TEXT);
  return (tenant, limit) => flatten(read, [tenant, limit]);
}
