// $1 node, $2 lease in ms, $3 now or null, $4 the lease that the node was told, see `leases.ts`. Renews the lease, and looks round in the same statement: an idle node asks
// nothing else. runs_due, one probe a class, written out as in `find-due.ts`; inbox_waiting; outbox_by_age; runs_owned,
// one probe an owner.
import { PRIORITIES, toTimestamp, type NodeId, type Timestamp } from "@millrace/protocol";
import { Cursor, type Row } from "../rows/cells.ts";
import type { Pulse } from "../storage.ts";
import { OWNERS } from "./reap.ts";
import { nowOr, statement, type Statement } from "./statement.ts";

const firstOf = (priority: number): string =>
  `(select due_at from millrace.runs where priority = ${priority} and due_at is not null order by due_at limit 1)`;

export const BEAT: Statement = statement(
  "beat",
  `with beat as (
  update millrace.nodes set lease_until = greatest(lease_until, ${nowOr("$3")} + $2)
  where id = $1 and lease_until >= $4::bigint
  returning 1
)
select
  (select count(*) from beat),
  ${nowOr("$3")},
  (
    select min(d.due_at) from (
      ${PRIORITIES.map(firstOf).join(" union all ")}
    ) d
  ),
  case when exists (
    select 1 from millrace.inbox i
    join millrace.runs r on r.tenant = i.tenant and r.id = i.run and r.shard = i.shard
    where i.consumed = 0 and r.owner = $1
  ) then 1 else 0 end,
  case when exists (select 1 from millrace.outbox) then 1 else 0 end,
  (select min(n.lease_until) from millrace.nodes n where n.id <> $1),
  case when exists (${OWNERS}) then 1 else 0 end,
  (select string_agg(n.id, ' ' order by n.id) from millrace.nodes n where n.id = $1 or n.lease_until > ${nowOr("$3")})`,
);

/** @returns null: the node has been declared dead, or the store has lost an earlier beat */
export function toPulse(row: Row): Pulse | null {
  const from = new Cursor(row);
  if (from.number() === 0) return null;
  const now = toTimestamp(from.number());
  const dueAt = timeOrNull(from);
  const [inbox, outbox] = [from.flag(), from.flag()];
  const leaseEnd = timeOrNull(from);
  const isStray = from.flag();
  // Written as ids, which have no spaces.
  const nodes = (from.textOrNull()?.split(" ") ?? []).map((id) => id as NodeId);
  return { now, dueAt, inbox, outbox, reapAt: isStray ? now : leaseEnd, nodes };
}

function timeOrNull(from: Cursor): Timestamp | null {
  const ms = from.numberOrNull();
  return ms === null ? null : toTimestamp(ms);
}

/** $1 id, $2 host, $3 pid, $4 lease in ms, $5 now or null. A node that asks twice keeps its row. */
export const JOIN: Statement = statement(
  "join",
  `insert into millrace.nodes (id, host, pid, joined_at, lease_until)
values ($1, $2, $3, ${nowOr("$5")}, ${nowOr("$5")} + $4)
on conflict (id) do update set lease_until = excluded.lease_until
returning lease_until - $4`,
);
