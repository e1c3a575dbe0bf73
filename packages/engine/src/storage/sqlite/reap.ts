// ?1 now, ?2 at most so many rows. Small table nodes; runs_owned; the indexes on `expires_at`.
//
// Freeing looks at every owned run, not only at those of the nodes just removed: whatever left a
// run with a dead owner, the next pass mends it. `indexed by` makes a plan that scans all live runs
// an error.
import type { Reaped, ReapRequest } from "../storage.ts";
import type { Database } from "./database.ts";
import { preparePruneAudit } from "./prune-audit.ts";
import { NONE, preparePruneHistory } from "./prune-history.ts";

const REMOVE_DEAD = "delete from nodes where lease_until <= ?1";

const FREE = `
update runs indexed by runs_owned
set owner = null, due_at = ?1, recoveries = recoveries + 1
where owner is not null and owner not in (select id from nodes)`;

const FORGET_KEYS = `
delete from keys
where (tenant, scope, key, shard) in (
  select tenant, scope, key, shard from keys where expires_at <= ?1 order by expires_at limit ?2
)`;

const FORGET_SUBSCRIPTIONS = `
delete from subscriptions
where (tenant, name, run, key, shard) in (
  select tenant, name, run, key, shard from subscriptions indexed by subscriptions_expiring
  where expires_at <= ?1 order by expires_at limit ?2
)`;

const FORGET_DELIVERIES = `
delete from event_deliveries
where (tenant, name, event, run, key, shard) in (
  select tenant, name, event, run, key, shard from event_deliveries
  where expires_at <= ?1 order by expires_at limit ?2
)`;

// After its deliveries: an event whose repeat is taken for a new one must find none.
const FORGET_EVENTS = `
delete from events
where (tenant, name, id, shard) in (
  select e.tenant, e.name, e.id, e.shard from events e
  where e.expires_at <= ?1 and not exists (
    select 1 from event_deliveries d
    where d.tenant = e.tenant and d.name = e.name and d.event = e.id and d.shard = e.shard
  )
  order by e.expires_at limit ?2
)`;

/** A pass a second forgets faster than a server can start; about 10 ms of writer time at most. */
const ROWS_A_PASS = 5000;

export function prepareReap(database: Database): (request: ReapRequest, now: number) => Reaped {
  const removeDead = database.prepare(REMOVE_DEAD);
  const free = database.prepare(FREE);
  const forgetting = [FORGET_KEYS, FORGET_SUBSCRIPTIONS, FORGET_DELIVERIES, FORGET_EVENTS].map(
    (text) => database.prepare(text),
  );
  const pruneHistory = preparePruneHistory(database);
  const pruneAudit = preparePruneAudit(database);
  return ({ auditMs, keepsHistory = false }, now) => {
    removeDead.run(now);
    const freed = free.run(now).changes;
    // Each of them: a full one must not keep the next from its turn.
    const full = forgetting.filter(
      (forget) => forget.run(now, ROWS_A_PASS).changes === ROWS_A_PASS,
    );
    const { pruned, isMore } = keepsHistory ? NONE : pruneHistory(now);
    const isMoreAudit = auditMs !== null && pruneAudit(now - auditMs);
    return { freed, pruned, isMore: isMore || isMoreAudit || full.length > 0 };
  };
}
