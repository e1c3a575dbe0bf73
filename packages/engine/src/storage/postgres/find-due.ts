// $1 shards or null for all, $2 limit, $3 a test's time or null. Index runs_due, one bounded scan a priority class: a
// backlog in one class costs the others nothing. No locks. The classes are written out, because not every database
// behind this store takes a limit in a lateral join. One statement, so that "due" and "next" mean the same moment.
import { PRIORITIES, type Shard, type Timestamp } from "@millrace/protocol";
import { Cursor } from "../rows/cells.ts";
import { decodeRef } from "../rows/row-codec.ts";
import type { Due, DueRun } from "../storage.ts";
import { encodeArray } from "./arrays.ts";
import { ask } from "./ask.ts";
import type { Database } from "./database.ts";
import { bind, nowOr, statement, type Statement } from "./statement.ts";

const SHARDS = "($1::smallint[] is null or shard = any($1::smallint[]))";

const dueOf = (priority: number): string => `(
    select tenant, id, shard, fence, priority, due_at from millrace.runs
    where priority = ${priority} and due_at <= ${nowOr("$3")} and ${SHARDS}
    order by due_at, id
    limit $2
  )`;

const nextOf = (priority: number): string => `(
    select due_at from millrace.runs
    where priority = ${priority} and due_at > ${nowOr("$3")} and ${SHARDS}
    order by due_at
    limit 1
  )`;

const FIND: Statement = statement(
  "find_due",
  `
with due as (
  ${PRIORITIES.map(dueOf).join(" union all ")}
), found as (
  select tenant, id, shard, fence, priority, due_at from due order by priority, due_at, id limit $2
), next as (
  select min(due_at) as due_at from (
  ${PRIORITIES.map(nextOf).join(" union all ")}
  ) as firsts
)
select next.due_at, found.tenant, found.id, found.shard, found.fence
from next left join found on true
order by found.priority, found.due_at, found.id`,
);

/** @param now a test's time. null: the database's. @throws {MillraceError} storage.unavailable */
export async function findDue(
  database: Database,
  shards: readonly Shard[] | null,
  limit: number,
  now: number | null,
): Promise<Due> {
  const asked = shards === null ? null : encodeArray("small", shards);
  const rows = await ask(database, "claim", bind(FIND, asked, limit, now));
  // One row even if nothing is due: it says when the next run is.
  const [[next = null, first = null] = []] = rows;
  const runs = first === null ? [] : rows.map((row) => decodeDueRun(new Cursor(row.slice(1))));
  // Written as a timestamp.
  return { runs, nextDueAt: runs.length < limit ? (next as Timestamp | null) : null };
}

/** Columns: tenant, run, shard, fence. */
export const decodeDueRun = (from: Cursor): DueRun => ({
  ...decodeRef(from),
  fence: from.number(),
});
