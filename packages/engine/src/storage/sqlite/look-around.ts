// What a heartbeat answers with. Each question is a few look-ups in an index, whatever the store holds: runs_due once
// a priority class, the node's own runs in runs_owned, one step in runs_owned for each owner.
import type { Database } from "./database.ts";

/** ?1 priority. */
const DUE = `
select due_at from runs indexed by runs_due
where priority = ?1 and due_at is not null
order by due_at
limit 1`;

/** ?1 node. */
const INBOX = `
select 1
from runs r indexed by runs_owned
cross join inbox i indexed by inbox_waiting
  on i.tenant = r.tenant and i.run = r.id and i.shard = r.shard and i.consumed = 0
where r.owner = ?1
limit 1`;

const OUTBOX = "select 1 from outbox order by rowid limit 1";

// From owner to owner, past all the runs of each.
const STRAY = `
with recursive owners (id) as (
  select min(owner) from runs where owner is not null
  union all
  select (select min(owner) from runs where owner > o.id) from owners o where o.id is not null
)
select 1 from owners where id is not null and id not in (select id from nodes) limit 1`;

/** ?1 node. */
const LEASE_END = "select min(lease_until) from nodes where id <> ?1";

/** ?1 now. */
const NODES = "select id from nodes where lease_until > ?1 order by id";

export interface PulseCells {
  readonly now: number;
  readonly dueAt: number | null;
  readonly inbox: boolean;
  readonly outbox: boolean;
  readonly reapAt: number | null;
  readonly nodes: readonly string[];
}

/** @param priorities all classes */
export function prepareLookAround(
  database: Database,
): (node: string, priorities: readonly number[], now: number) => PulseCells {
  const due = database.prepare(DUE);
  const inbox = database.prepare(INBOX);
  const outbox = database.prepare(OUTBOX);
  const stray = database.prepare(STRAY);
  const leaseEnd = database.prepare(LEASE_END);
  const nodes = database.prepare(NODES);
  return (node, priorities, now) => {
    const times = priorities.flatMap((priority) => due.get(priority) ?? []);
    const instants = times.filter((time) => typeof time === "number");
    const end = leaseEnd.get(node)?.[0];
    return {
      now,
      dueAt: instants.length === 0 ? null : Math.min(...instants),
      inbox: inbox.get(node) !== undefined,
      outbox: outbox.get() !== undefined,
      reapAt: stray.get() !== undefined ? now : typeof end === "number" ? end : null,
      nodes: nodes.all(now).map(([id]) => String(id)),
    };
  };
}
