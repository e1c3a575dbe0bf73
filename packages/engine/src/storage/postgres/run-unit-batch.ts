// The run units of one transaction. Every statement checks fence and owner where it writes, so a run that is another's
// is left alone by each of them; `mark.ts` says why no lock is needed for that.
import type { Cell, Row } from "../rows/cells.ts";
import {
  encodeEntry,
  encodeJournal,
  encodeOutboxMessage,
  encodeWaitingOn,
  ENTRY_COLUMNS,
  HEAD_COLUMNS,
  OUTBOX_COLUMNS,
} from "../rows/row-codec.ts";
import type { RunUnit } from "../storage.ts";
import { Batch, toOrdered, unnest, type ColumnKind } from "./arrays.ts";
import type { Plan } from "./plan.ts";
import { ENTRY_KINDS } from "./start-batch.ts";
import { nowOr, statement } from "./statement.ts";

/** Tenant, run, shard, fence. */
const HELD_KINDS: readonly ColumnKind[] = ["text", "text", "small", "big"];
const HELD_NAMES = "tenant, run, shard, fence";
const RUN_ORDER = [1];

/**
 * The run `r` of `u` is still its sender's. The owner is compared in words that no index knows: a planner without
 * statistics would walk all runs of the node for each batch. @param node the parameter with the node
 */
const isHeld = (node: string): string =>
  `r.tenant = u.tenant and r.id = u.run and r.shard = u.shard and r.fence = u.fence and r.owner is not distinct from ${node}`;

const JOURNAL_KINDS: readonly ColumnKind[] = [...HELD_KINDS, "int", ...ENTRY_KINDS];
const APPEND = statement(
  "append_entries",
  `insert into millrace.journal (tenant, run, shard, fence, sequence, ${ENTRY_COLUMNS})
select u.tenant, u.run, u.shard, u.fence, u.sequence, ${ENTRY_COLUMNS.replaceAll(/\w+/g, "u.$&")}
from ${unnest(JOURNAL_KINDS)} u(${HELD_NAMES}, sequence, ${ENTRY_COLUMNS})
join millrace.runs r on ${isHeld(`$${JOURNAL_KINDS.length + 1}`)}
returning tenant, run`,
);

const FIND_HELD = statement(
  "find_held",
  `select r.tenant, r.id from ${unnest(HELD_KINDS)} u(${HELD_NAMES})
join millrace.runs r on ${isHeld("$5")}`,
);

const OUTBOX_KINDS: readonly ColumnKind[] = [
  ...HELD_KINDS,
  ...(["big", "text", "text", "text", "small", "text", "text"] as const),
];
const SEND = statement(
  "send_messages",
  `insert into millrace.outbox (tenant, run, shard, sent_at, place, ${OUTBOX_COLUMNS})
select u.tenant, u.run, u.shard, ${nowOr(`$${OUTBOX_KINDS.length + 2}`)}, u.place,
  u.message, u.to_tenant, u.to_run, u.to_shard, u.kind, u.body
from ${unnest(OUTBOX_KINDS)} u(${HELD_NAMES}, place, message, to_tenant, to_run, to_shard, kind, body)
join millrace.runs r on ${isHeld(`$${OUTBOX_KINDS.length + 1}`)}
on conflict (tenant, run, id, shard) do nothing`,
);

const CONSUME = statement(
  "consume_messages",
  `update millrace.inbox i set consumed = 1
from ${unnest([...HELD_KINDS, "text"])} u(${HELD_NAMES}, message)
join millrace.runs r on ${isHeld("$6")}
where i.tenant = u.tenant and i.run = u.run and i.id = u.message and i.shard = u.shard`,
);

const RECOVER = statement(
  "reset_recoveries",
  `update millrace.runs r set recoveries = 0
from ${unnest(HELD_KINDS)} u(${HELD_NAMES})
where ${isHeld("$5")}`,
);

// A message that came after the owner looked makes the run due at once: no wake-up is lost. A run without entries that
// waits for a worker has not begun.
const PARK_KINDS: readonly ColumnKind[] = [
  ...HELD_KINDS,
  ...(["big", "text", "big", "small"] as const),
];
const PARK = statement(
  "park_runs",
  `update millrace.runs r
set
  owner = null,
  waiting_on = u.waiting_on,
  due_at = case when r.wake <> u.seen_wake then ${nowOr("$10")} else u.due_at end,
  status = case when u.awaits_worker = 1 and not exists (
    select 1 from millrace.journal j where j.tenant = u.tenant and j.run = u.run and j.shard = u.shard
  ) then 'pending' else r.status end
from ${unnest(PARK_KINDS)}
  u(${HELD_NAMES}, due_at, waiting_on, seen_wake, awaits_worker)
where ${isHeld("$9")}
returning r.tenant, r.id, r.due_at`,
);

const FINISH_KINDS: readonly ColumnKind[] = [
  ...HELD_KINDS,
  ...(["text", "big", "big", "big", "big", "text", "text"] as const),
];
const TO_HISTORY = statement(
  "move_to_history",
  `insert into millrace.history (${HEAD_COLUMNS}, fence, status, started_at, finished_at, cancel_requested_at,
  expires_on, result, journal)
select ${HEAD_COLUMNS.replaceAll(/\w+/g, "r.$&")}, r.fence, u.status, u.started_at, u.finished_at,
  u.cancel_requested_at, u.expires_on, u.result, u.journal
from ${unnest(FINISH_KINDS)} u(${HELD_NAMES}, status, started_at, finished_at, cancel_requested_at, expires_on, result, journal)
join millrace.runs r on ${isHeld(`$${FINISH_KINDS.length + 1}`)}
returning tenant, id`,
);

const DELETE_RUNS = statement(
  "delete_runs",
  `delete from millrace.runs r using ${unnest(HELD_KINDS)} u(${HELD_NAMES}) where ${isHeld("$5")}`,
);

// After the run itself, which a message locks to come in: what has come goes, and no other comes. So it is the history
// that tells whose runs these are: first and once a run, and not once a row.
const deleteOf = (table: "journal" | "inbox"): ReturnType<typeof statement> =>
  statement(
    `delete_${table}`,
    `with ended as materialized (
  select h.tenant, h.id, h.shard from ${unnest(HELD_KINDS)} u(${HELD_NAMES})
  join millrace.history h
    on h.tenant = u.tenant and h.id = u.run and h.shard = u.shard and h.fence = u.fence
)
delete from millrace.${table} t using ended e
where t.tenant = e.tenant and t.run = e.id and t.shard = e.shard`,
  );
const DELETE_JOURNAL = deleteOf("journal");
const DELETE_INBOX = deleteOf("inbox");

export interface RunUnitReader {
  /** The unit of this run was written. */
  done(tenant: Cell, run: Cell): void;
  /** A run was given up. */
  parked(dueAt: Cell): void;
}

export class RunUnitBatch {
  readonly #nextPlace: () => number;
  readonly #journal = new Batch(...JOURNAL_KINDS);
  readonly #held = new Batch(...HELD_KINDS);
  readonly #outbox = new Batch(...OUTBOX_KINDS);
  readonly #consumed = new Batch(...HELD_KINDS, "text");
  readonly #recovered: Row[] = [];
  readonly #parked: Row[] = [];
  readonly #finished = new Batch(...FINISH_KINDS);
  readonly #finishedRefs: Row[] = [];

  /** @param nextPlace grows: messages of one millisecond go in the order of being sent */
  constructor(nextPlace: () => number) {
    this.#nextPlace = nextPlace;
  }

  add(unit: RunUnit): void {
    const { ref, fence, sequence, entries, outbox, consumed, recovered, next } = unit;
    const held = [ref.tenant, ref.runId, ref.shard, fence] as const;
    for (const message of outbox) {
      const cells: Cell[] = [];
      encodeOutboxMessage(message, cells);
      this.#outbox.add([...held, this.#nextPlace(), ...cells]);
    }
    if (next.kind === "finish") {
      const { status, startedAt, finishedAt, cancelRequestedAt, result } = next.history;
      this.#finished.add([
        ...held,
        status,
        startedAt,
        finishedAt,
        cancelRequestedAt,
        next.expiresOn,
        result,
        encodeJournal(next.journal),
      ]);
      this.#finishedRefs.push(held);
      return;
    }
    for (const [i, entry] of entries.entries()) {
      const cells: Cell[] = [];
      encodeEntry(entry, cells);
      this.#journal.add([...held, sequence + i, ...cells]);
    }
    for (const id of consumed) this.#consumed.add([...held, id]);
    if (recovered) this.#recovered.push(held);
    if (next.kind === "park") {
      const { dueAt, waitingOn, seenWake } = next;
      const awaitsWorker = waitingOn?.kind === "worker" ? 1 : 0;
      this.#parked.push([...held, dueAt, encodeWaitingOn(waitingOn), seenWake, awaitsWorker]);
    } else if (entries.length === 0) this.#held.add(held);
  }

  /**
   * What gives runs up or ends them comes last, since it takes the owner away by whom the others find the run. Messages
   * lock runs in the order of their ids, and so do the statements that write runs.
   */
  plan(plan: Plan, node: string, now: number | null, reader: RunUnitReader): void {
    const tell = (rows: readonly (readonly Cell[])[]): void => {
      for (const [tenant = null, run = null] of rows) reader.done(tenant, run);
    };
    plan.addBatch(APPEND, this.#journal, [node], tell);
    plan.addBatch(FIND_HELD, this.#held, [node], tell);
    plan.addBatch(SEND, this.#outbox, [node, now]);
    plan.addBatch(CONSUME, this.#consumed, [node]);
    plan.addBatch(RECOVER, toOrdered(HELD_KINDS, this.#recovered, RUN_ORDER), [node]);
    plan.addBatch(PARK, toOrdered(PARK_KINDS, this.#parked, RUN_ORDER), [node, now], (rows) => {
      tell(rows);
      for (const [, , dueAt = null] of rows) reader.parked(dueAt);
    });
    plan.addBatch(TO_HISTORY, this.#finished, [node], tell);
    const finished = toOrdered(HELD_KINDS, this.#finishedRefs, RUN_ORDER);
    plan.addBatch(DELETE_RUNS, finished, [node]);
    plan.addBatch(DELETE_JOURNAL, finished);
    plan.addBatch(DELETE_INBOX, finished);
  }
}
