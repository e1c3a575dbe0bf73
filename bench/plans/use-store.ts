// Everything that a node asks of its store again and again, once each.
import {
  after,
  asJsonText,
  DEFAULT_TENANT,
  newNodeId,
  shardOfEvent,
  type NodeId,
} from "@millrace/protocol";
import { commit } from "../../packages/engine/src/storage/postgres/commit.ts";
import type { Database } from "../../packages/engine/src/storage/postgres/database.ts";
import { findDue } from "../../packages/engine/src/storage/postgres/find-due.ts";
import { createPostgresCatalog } from "../../packages/engine/src/storage/postgres/postgres-catalog.ts";
import { BEAT, JOIN } from "../../packages/engine/src/storage/postgres/pulse.ts";
import { readRun } from "../../packages/engine/src/storage/postgres/read-run.ts";
import { readStore } from "../../packages/engine/src/storage/postgres/reads.ts";
import { reap } from "../../packages/engine/src/storage/postgres/reap.ts";
import { bind } from "../../packages/engine/src/storage/postgres/statement.ts";
import { takeRuns } from "../../packages/engine/src/storage/postgres/take-runs.ts";
import type { Held, RunHead, Unit } from "../../packages/engine/src/storage/storage.ts";
import {
  aDelivery,
  aFinish,
  aKey,
  anAudit,
  anOutboxMessage,
  aPark,
  aResult,
  aRun,
  aRunUnit,
  aStart,
  dueOf,
  refOf,
  T0,
} from "../../packages/engine/src/storage/suite/builders.ts";

const LEASE_MS = 8_500;
const AUDIT_MS = 1_000;
const LATER = after(T0, 60_000);
const WORKFLOW = { kind: "workflow", id: "wf_1" } as const;

/** Of a database that `FILL` has filled. */
export async function useStore(database: Database): Promise<void> {
  const node = newNodeId(T0, () => 1);
  await database.fly("claim", [bind(JOIN, node, "bench", 1, LEASE_MS, T0)]);
  await database.fly("claim", [bind(BEAT, node, LEASE_MS, T0, 0)]);
  let place = 0;
  const write = async (...units: readonly Unit[]): Promise<void> => {
    await commit(database, { node, now: T0, nextPlace: () => (place += 1), units });
  };
  const run = aRun({ name: "the first" });
  await start(write, node, run);
  await move(database, write, node, run);
  await publish(write, aRun());
  // The runs of a node that is not there are among those that it frees.
  await reap(database, { auditMs: AUDIT_MS }, { now: T0, wake: () => undefined });
  await read(database, node, run);
}

type Write = (...units: readonly Unit[]) => Promise<void>;

async function start(write: Write, node: NodeId, run: RunHead): Promise<void> {
  const key = aKey({ expiresAt: LATER });
  const taken = { owner: node, key, workflowRevision: 1, entries: [aResult("one")] };
  await write(aStart({ ...run, workflowId: toWorkflowId(run) }, { ...taken, audit: anAudit() }));
  // A repeat, which has to be looked up.
  await write(aStart(aRun(), { key }));
}

/** That of a record which is there. */
const toWorkflowId = (run: RunHead): RunHead["workflowId"] =>
  WORKFLOW.id as unknown as typeof run.workflowId;

/** A message reaches the run; it goes on, is given up, taken again, and ends. */
async function move(database: Database, write: Write, node: NodeId, run: RunHead): Promise<void> {
  await write(aDelivery(run, undefined, anAudit()));
  // To a run that there is not: looked up.
  await write(aDelivery(aRun()));
  const first = await readHeld(database, run);
  const outbox = [anOutboxMessage("m2")];
  const entries = [aResult("two")];
  await write(aRunUnit(first, { entries, outbox, consumed: ["m1"], recovered: true }));
  await write({ kind: "sent", from: refOf(run), ids: ["m2"] });
  // By an owner that is none any more: looked up.
  await write(aRunUnit(first, { fence: 7, sequence: 7, entries: [aResult("three")] }));
  await write(aRunUnit(first, { sequence: 3, next: aPark(first, { dueAt: T0 }) }));
  await findDue(database, null, 100, T0);
  const [held] = await takeRuns(database, node, [dueOf(run), dueOf(aRun())], T0);
  if (held === undefined) throw new Error("the run that was given up could not be taken");
  await write(aFinish(held));
}

async function readHeld(database: Database, { tenant, id: runId }: RunHead): Promise<Held> {
  const found = await readRun(database, tenant, runId);
  if (found === null || !("live" in found))
    throw new Error("the run that was started is not there");
  return { run: found.live, journal: found.journal, inbox: [] };
}

async function publish(write: Write, run: RunHead): Promise<void> {
  const tenant = DEFAULT_TENANT;
  const name = "event 7";
  const at = { shard: shardOfEvent(tenant, name), expiresAt: LATER };
  const event = { id: "e1", name, data: asJsonText("1"), publishedAt: T0 };
  const waiter = { ...at, event: name, key: "paid" };
  const subscribe = {
    kind: "subscribe",
    run: refOf(run),
    since: T0,
    until: null,
    ...waiter,
  } as const;
  await write(subscribe);
  await write({ kind: "publish", tenant, event, ...at });
  // Known by now: answered as the first time, with whom it woke.
  await write({ kind: "publish", tenant, event, ...at });
  await write({ ...subscribe, key: "paid again" });
  await write({ kind: "unsubscribe", tenant, runId: run.id, ...waiter });
}

async function read(database: Database, node: NodeId, run: RunHead): Promise<void> {
  const tenant = DEFAULT_TENANT;
  const workflow = toWorkflowId(run);
  const limit = 100;
  const page = { kind: "runs", tenant, before: null, limit } as const;
  await readStore(database, page, T0);
  await readStore(database, { ...page, filter: { workflow } }, T0);
  await readStore(database, { ...page, filter: { statuses: ["failed"] } }, T0);
  await readStore(database, { kind: "key", tenant, scope: "wf_1", key: "k1" }, T0);
  await readStore(database, { kind: "named", tenant, name: "name 10" }, T0);
  await readStore(database, { kind: "inbox", node, limit }, T0);
  await readStore(database, { kind: "outbox", limit }, T0);
  await readStore(database, { kind: "awaiting", tenant, workflow, version: 1, limit }, T0);
  await readStore(database, { kind: "awaiting-function", tenant, function: "charge", limit }, T0);
  await readStore(database, { kind: "awaited-functions", tenant, functions: ["charge"] }, T0);
  await readStore(database, { kind: "waiters", tenant, event: "event 1", limit }, T0);
  await readStore(database, { kind: "counts" }, T0);
  const catalog = createPostgresCatalog(database, () => T0);
  await catalog.get(tenant, WORKFLOW.kind, WORKFLOW.id);
  await catalog.list(tenant, WORKFLOW.kind, null, limit);
}
