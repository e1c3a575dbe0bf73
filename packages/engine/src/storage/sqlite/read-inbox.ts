// ?1 node, ?2 limit. From runs_owned to inbox_waiting: it reads the node's own runs, however many
// others sleep.
import type { Row } from "../rows/cells.ts";
import type { Database } from "./database.ts";
import { flatten } from "./take-runs.ts";

const TEXT = `
select i.tenant, i.run, i.shard, i.id, i.body
from runs r indexed by runs_owned
cross join inbox i indexed by inbox_waiting
  on i.tenant = r.tenant and i.run = r.id and i.shard = r.shard and i.consumed = 0
where r.owner = ?1
order by i.tenant, i.run, i.arrival
limit ?2`;

/** @returns the receiver's three columns, id and body, one message after the other */
export function prepareReadInbox(database: Database): (node: string, limit: number) => Row {
  const read = database.prepare(TEXT);
  return (node, limit) => flatten(read, [node, limit]);
}
