// ?1 now, ?2 at most so many rows; KEEP: ?3 until when. Index history_expiring; primary key of outbox.
//
// Both look at the same first rows that have expired, so a pass reads no more of them than it may
// remove, and rows that must stay make room for those behind them.
import type { Database } from "./database.ts";
import { KEEP_ON_MS } from "../pruning.ts";

const EXPIRED = `
  select rowid as place, tenant, id, shard, parent_run
  from history indexed by history_expiring
  where expires_on <= ?1
  order by expires_on
  limit ?2`;

/** A message of its own is under way, or its parent's courier may bring its start once more. */
const IS_UNDER_WAY = `(
    exists (
      select 1 from outbox o where o.tenant = e.tenant and o.run = e.id and o.shard = e.shard
    )
    or exists (
      select 1 from outbox o
      where o.tenant = e.tenant and o.run = e.parent_run and o.to_run = e.id and o.kind = 'start'
    )
  )`;

const PRUNE = `
delete from history
where rowid in (select place from (${EXPIRED}) e where not ${IS_UNDER_WAY})`;

const KEEP = `
update history set expires_on = ?3
where rowid in (select place from (${EXPIRED}) e where ${IS_UNDER_WAY})`;

/**
 * About 20 ms of the writer's time, and 5000 about 40 (measured 2026-11, rows of 1.5 kB among 200,000):
 * what is committed meanwhile waits for it. Ten passes a second are faster than runs can end.
 */
const ROWS_A_PASS = 2000;

export interface Pruned {
  readonly pruned: number;
  readonly isMore: boolean;
}

export const NONE: Pruned = { pruned: 0, isMore: false };

export function preparePruneHistory(database: Database): (now: number) => Pruned {
  const prune = database.prepare(PRUNE);
  const keep = database.prepare(KEEP);
  return (now) => {
    const pruned = prune.run(now, ROWS_A_PASS).changes;
    const isFull = pruned === ROWS_A_PASS;
    const kept = isFull ? 0 : keep.run(now, ROWS_A_PASS, now + KEEP_ON_MS).changes;
    return { pruned, isMore: pruned + kept >= ROWS_A_PASS };
  };
}
