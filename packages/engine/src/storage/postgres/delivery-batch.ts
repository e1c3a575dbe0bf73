// The messages of one transaction, into the inboxes of live runs.
import type { Cell, Row } from "../rows/cells.ts";
import type { DeliveryUnit } from "../storage.ts";
import { Batch, unnest, type ColumnKind } from "./arrays.ts";
import { AuditTrack } from "./audit-sequence.ts";
import type { Plan } from "./plan.ts";
import { nowOr, statement } from "./statement.ts";
import { auditBatch, auditCells, INSERT_AUDIT_OF_MESSAGE } from "./write-audit.ts";

const REF_KINDS: readonly ColumnKind[] = ["text", "text", "small"];

const NOT_KNOWN = `not exists (
    select 1 from millrace.inbox i
    where i.tenant = u.tenant and i.run = u.run and i.id = u.message and i.shard = u.shard
  )`;

// `wake` grows also for an owned run, since its owner may be about to give it up. `due_at` moves only while nobody
// owns the run: an owned run has none. In the order of the runs, so that two nodes lock them in the same order.
const WAKE = statement(
  "wake_runs",
  `update millrace.runs r
set
  wake = r.wake + c.messages,
  due_at = case when r.owner is null then least(r.due_at, ${nowOr("$6")}) else r.due_at end,
  cancel_requested_at = case when c.cancels = 1 then coalesce(r.cancel_requested_at, ${nowOr("$6")}) else r.cancel_requested_at end
from (
  select u.tenant, u.run, u.shard, count(*) as messages, max(u.cancels) as cancels
  from ${unnest([...REF_KINDS, "text", "small"])} u(tenant, run, shard, message, cancels)
  where ${NOT_KNOWN}
  group by u.tenant, u.run, u.shard
  order by u.run
) c
where r.tenant = c.tenant and r.id = c.run and r.shard = c.shard
returning r.tenant, r.id, r.owner`,
);

const PLACES_A_WAKE = 65_536;
/** `arrival` puts the messages of a run in order: by wake, then by their place in the batch. */
const INSERT = statement(
  "insert_messages",
  `insert into millrace.inbox (tenant, run, shard, id, arrival, consumed, body)
select u.tenant, u.run, u.shard, u.message, r.wake * ${PLACES_A_WAKE} + u.place, 0, u.body
from ${unnest([...REF_KINDS, "text", "int", "text"])} u(tenant, run, shard, message, place, body)
join millrace.runs r on r.tenant = u.tenant and r.id = u.run and r.shard = u.shard
on conflict (tenant, run, id, shard) do nothing
returning tenant, run, id`,
);

export interface DeliveryReader {
  /** The message was not there, and is now. */
  inserted(tenant: Cell, run: Cell, message: Cell): void;
  /** A run has new messages; null: nobody owns it. */
  woken(tenant: Cell, run: Cell, owner: Cell): void;
}

export class DeliveryBatch {
  readonly #waking = new Batch(...REF_KINDS, "text", "small");
  readonly #messages = new Batch(...REF_KINDS, "text", "int", "text");
  readonly #audit = auditBatch("message");
  readonly #track = new AuditTrack();

  get size(): number {
    return this.#messages.size;
  }

  add({ to, message, audit }: DeliveryUnit): void {
    const ref: Row = [to.tenant, to.runId, to.shard];
    this.#waking.add([...ref, message.id, message.body.kind === "cancel" ? 1 : 0]);
    this.#messages.add([...ref, message.id, this.size, JSON.stringify(message.body)]);
    if (audit !== null) this.#audit.add([...ref, message.id, ...auditCells(audit, this.#track)]);
  }

  plan(plan: Plan, now: number | null, reader: DeliveryReader): void {
    plan.addBatch(WAKE, this.#waking, [now], (rows) => {
      for (const [tenant = null, run = null, owner = null] of rows)
        reader.woken(tenant, run, owner);
    });
    plan.addBatch(INSERT_AUDIT_OF_MESSAGE, this.#audit);
    plan.addBatch(INSERT, this.#messages, [], (rows) => {
      for (const [tenant = null, run = null, id = null] of rows) reader.inserted(tenant, run, id);
    });
  }
}
