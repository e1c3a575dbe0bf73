// What a pass costs must not grow with what is kept: each of its statements goes by an index.
import { expect, test } from "vitest";
import { openMigratedDatabase } from "../../testkit/migrated-database.ts";
import type { Database } from "./database.ts";
import { pruneAudit } from "./prune-audit.ts";
import { pruneHistory } from "./prune-history.ts";
import type { Bound } from "./statement.ts";

const SEED = `
insert into millrace.history (
  tenant, id, shard, workflow, workflow_version, trigger_type, priority, depth, created_at, metadata, input, parent_run,
  fence, status, finished_at, expires_on, journal
)
select 'default', 'run_' || lpad(to_hex(n), 26, '0'), n % 256, 'wf', 1, 'api', 1, 0, n, '{}', '1',
  case when n % 2 = 0 then 'run_' || lpad(to_hex(n / 10), 26, '0') end, 1, 'completed', n,
  case when n % 3 > 0 then n end, '[]'
from generate_series(1, 9000) n;
insert into millrace.outbox (tenant, run, id, shard, sent_at, place, to_tenant, to_run, to_shard, kind, body)
select 'default', 'run_' || lpad(to_hex(n), 26, '0'), 'm', n % 256, n, 1, 'default', 'r', 1, 'message', '{}'
from generate_series(3001, 9000) n;
insert into millrace.audit (tenant, sequence, at, action, target)
select 'default', n, n, 'a', 't' from generate_series(1, 9000) n;`;

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

test("a pass finds what it removes and what it keeps by indexes, whatever is kept", async () => {
  await using world = await openMigratedDatabase();
  await world.run(SEED);
  await world.run("vacuum analyze");
  const sent = new Map<string, Bound>();
  // Of 3,010 there are 2,007 with an expiry, and the last ten speak.
  expect(await pruneHistory(note(world.database, sent), 3_010)).toEqual({
    pruned: 2_000,
    isMore: false,
  });
  expect(await pruneAudit(note(world.database, sent), 10, 100)).toBe(false);
  const plans = new Map<string, readonly string[]>();
  for (const [name, { statement, parameters }] of sent) {
    const lines = await world.run(`explain ${statement.text}`, parameters);
    const uses = lines.flatMap(([line]) =>
      Array.from(String(line).matchAll(/Index (?:Only )?Scan using (\w+)/g), ([, it = ""]) => it),
    );
    plans.set(name, [...new Set(uses)].toSorted());
    expect(lines.flat().join("\n")).not.toMatch(/Seq Scan|Sort/);
  }
  expect(Object.fromEntries(plans)).toEqual({
    find_expired_runs: ["history_expiring"],
    find_runs_under_way: ["outbox_pkey"],
    prune_history: ["history_pkey"],
    keep_history: ["history_pkey"],
    prune_audit: ["audit_by_time", "audit_pkey"],
  });
});
