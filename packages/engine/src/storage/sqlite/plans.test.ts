// Every statement finds its rows by an index, whatever the store holds: a plan that scans a table
// of run data, or sorts what an index could give in order, is a mistake that no small test would
// feel.
import { DEFAULT_TENANT, PRIORITIES, type WorkflowId } from "@millrace/protocol";
import { expect, test } from "vitest";
import type { Database } from "./database.ts";
import { createReadVerbs } from "./read-verbs.ts";
import { createWriteVerbs, openWriter } from "./write-verbs.ts";

/** What may be read whole or sorted, and why. */
const ALLOWED: readonly (readonly [what: string, statement: RegExp])[] = [
  // One row a process.
  ["SCAN nodes", /nodes/],
  ["SCAN json_each VIRTUAL TABLE INDEX 1:", /json_each/],
  ["SCAN CONSTANT ROW", /./],
  // In the order of the rowid, up to a limit.
  ["SCAN outbox", /order by rowid limit/],
  ["SCAN audit", /order by rowid limit/],
  // As many as one pass may remove, found by history_expiring.
  ["SCAN e", /history indexed by history_expiring/],
  // One row an owner.
  ["SCAN o", /with recursive owners/],
  ["SCAN owners", /with recursive owners/],
  // The waiting messages of the runs that one node owns.
  ["USE TEMP B-TREE FOR ORDER BY", /indexed by inbox_waiting/],
  // Whom one event has reached, when it is published again.
  ["USE TEMP B-TREE FOR ORDER BY", /order by place/],
  // A few texts of one row.
  ["SCAN wanted VIRTUAL TABLE INDEX 1:", /json_each\(metadata\)/],
  ["SCAN own VIRTUAL TABLE INDEX 1:", /json_each\(metadata\)/],
  // Counts are read now and then, by the reader.
  ["SCAN runs USING COVERING INDEX runs_by_workflow", /count\(\*\)/],
  ["SCAN history USING COVERING INDEX sqlite_autoindex_history_1", /count\(\*\)/],
  ["SCAN outbox USING COVERING INDEX sqlite_autoindex_outbox_1", /count\(\*\)/],
];

/** A database that notes what is prepared on it. */
function note(database: Database, seen: Set<string>): Database {
  return {
    get isTransaction() {
      return database.isTransaction;
    },
    exec: (sql) => database.exec(sql),
    prepare: (sql) => {
      seen.add(sql.trim());
      return database.prepare(sql);
    },
    close: () => database.close(),
  };
}

function prepareAll(database: Database): ReadonlySet<string> {
  const seen = new Set<string>();
  const noted = note(database, seen);
  const write = createWriteVerbs(noted, 1000, null);
  write.migrate(0);
  seen.clear();
  write.reap({ auditMs: 0 }, 0);
  write.join({ id: "n", host: "h", pid: 1 }, 0);
  write.beat("n", PRIORITIES, 0);
  const read = createReadVerbs(() => noted);
  read.findDue({ priorities: PRIORITIES, shards: null, limit: 1, now: 0 });
  read.readRun("t", "r");
  const page = { tenant: DEFAULT_TENANT, before: null, limit: 1 };
  const workflow = "wf_a" as WorkflowId;
  for (const filter of [
    {},
    { workflow },
    { trigger: "api" },
    { trigger: "api", workflow },
  ] as const) {
    read.listRuns({ ...page, filter });
    read.listRuns({ ...page, filter: { ...filter, statuses: ["failed"] } });
  }
  read.readKey({ tenant: "t", scope: "s", key: "k" }, 0);
  read.readInbox("n", 1);
  read.readOutbox(1);
  read.readAwaiting({ tenant: "t", workflow: "w", version: 1, limit: 1 });
  read.readAwaitingFunction({ tenant: "t", function: "f", limit: 1 });
  read.readAwaitedFunctions({ tenant: "t", functions: ["f"] });
  read.readWaiters({ tenant: "t", event: "e", limit: 1 }, 0);
  read.readCounts(0);
  read.readAudit({ tenant: "t", limit: 1, action: "a" });
  read.getRecord("t", "workflow", "w");
  read.listRecords({ tenant: "t", kind: "workflow", after: "", limit: 1 });
  return seen;
}

function planOf(database: Database, sql: string): readonly string[] {
  const steps = database.prepare(`explain query plan ${sql}`).all();
  return steps.map((step) => String(step[3]));
}

test("no statement scans or sorts run data but those that must", () => {
  const { database } = openWriter({ path: null, synchronous: "FULL", leaseMs: 1000 });
  const statements = [...prepareAll(database)].filter((sql) =>
    /^(select|insert|update|delete|with)/.test(sql),
  );
  expect(statements.length).toBeGreaterThan(40);
  const findings = statements.flatMap((sql) =>
    planOf(database, sql)
      .filter((step) => /^SCAN|TEMP B-TREE/.test(step))
      .filter((step) => !ALLOWED.some(([what, statement]) => what === step && statement.test(sql)))
      .map((step) => `${step} in: ${sql}`),
  );
  expect(findings).toEqual([]);
  const isNeeded = ([what, statement]: (typeof ALLOWED)[number]): boolean =>
    statements.some((sql) => statement.test(sql) && planOf(database, sql).includes(what));
  expect(ALLOWED.filter((allowed) => !isNeeded(allowed))).toEqual([]);
  database.close();
});

test("findDue and a heartbeat read no more of a priority class than they return (fault 40)", () => {
  const { database } = openWriter({ path: null, synchronous: "FULL", leaseMs: 1000 });
  const finds = [...prepareAll(database)].filter((sql) => /order by due_at/.test(sql));
  expect(finds.map((sql) => planOf(database, sql)[0])).toEqual([
    "SEARCH runs USING COVERING INDEX runs_due (priority=? AND due_at>?)",
    "SEARCH runs USING INDEX runs_due (priority=? AND due_at<?)",
    "SEARCH runs USING COVERING INDEX runs_due (priority=? AND due_at>?)",
  ]);
  database.close();
});
