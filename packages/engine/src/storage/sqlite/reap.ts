// ?1 now, ?2 at most so many keys. Small table nodes; runs_owned; keys_expiring.
//
// Freeing looks at every owned run, not only at those of the nodes just removed: whatever left a
// run with a dead owner, the next pass mends it. `indexed by` makes a plan that scans all live runs
// an error.
import type { Database } from "./database.ts";

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

/** A pass a second forgets faster than a server can start; about 10 ms of writer time at most. */
const KEYS_A_PASS = 5000;

/** @returns how many runs were freed */
export function prepareReap(database: Database): (now: number) => number {
  const removeDead = database.prepare(REMOVE_DEAD);
  const free = database.prepare(FREE);
  const forgetKeys = database.prepare(FORGET_KEYS);
  return (now) => {
    removeDead.run(now);
    const freed = free.run(now).changes;
    forgetKeys.run(now, KEYS_A_PASS);
    return freed;
  };
}
