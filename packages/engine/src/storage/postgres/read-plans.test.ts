// Every read finds its rows by the index that it was written for, whatever the store holds, and reads no more of it than
// it returns: a plan that walks or sorts what an index could give in order is a mistake that no small test would feel.
import { DEFAULT_TENANT, type NodeId, type RunId, type WorkflowId } from "@millrace/protocol";
import { expect, test } from "vitest";
import { openMigratedDatabase, type MigratedDatabase } from "../../testkit/migrated-database.ts";
import type { RunFilter } from "../run-filter.ts";
import type { Database } from "./database.ts";
import { findDue } from "./find-due.ts";
import { listRuns } from "./list-runs.ts";
import { createPostgresCatalog } from "./postgres-catalog.ts";
import { readAudit } from "./read-audit.ts";
import { readStore } from "./reads.ts";
import type { Bound } from "./statement.ts";

const SEED = `
insert into millrace.runs (
  tenant, id, shard, workflow, workflow_version, trigger_type, priority, depth, created_at, metadata, input, name,
  status, owner, fence, wake, due_at, recoveries, waiting_on
)
select 'default', 'run_' || lpad(n::text, 8, '0'), n % 256, 'wf_' || n % 10, n % 3, 'api', n % 4, 0, n, '{}', '1',
  case when n % 10 = 0 then 'name ' || n end, 'running', case when n % 3 = 0 then 'node_' || n % 30 end, 1, 0,
  case when n % 3 = 1 then n end, 0, case when n % 30 = 1 then '{"kind":"worker","workflow":"w","version":"1"}' end
from generate_series(1, 6000) n;
insert into millrace.history (
  tenant, id, shard, workflow, workflow_version, trigger_type, priority, depth, created_at, metadata, input, name,
  fence, status, finished_at, journal
)
select 'default', 'run_' || lpad(n::text, 8, '0'), n % 256, 'wf_' || n % 10, 1, 'api', 1, 0, n, '{}', '1',
  case when n % 10 = 0 then 'name ' || n end, 1,
  case when n / 10 % 50 = 0 then 'failed' when n / 10 % 50 = 1 then 'cancelled' else 'completed' end, n, '[]'
from generate_series(6001, 36000) n;
insert into millrace.journal (tenant, run, sequence, shard, fence, kind, key, attempt, position, started_at, ended_at, body)
select 'default', 'run_' || lpad((n / 3)::text, 8, '0'), n % 3, (n / 3) % 256, 1, 'result', 'k', 1, 0, 0, 0, '1'
from generate_series(3, 6000) n;
insert into millrace.inbox (tenant, run, id, shard, arrival, consumed, body)
select 'default', 'run_' || lpad(n::text, 8, '0'), 'm', n % 256, 1, n % 2, '{}' from generate_series(1, 6000) n;
insert into millrace.outbox (tenant, run, id, shard, sent_at, place, to_tenant, to_run, to_shard, kind, body)
select 'default', 'run_' || n % 100, 'm' || n, 1, n, 1, 'default', 'r', 1, 'message', '{}' from generate_series(1, 6000) n;
insert into millrace.keys (tenant, scope, key, shard, run, payload_hash, expires_at)
select 'default', 'wf_' || n % 10, 'k' || n, 1, 'r', 'h', n from generate_series(1, 6000) n;
insert into millrace.subscriptions (tenant, name, run, key, shard, since, ended)
select 'default', 'event ' || n % 10, 'run_' || n, 'k', 1, n, n % 2 from generate_series(1, 6000) n;
insert into millrace.catalog (tenant, kind, id, slug, revision, created_at, updated_at, body)
select 'default', 'workflow', 'wf_' || n, 'slug ' || n, 1, 0, 0, '{}' from generate_series(1, 3000) n;
insert into millrace.audit (tenant, sequence, at, action, target)
select 'default', n, n, 'a' || n % 10, 't' from generate_series(1, 6000) n;`;

/** By statement: its indexes; `*`: it takes all of the rows that are found, or sorts them. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  find_due: ["runs_due"],
  read_run: ["history_pkey *", "journal_pkey *", "runs_pkey *"],
  read_key: ["keys_pkey *"],
  read_named: ["history_names", "runs_names *"],
  read_inbox: ["inbox_waiting *", "runs_owned *"],
  read_outbox: ["outbox_by_age"],
  read_awaiting: ["runs_awaiting"],
  read_awaiting_function: ["runs_awaiting_function"],
  read_awaited_functions: ["runs_awaiting_function *"],
  read_waiters: ["subscriptions_waiting"],
  read_audit: ["audit_pkey"],
  read_audit_filtered: ["audit_pkey"],
  get_record: ["catalog_pkey *", "catalog_slugs *"],
  list_records: ["catalog_pkey"],
  list_runs_live: ["runs_pkey"],
  list_runs_live_finished: ["history_pkey", "runs_pkey"],
  list_runs_failed: ["history_unsuccessful"],
  list_runs_failed_cancelled: ["history_unsuccessful"],
  list_runs_by_workflow_live: ["runs_by_workflow"],
  list_runs_by_workflow_live_finished: ["history_by_workflow", "runs_by_workflow"],
  list_runs_by_workflow_failed: ["history_unsuccessful_by_workflow"],
  list_runs_by_workflow_failed_cancelled: ["history_unsuccessful_by_workflow"],
};

/** A floor stands in the index of its list. */
const expectedOf = (name: string): readonly string[] | undefined =>
  EXPECTED[name.replaceAll("_compared", "")];

/** What is compared row by row is bounded by its floor, so that it may be sorted, too. */
const toComparable = (name: string, found: readonly string[]): readonly string[] =>
  name.includes("_compared") ? [...new Set(found.map((index) => index.replace(" *", "")))] : found;

/** Notes what is sent. */
function note(database: Database, sent: Map<string, Bound>): Database {
  return {
    ...database,
    fly: (purpose, statements) => {
      for (const bound of statements) sent.set(bound.statement.name, bound);
      return database.fly(purpose, statements);
    },
  };
}

const tenant = DEFAULT_TENANT;
const workflow = "wf_1" as WorkflowId;
const LIMIT = 10;
const SCANNED_ROWS = 100;

async function listAll(database: Database): Promise<void> {
  const byStatus: readonly RunFilter[] = [
    {},
    { statuses: ["pending", "running"] },
    { statuses: ["failed"] },
    { statuses: ["failed", "cancelled"] },
  ];
  const more: readonly RunFilter[] = [
    {},
    { workflow },
    { trigger: "api" },
    { workflow, trigger: "api", metadata: { a: "1" } },
  ];
  for (const filter of byStatus.flatMap((one) => more.map((another) => ({ ...one, ...another })))) {
    await listRuns(database, { tenant, before: null, limit: LIMIT, filter }, SCANNED_ROWS);
  }
}

/** Each read once. */
async function readAll(database: Database): Promise<void> {
  const limit = LIMIT;
  await findDue(database, null, limit, 3000);
  await readStore(database, { kind: "run", tenant, runId: "run_00000100" as RunId }, null);
  await listAll(database);
  await readStore(database, { kind: "key", tenant, scope: "wf_1", key: "k1" }, null);
  await readStore(database, { kind: "named", tenant, name: "name 10" }, null);
  await readStore(database, { kind: "inbox", node: "node_3" as NodeId, limit }, null);
  await readStore(database, { kind: "outbox", limit }, null);
  await readStore(database, { kind: "awaiting", tenant, workflow, version: 1, limit }, null);
  const functions = ["charge", "mail"];
  await readStore(database, { kind: "awaiting-function", tenant, function: "charge", limit }, null);
  await readStore(database, { kind: "awaited-functions", tenant, functions }, null);
  await readStore(database, { kind: "waiters", tenant, event: "event 1", limit }, null);
  await readStore(database, { kind: "counts" }, null);
  await readAudit(database, { tenant, limit });
  await readAudit(database, { tenant, limit, action: "a1" }, SCANNED_ROWS);
  const catalog = createPostgresCatalog(database, () => null);
  await catalog.get(tenant, "workflow", "wf_7");
  await catalog.list(tenant, "workflow", null, limit);
}

/** As PostgreSQL explains it. */
interface PlanNode {
  readonly "Node Type": string;
  readonly "Parent Relationship"?: string;
  readonly "Relation Name"?: string;
  readonly "Index Name"?: string;
  readonly Plans?: readonly PlanNode[];
}

/** @param above the nodes over it, the nearest first, up to the statement's or the subquery's top */
function namesOf(node: PlanNode, above: readonly string[]): readonly string[] {
  const kind = node["Node Type"];
  const isApart = ["InitPlan", "SubPlan"].includes(node["Parent Relationship"] ?? "");
  const outer = isApart ? [] : above;
  const below = (node.Plans ?? []).flatMap((plan) => namesOf(plan, [kind, ...outer]));
  const index = node["Index Name"];
  if (index === undefined) return kind === "Seq Scan" ? [`${node["Relation Name"]} whole`] : below;
  const limit = outer.indexOf("Limit");
  const isBounded = limit >= 0 && !outer.slice(0, limit).includes("Sort");
  return [isBounded ? index : `${index} *`, ...below];
}

async function explain(
  world: MigratedDatabase,
  { statement, parameters }: Bound,
  mode: "as sent" | "prepared",
): Promise<readonly string[]> {
  const rows =
    mode === "as sent"
      ? await world.run(`explain (format json) ${statement.text}`, parameters)
      : await world.run(`explain (generic_plan, format json) ${statement.text}`);
  // One row with one plan, of the form that PostgreSQL documents.
  const [[[{ Plan: plan }]]] = rows as readonly [readonly [readonly [{ readonly Plan: PlanNode }]]];
  return [...new Set(namesOf(plan, []))].toSorted();
}

test.each([
  [15, "as sent"],
  [18, "as sent"],
  [18, "prepared"],
] as const)("on PostgreSQL %i reads go by their indexes, %s", async (major, mode) => {
  await using world = await openMigratedDatabase(major);
  await world.run(SEED);
  await world.run("vacuum analyze");
  const sent = new Map<string, Bound>();
  await readAll(note(world.database, sent));
  // Counts take what they need.
  const counts = sent.get("read_counts");
  sent.delete("read_counts");
  expect(
    counts && (await explain(world, counts, mode)).filter((at) => at.includes("whole")),
  ).toEqual([]);
  const found: Record<string, readonly string[]> = {};
  for (const [name, bound] of sent)
    found[name] = toComparable(name, await explain(world, bound, mode));
  const expected = [...sent.keys()].map((name) => [name, expectedOf(name)] as const);
  expect(found).toEqual(Object.fromEntries(expected));
  expect(sent.size).toBe(30);
});
