// Units with defaults: a test names only what it is about.
import {
  after,
  asJsonText,
  DEFAULT_PRIORITY,
  DEFAULT_TENANT,
  newRunId,
  newWorkflowId,
  toShard,
  toTimestamp,
  type JsonText,
  type Timestamp,
} from "@millrace/protocol";
import type { Entry, JournaledMessage, Message } from "../../core/entry.ts";
import type { Audit, CatalogPut } from "../catalog.ts";
import type {
  DeliveryUnit,
  DueRun,
  Held,
  HistoryRow,
  OutboxMessage,
  RunHead,
  RunRef,
  RunUnit,
  StartKey,
  StartUnit,
} from "../storage.ts";

/** When every test begins. */
export const T0: Timestamp = toTimestamp(1_800_000_000_000);

let drawn = 0;
/** No two draws of a process are alike, and every start of it draws the same. */
const draw = (): number => (drawn += 0x9e3779b1) >>> 0;

const WORKFLOW_ID = newWorkflowId(T0, () => 7);

export function aRun(fields: Partial<RunHead> = {}): RunHead {
  const createdAt = fields.createdAt ?? T0;
  const shard = fields.shard ?? toShard(draw());
  return {
    id: newRunId(createdAt, shard, draw),
    shard,
    tenant: DEFAULT_TENANT,
    workspace: null,
    user: null,
    name: null,
    workflowId: WORKFLOW_ID,
    workflowVersion: 1,
    trigger: "api",
    priority: DEFAULT_PRIORITY,
    input: asJsonText('{"n":1}'),
    metadata: asJsonText("{}"),
    parent: null,
    retryOf: null,
    depth: 0,
    caller: null,
    createdAt,
    deadlineAt: null,
    ...fields,
  };
}

export function aStart(run: RunHead = aRun(), fields: Partial<StartUnit> = {}): StartUnit {
  return {
    kind: "start",
    run,
    owner: null,
    dueAt: T0,
    waitingOn: null,
    key: null,
    workflowRevision: null,
    entries: [],
    audit: null,
    ...fields,
  };
}

export function aKey(fields: Partial<StartKey> = {}): StartKey {
  return {
    scope: "wf_orders",
    key: "k1",
    payloadHash: "hash-1",
    expiresAt: after(T0, 1000),
    reusesAfterFailure: false,
    ...fields,
  };
}

export const refOf = ({ tenant, shard, id }: RunHead): RunRef => ({ tenant, shard, runId: id });

/** Of a run that nobody has owned yet. */
const FIRST_FENCE = 1;

/** As `findDue` gives it; by default of a run that nobody has taken yet. */
export const dueOf = (run: RunHead, fence: number = FIRST_FENCE): DueRun => ({
  ...refOf(run),
  fence,
});

/** A step's result. */
export function aResult(key: string, output: JsonText = asJsonText("1")): Entry {
  return {
    kind: "result",
    key,
    attempt: 1,
    position: 0,
    startedAt: T0,
    endedAt: after(T0, 1),
    output,
  };
}

/** What the owner writes next; it keeps the run. */
export function aRunUnit({ run, journal }: Held, fields: Partial<RunUnit> = {}): RunUnit {
  return {
    kind: "run",
    ref: refOf(run),
    fence: run.fence,
    sequence: journal.length + 1,
    entries: [],
    outbox: [],
    consumed: [],
    recovered: false,
    next: { kind: "keep" },
    ...fields,
  };
}

type Park = Extract<RunUnit["next"], { kind: "park" }>;

/** The owner gives the run up, having seen all its messages; only another can wake it. */
export function aPark(held: Held, fields: Partial<Park> = {}): Park {
  return { kind: "park", dueAt: null, waitingOn: null, seenWake: held.run.wake, ...fields };
}

export function headOf(run: RunHead): RunHead {
  return {
    id: run.id,
    shard: run.shard,
    tenant: run.tenant,
    workspace: run.workspace,
    user: run.user,
    name: run.name,
    workflowId: run.workflowId,
    workflowVersion: run.workflowVersion,
    trigger: run.trigger,
    priority: run.priority,
    input: run.input,
    metadata: run.metadata,
    parent: run.parent,
    retryOf: run.retryOf,
    depth: run.depth,
    caller: run.caller,
    createdAt: run.createdAt,
    deadlineAt: run.deadlineAt,
  };
}

export function aHistory({ run }: Held, fields: Partial<HistoryRow> = {}): HistoryRow {
  return {
    ...headOf(run),
    startedAt: run.startedAt,
    cancelRequestedAt: run.cancelRequestedAt,
    status: "completed",
    finishedAt: after(T0, 5),
    result: asJsonText('"done"'),
    ...fields,
  };
}

/** The owner ends the run with `entries`. @param expiresOn default: it is kept for ever */
export function aFinish(
  held: Held,
  entries: readonly Entry[] = [],
  expiresOn: Timestamp | null = null,
): RunUnit {
  const journal = [...held.journal, ...entries];
  const next = { kind: "finish", history: aHistory(held), journal, expiresOn } as const;
  return aRunUnit(held, { entries, next });
}

export const aMessage = (id: string): JournaledMessage => ({
  id,
  body: { kind: "cancel", reason: null },
});

export function aReply(id: string, child: RunHead = aRun()): JournaledMessage {
  const outcome = { status: "completed", output: asJsonText("2") } as const;
  return { id, body: { kind: "child.finished", key: "child", childId: child.id, outcome } };
}

export function aDelivery(
  to: RunHead,
  message: Message = aReply("m1"),
  audit: Audit | null = null,
): DeliveryUnit {
  return { kind: "delivery", to: refOf(to), message, audit };
}

export function anOutboxMessage(id: string, to: RunHead = aRun()): OutboxMessage {
  return { id, to: refOf(to), content: { kind: "message", message: aReply(id) } };
}

export function anAudit(fields: Partial<Audit> = {}): Audit {
  return {
    tenant: DEFAULT_TENANT,
    at: T0,
    key: "key_1",
    address: "127.0.0.1",
    action: "run.cancel",
    target: "run_1",
    ...fields,
  };
}

export function aPut(fields: Partial<CatalogPut> = {}): CatalogPut {
  return {
    tenant: DEFAULT_TENANT,
    kind: "workflow",
    id: "wf_orders",
    slug: "orders",
    expectedRevision: null,
    body: asJsonText('{"name":"Orders"}'),
    ...fields,
  };
}
