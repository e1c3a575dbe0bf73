// $1 now or null, $2 at most so many rows. Small table nodes; runs_owned; the indexes on `expires_at`.
//
// Freeing looks at every owner, not only at the nodes just removed: whatever left a run with a dead owner, the next
// pass mends it. Owners are walked by their index, one probe an owner, however many runs each has. A dead node's row is
// removed only when its writes have ended (see `mark.ts`), so nothing of it is written after its runs were freed.
import type { Row } from "../rows/cells.ts";
import { Batch, encodeArray, unnest, type ColumnKind } from "./arrays.ts";
import type { Reaped, ReapRequest } from "../storage.ts";
import type { Database } from "./database.ts";
import { pruneAudit } from "./prune-audit.ts";
import { NONE, pruneHistory } from "./prune-history.ts";
import { bind, nowOr, statement } from "./statement.ts";

const REMOVE_DEAD = statement(
  "remove_dead_nodes",
  `delete from millrace.nodes where lease_until <= ${nowOr("$1")}`,
);

export const OWNERS = `
with recursive owners as (
  (select r.owner from millrace.runs r where r.owner is not null order by r.owner limit 1)
  union all
  select (select r.owner from millrace.runs r where r.owner > o.owner order by r.owner limit 1)
  from owners o where o.owner is not null
)
select o.owner from owners o
where o.owner is not null and not exists (select 1 from millrace.nodes n where n.id = o.owner)`;

const FIND_STRAY = statement("find_stray_owners", OWNERS);

const FIND_FREED = statement(
  "find_runs_to_free",
  "select r.tenant, r.id, r.shard, r.owner from millrace.runs r where r.owner = any($1::text[]) limit $2",
);

// Only while it has the owner that it was found with. To ask again who lives would not do: where this waited for
// another, PostgreSQL looks at the run's new row, and keeps its answer about the owner of the old one.
const FREED_KINDS: readonly ColumnKind[] = ["text", "text", "small", "text"];
const FREE = statement(
  "free_runs",
  `update millrace.runs r
set owner = null, due_at = ${nowOr("$5")}, recoveries = r.recoveries + 1
from ${unnest(FREED_KINDS)} u(tenant, run, shard, owner)
where r.tenant = u.tenant and r.id = u.run and r.shard = u.shard and r.owner is not distinct from u.owner
returning 1`,
);

/**
 * What has expired is asked twice: somebody may have given the row a new life since it was found. The sum keeps the
 * planner from the same index for the second time.
 *
 * @param more a condition on the row `t`
 */
const forget = (table: string, columns: string, more = ""): ReturnType<typeof statement> =>
  statement(
    `forget_${table}`,
    `delete from millrace.${table} d
using (
  select ${columns} from millrace.${table} t where t.expires_at <= ${nowOr("$1")} ${more}
  order by t.expires_at limit $2
) t
where ${columns
      .split(", ")
      .map((column) => `d.${column.slice(2)} = ${column}`)
      .join(" and ")} and d.expires_at + 0 <= ${nowOr("$1")}
returning 1`,
  );

const FORGET = [
  forget("keys", "t.tenant, t.scope, t.key, t.shard"),
  forget("key_windows", "t.tenant, t.key, t.category"),
  forget("subscriptions", "t.tenant, t.name, t.run, t.key, t.shard"),
  forget("event_deliveries", "t.tenant, t.name, t.event, t.run, t.key, t.shard"),
  // After its deliveries: an event whose repeat is taken for a new one must find none.
  forget(
    "events",
    "t.tenant, t.name, t.id, t.shard",
    `and not exists (
      select 1 from millrace.event_deliveries e
      where e.tenant = t.tenant and e.name = t.name and e.event = t.id and e.shard = t.shard
    )`,
  ),
];

/** A pass a second forgets faster than a server can start. */
const ROWS_A_PASS = 5000;

/** @param wake called when runs were freed, whatever becomes of the rest of the pass */
export async function reap(
  database: Database,
  { auditMs, keepsHistory = false }: ReapRequest,
  { now, wake }: { readonly now: number | null; readonly wake: () => void },
): Promise<Reaped> {
  const [, strays = []] = await database.fly("claim", [bind(REMOVE_DEAD, now), bind(FIND_STRAY)]);
  const freed = strays.length === 0 ? 0 : await free(database, strays.flat(), now);
  if (freed > 0) wake();
  let isFull = false;
  for (const statement of FORGET) {
    const [rows = []] = await database.fly("claim", [bind(statement, now, ROWS_A_PASS)]);
    isFull ||= rows.length === ROWS_A_PASS;
  }
  const { pruned, isMore } = keepsHistory ? NONE : await pruneHistory(database, now);
  const isMoreAudit = auditMs !== null && (await pruneAudit(database, auditMs, now));
  return { freed, pruned, isMore: isMore || isMoreAudit || isFull };
}

/** In transactions of bounded length: the first runs move while the last are still to be freed. */
async function free(database: Database, owners: Row, now: number | null): Promise<number> {
  const dead = encodeArray("text", owners);
  for (let freed = 0; ;) {
    const [found = []] = await database.fly("claim", [bind(FIND_FREED, dead, ROWS_A_PASS)]);
    if (found.length === 0) return freed;
    const batch = new Batch(...FREED_KINDS);
    // Two nodes that free the same runs lock them in the same order.
    for (const row of found.toSorted(byRun)) batch.add(row);
    const [rows = []] = await database.fly("claim", [bind(FREE, ...batch.toArrays(), now)]);
    freed += rows.length;
    // Others free the same runs.
    if (rows.length === 0) return freed;
  }
}

function byRun(a: Row, b: Row): number {
  const [x, y] = [String(a[1]), String(b[1])];
  return x < y ? -1 : x > y ? 1 : 0;
}
