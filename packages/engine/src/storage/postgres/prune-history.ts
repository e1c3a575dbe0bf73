// Ended runs that have expired: found by history_expiring; what is under way of them, by the outbox's primary key. Three
// steps and no lock between them: a run that has ended never lives again, its outbox only empties, and its start leaves
// its parent's outbox once and for all. What is found and what is removed lie in different shards, so one statement could
// not say it.
import { shardOf, type RunId } from "@millrace/protocol";
import type { Cell, Row } from "../rows/cells.ts";
import { KEEP_ON_MS } from "../pruning.ts";
import { Batch, unnest, type ColumnKind } from "./arrays.ts";
import type { Database } from "./database.ts";
import { bind, nowOr, statement } from "./statement.ts";

/** $1 now or null, $2 at most so many. */
const FIND_EXPIRED = statement(
  "find_expired_runs",
  `select h.tenant, h.id, h.shard, h.parent_run from millrace.history h
where h.expires_on <= ${nowOr("$1")}
order by h.expires_on
limit $2`,
);

/** Tenant; sender and its shard; the run; null, or what the message must be. */
const UNDER_WAY_KINDS: readonly ColumnKind[] = ["text", "text", "small", "text", "text"];
const FIND_UNDER_WAY = statement(
  "find_runs_under_way",
  `select u.tenant, u.run
from ${unnest(UNDER_WAY_KINDS)} u(tenant, sender, shard, run, kind)
where exists (
  select 1 from millrace.outbox o
  where o.tenant = u.tenant and o.run = u.sender and o.shard = u.shard
    and (u.kind is null or (o.kind = u.kind and o.to_run = u.run))
)`,
);

const REF_KINDS: readonly ColumnKind[] = ["text", "text", "small"];
/** $4 now or null: whoever has changed their mind meanwhile is heard. */
const PRUNE = statement(
  "prune_history",
  `delete from millrace.history h
using ${unnest(REF_KINDS)} u(tenant, run, shard)
where h.tenant = u.tenant and h.id = u.run and h.shard = u.shard and h.expires_on <= ${nowOr("$4")}
returning 1`,
);

/** $4 now or null, $5 for how long, in ms. */
const KEEP = statement(
  "keep_history",
  `update millrace.history h
set expires_on = ${nowOr("$4")} + $5
from ${unnest(REF_KINDS)} u(tenant, run, shard)
where h.tenant = u.tenant and h.id = u.run and h.shard = u.shard and h.expires_on is not null`,
);

/** Takes of runs go by the same connection: they wait for one batch at most. */
const ROWS_A_BATCH = 1000;
const BATCHES_A_PASS = 5;

export interface Pruned {
  readonly pruned: number;
  readonly isMore: boolean;
}

export const NONE: Pruned = { pruned: 0, isMore: false };

export async function pruneHistory(database: Database, now: number | null): Promise<Pruned> {
  let pruned = 0;
  for (let n = 0; n < BATCHES_A_PASS; n++) {
    const [expired = []] = await database.fly("claim", [bind(FIND_EXPIRED, now, ROWS_A_BATCH)]);
    if (expired.length > 0) pruned += await pruneBatch(database, expired, now);
    if (expired.length < ROWS_A_BATCH) return { pruned, isMore: false };
  }
  return { pruned, isMore: true };
}

/** @param expired tenant, id, shard and parent of each */
async function pruneBatch(
  database: Database,
  expired: readonly Row[],
  now: number | null,
): Promise<number> {
  const senders = toSenders(expired).toArrays();
  const [found = []] = await database.fly("claim", [bind(FIND_UNDER_WAY, ...senders)]);
  const underWay = new Set(found.map(([tenant, run]) => placeOf(tenant, run)));
  const [gone, kept] = [new Batch(...REF_KINDS), new Batch(...REF_KINDS)];
  // Two nodes that have found the same rows lock them in the same order.
  const sorted = expired.toSorted((a, b) => (placeOf(a[0], a[1]) < placeOf(b[0], b[1]) ? -1 : 1));
  for (const [tenant = null, run = null, shard = null] of sorted)
    (underWay.has(placeOf(tenant, run)) ? kept : gone).add([tenant, run, shard]);
  const [rows = []] = await database.fly("claim", [
    bind(PRUNE, ...gone.toArrays(), now),
    ...(kept.size === 0 ? [] : [bind(KEEP, ...kept.toArrays(), now, KEEP_ON_MS)]),
  ]);
  return rows.length;
}

const placeOf = (tenant: Cell | undefined, run: Cell | undefined): string =>
  `${String(tenant)}\n${String(run)}`;

/** Each run may have messages of its own under way, and a child its start, in its parent's outbox. */
function toSenders(expired: readonly Row[]): Batch {
  const senders = new Batch(...UNDER_WAY_KINDS);
  for (const [tenant = null, run = null, shard = null, parent = null] of expired) {
    senders.add([tenant, run, shard, run, null]);
    // As it was written: the id of a run.
    if (parent !== null) senders.add([tenant, parent, shardOf(parent as RunId), run, "start"]);
  }
  return senders;
}
