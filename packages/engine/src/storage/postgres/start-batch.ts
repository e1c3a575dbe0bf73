// The starts of one transaction: their keys, runs, first entries and audit rows. A start that is not inserted has
// written nothing; why, is looked up afterwards (`look-up.ts`).
import type { Cell, Row } from "../rows/cells.ts";
import {
  encodeEntry,
  encodeHead,
  encodeWaitingOn,
  ENTRY_COLUMNS,
  HEAD_COLUMNS,
} from "../rows/row-codec.ts";
import type { StartUnit } from "../storage.ts";
import { Batch, toOrdered, unnest, type ColumnKind } from "./arrays.ts";
import { AuditTrack } from "./audit-sequence.ts";
import { auditCells, auditBatch, INSERT_AUDIT_OF_START } from "./write-audit.ts";
import type { Plan } from "./plan.ts";
import { nowOr, statement, type Statement } from "./statement.ts";

/** As `HEAD_COLUMNS`. */
const HEAD_KINDS: readonly ColumnKind[] = [
  ...(["text", "text", "small", "text", "text", "text", "int", "text", "small"] as const),
  ...(["text", "text", "text", "int", "text", "big", "big", "text", "text", "text"] as const),
];
/** Status, owner, fence, due_at, started_at, waiting_on; scope and key; revision. */
const RUN_KINDS: readonly ColumnKind[] = [
  ...HEAD_KINDS,
  ...(["text", "text", "big", "big", "big", "text", "text", "text", "int"] as const),
];
const KEY_KINDS: readonly ColumnKind[] = [
  ...(["text", "text", "text", "small", "text", "text", "big", "text", "int"] as const),
];
export const ENTRY_KINDS: readonly ColumnKind[] = [
  ...(["text", "text", "int", "int", "big", "big", "text"] as const),
];
const FIRST_ENTRY_KINDS: readonly ColumnKind[] = ["text", "text", "small", "int", ...ENTRY_KINDS];

/** Joins, not subqueries: a planner without statistics would read all keys for each batch. */
const WITH_WORKFLOW = `left join millrace.catalog c
  on c.tenant = u.tenant and c.kind = 'workflow' and c.id = u.workflow`;
const IS_FRESH = "(u.revision is null or c.revision = u.revision)";

const HAS_FAILED = `
    or exists (
      select 1 from millrace.history h
      where h.tenant = k.tenant and h.id = k.run and h.shard = k.shard and h.status is not distinct from 'failed'
    )`;

/** Columns of `KEY_KINDS`, then now. A key that stands for another run, and may not be taken from it, stays. */
const putKeys = (name: string, mayBeTaken: string): Statement =>
  statement(
    name,
    `insert into millrace.keys as k (tenant, scope, key, shard, run, payload_hash, expires_at)
select u.tenant, u.scope, u.key, u.shard, u.run, u.payload_hash, u.expires_at
from ${unnest(KEY_KINDS)}
  u(tenant, scope, key, shard, run, payload_hash, expires_at, workflow, revision)
${WITH_WORKFLOW}
where ${IS_FRESH}
on conflict (tenant, scope, key, shard) do update
set run = excluded.run, payload_hash = excluded.payload_hash, expires_at = excluded.expires_at
where k.expires_at <= ${nowOr(`$${KEY_KINDS.length + 1}`)} or k.run = excluded.run${mayBeTaken}`,
  );

const PUT_KEYS = putKeys("put_keys", "");
const PUT_KEYS_AFTER_FAILURE = putKeys("put_keys_after_failure", HAS_FAILED);

const HEAD = HEAD_COLUMNS.replaceAll(/\w+/g, "u.$&");

const OWN_COLUMNS = "status, owner, fence, due_at, started_at, waiting_on, wake, recoveries";
const INSERT_RUNS = statement(
  "insert_runs",
  `insert into millrace.runs (${HEAD_COLUMNS}, ${OWN_COLUMNS})
select ${HEAD}, u.status, u.owner, u.fence, u.due_at, u.started_at, u.waiting_on, 0, 0
from ${unnest(RUN_KINDS)}
  u(${HEAD_COLUMNS}, status, owner, fence, due_at, started_at, waiting_on, scope, key, revision)
${WITH_WORKFLOW}
left join millrace.keys k
  on k.tenant = u.tenant and k.scope = u.scope and k.key = u.key and k.shard = u.shard
where not exists (
    select 1 from millrace.history h where h.tenant = u.tenant and h.id = u.id and h.shard = u.shard
  )
  and case when u.key is null then ${IS_FRESH} else k.run = u.id end
returning tenant, id`,
);

/** The run that a start names; tenant, id, shard. */
const REF_KINDS: readonly ColumnKind[] = ["text", "text", "small"];
/**
 * A repeat may have waited for the transaction that ended its run: it did not see the history then, and now the run is
 * gone. This statement does see it, and stores the run a second time, so that all fails as a duplicate and is looked up.
 */
const REFUSE_ENDED = statement(
  "refuse_ended",
  `insert into millrace.runs (${HEAD_COLUMNS}, ${OWN_COLUMNS})
select ${`${HEAD_COLUMNS}, ${OWN_COLUMNS}`.replaceAll(/\w+/g, "r.$&")}
from ${unnest(REF_KINDS)} u(tenant, id, shard)
join millrace.history h on h.tenant = u.tenant and h.id = u.id and h.shard = u.shard
join millrace.runs r on r.tenant = u.tenant and r.id = u.id and r.shard = u.shard`,
);

const INSERT_FIRST_ENTRIES = statement(
  "insert_first_entries",
  `insert into millrace.journal (tenant, run, shard, sequence, fence, ${ENTRY_COLUMNS})
select u.tenant, u.run, u.shard, u.sequence, r.fence, ${ENTRY_COLUMNS.replaceAll(/\w+/g, "u.$&")}
from ${unnest(FIRST_ENTRY_KINDS)} u(tenant, run, shard, sequence, ${ENTRY_COLUMNS})
join millrace.runs r on r.tenant = u.tenant and r.id = u.run and r.shard = u.shard`,
);

const KEY_ORDER = [0, 1, 2];
/** Tenant and name. */
const NAME_ORDER = [0, HEAD_KINDS.length - 1];

export class StartBatch {
  readonly #runs: Row[] = [];
  readonly #keys: Row[] = [];
  readonly #keysAfterFailure: Row[] = [];
  readonly #refs = new Batch(...REF_KINDS);
  readonly #entries = new Batch(...FIRST_ENTRY_KINDS);
  readonly #audit = auditBatch("ref");
  readonly #track = new AuditTrack();

  add({ run, owner, dueAt, waitingOn, key, workflowRevision, entries, audit }: StartUnit): void {
    const cells: Cell[] = [];
    encodeHead(run, cells);
    if (owner === null) cells.push("pending", null, 1, dueAt, null, encodeWaitingOn(waitingOn));
    else cells.push("running", owner, 1, null, run.createdAt, null);
    this.#runs.push([...cells, key?.scope ?? null, key?.key ?? null, workflowRevision]);
    const { tenant, id, shard } = run;
    this.#refs.add([tenant, id, shard]);
    if (key !== null) {
      const { scope, payloadHash, expiresAt } = key;
      const keys = key.reusesAfterFailure ? this.#keysAfterFailure : this.#keys;
      keys.push([
        tenant,
        scope,
        key.key,
        shard,
        id,
        payloadHash,
        expiresAt,
        run.workflowId,
        workflowRevision,
      ]);
    }
    for (const [i, entry] of entries.entries()) {
      const entryCells: Cell[] = [];
      encodeEntry(entry, entryCells);
      this.#entries.add([tenant, id, shard, i + 1, ...entryCells]);
    }
    if (audit !== null) this.#audit.add([tenant, id, shard, ...auditCells(audit, this.#track)]);
  }

  /** @param inserted hears tenant and run of each that was not there */
  plan(plan: Plan, now: number | null, inserted: (tenant: Cell, run: Cell) => void): void {
    const toKeys = (rows: readonly Row[]): Batch => toOrdered(KEY_KINDS, rows, KEY_ORDER);
    plan.addBatch(PUT_KEYS, toKeys(this.#keys), [now]);
    plan.addBatch(PUT_KEYS_AFTER_FAILURE, toKeys(this.#keysAfterFailure), [now]);
    plan.addBatch(INSERT_RUNS, toOrdered(RUN_KINDS, this.#runs, NAME_ORDER), [], (rows) => {
      for (const [tenant = null, run = null] of rows) inserted(tenant, run);
    });
    plan.addBatch(REFUSE_ENDED, this.#refs);
    plan.addBatch(INSERT_FIRST_ENTRIES, this.#entries);
    plan.addBatch(INSERT_AUDIT_OF_START, this.#audit);
  }
}
