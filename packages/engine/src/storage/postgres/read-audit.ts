// $1 tenant, $2 sequences below this one; $3 action, $4 key, $5 since; null: any. $6 limit; with a filter also $7, how
// many rows to pass over. Primary key of audit, read backwards: newest first.
//
// No index knows what a filter asks for, so a call with one first looks where the `SCANNED_ROWS`th row stands, and
// reads no further: the caller goes on there. What is written meanwhile is newer.
import type { TenantId } from "@millrace/protocol";
import type { AuditFilter, AuditPage } from "../catalog.ts";
import { decodeAudit } from "../rows/catalog-codec.ts";
import { Cursor } from "../rows/cells.ts";
import { ask } from "./ask.ts";
import type { Database } from "./database.ts";
import { bind, statement, type Statement } from "./statement.ts";

const FLOOR = `
  select sequence from millrace.audit
  where tenant = $1 and sequence < $2
  order by sequence desc
  limit 1 offset $7`;

/** One row even if nothing was found: it says where the list was left off. */
const toText = (floor: string): string => `
with floor as (${floor}
), found as (
  select sequence, tenant, at, key, address, action, target from millrace.audit
  where tenant = $1 and sequence < $2 and sequence >= coalesce((select sequence from floor), 0)
    and ($3::text is null or action = $3)
    and ($4::text is null or key = $4)
    and ($5::bigint is null or at >= $5)
  order by sequence desc
  limit $6
)
select (select sequence from floor), found.*
from (select 1) as one left join found on true
order by found.sequence desc`;

const FILTERED: Statement = statement("read_audit_filtered", toText(FLOOR));
const ALL: Statement = statement(
  "read_audit",
  toText("\n  select null::bigint as sequence where false"),
);

/** As a list of runs has it. */
const SCANNED_ROWS = 10_000;

type AuditRequest = AuditFilter & { readonly tenant: TenantId; readonly limit: number };

/**
 * @param scannedRows that one call with a filter compares
 * @throws {MillraceError} storage.unavailable
 */
export async function readAudit(
  database: Database,
  { tenant, limit, before = Number.MAX_SAFE_INTEGER, action, key, since }: AuditRequest,
  scannedRows: number = SCANNED_ROWS,
): Promise<AuditPage> {
  const filter = [action ?? null, key ?? null, since ?? null] as const;
  const isFiltered = filter.some((wanted) => wanted !== null);
  const asked = [tenant, before, ...filter, limit] as const;
  const bound = isFiltered ? bind(FILTERED, ...asked, scannedRows - 1) : bind(ALL, ...asked);
  const found = await ask(database, "list", bound);
  const [[floor = null, first = null] = []] = found;
  const rows = first === null ? [] : found.map((row) => decodeAudit(new Cursor(row.slice(1))));
  return { rows, next: rows.length < limit && typeof floor === "number" ? floor : null };
}
