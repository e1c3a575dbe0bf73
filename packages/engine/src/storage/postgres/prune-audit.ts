// $1 now or null, $2 the age that rows may have, in ms, $3 at most so many. Index audit_by_time.
import type { Database } from "./database.ts";
import { bind, nowOr, statement } from "./statement.ts";

const PRUNE = statement(
  "prune_audit",
  `delete from millrace.audit a
using (
  select t.tenant, t.sequence from millrace.audit t where t.at < ${nowOr("$1")} - $2
  order by t.at limit $3
) t
where a.tenant = t.tenant and a.sequence = t.sequence
returning 1`,
);

const ROWS_A_PASS = 1000;

/** @returns true: there may be more */
export async function pruneAudit(
  database: Database,
  auditMs: number,
  now: number | null,
): Promise<boolean> {
  const [rows = []] = await database.fly("claim", [bind(PRUNE, now, auditMs, ROWS_A_PASS)]);
  return rows.length === ROWS_A_PASS;
}
