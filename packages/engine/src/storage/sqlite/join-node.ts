// ?1 id, ?2 host, ?3 pid, ?4 now, ?5 end of the lease. Primary key. A node that asks twice keeps
// its row.
import type { Database } from "./database.ts";

const TEXT = `
insert into nodes (id, host, pid, joined_at, lease_until)
values (?1, ?2, ?3, ?4, ?5)
on conflict (id) do update set lease_until = excluded.lease_until`;

export interface JoiningNode {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
}

export function prepareJoinNode(
  database: Database,
): (node: JoiningNode, now: number, leaseUntil: number) => void {
  const join = database.prepare(TEXT);
  return ({ id, host, pid }, now, leaseUntil) => {
    join.run(id, host, pid, now, leaseUntil);
  };
}
