// $1 to $4: tenant, run and shard of the senders, and the messages. Primary key.
import type { SentUnit } from "../storage.ts";
import type { Row } from "../rows/cells.ts";
import { toOrdered, unnest, type ColumnKind } from "./arrays.ts";
import type { Plan } from "./plan.ts";
import { statement } from "./statement.ts";

const KINDS: readonly ColumnKind[] = ["text", "text", "small", "text"];

/** Run and message. */
const MESSAGE_ORDER = [1, 3];

const FORGET = statement(
  "forget_sent",
  `delete from millrace.outbox o
using ${unnest(KINDS)} u(tenant, run, shard, message)
where o.tenant = u.tenant and o.run = u.run and o.id = u.message and o.shard = u.shard`,
);

export function planForgetSent(plan: Plan, units: readonly SentUnit[]): void {
  const rows: Row[] = [];
  for (const { from, ids } of units) {
    for (const id of ids) rows.push([from.tenant, from.runId, from.shard, id]);
  }
  // Several nodes may have carried the same messages.
  plan.addBatch(FORGET, toOrdered(KINDS, rows, MESSAGE_ORDER));
}
