import { after, DEFAULT_TENANT, shardOf } from "@millrace/protocol";
import { expect, test } from "vitest";
import { openMigratedDatabase, type MigratedDatabase } from "../../testkit/migrated-database.ts";
import { encodeJournal, HEAD_COLUMNS } from "../rows/row-codec.ts";
import { aResult, aRun, T0 } from "../suite/builders.ts";
import { readRun } from "./read-run.ts";

const tenant = DEFAULT_TENANT;
const JOURNAL = [aResult("a"), aResult("b")];

/** A live run with a journal of two entries. */
async function insertLive(world: MigratedDatabase, id: string): Promise<void> {
  await world.run(
    `insert into millrace.runs (
  tenant, id, shard, workflow, workflow_version, trigger_type, priority, depth, created_at, metadata, input, status,
  fence, wake, recoveries
) values ($1, $2, $3, 'wf_a', 1, 'api', 1, 0, 0, '{}', '1', 'running', 1, 0, 0)`,
    [tenant, id, shardOf(id)],
  );
  await world.run(
    `insert into millrace.journal (tenant, run, sequence, shard, fence, kind, key, attempt, position, started_at, ended_at, body)
select $1, $2, n, $3, 1, 'result', case n when 1 then 'a' else 'b' end, 1, 0, $4, $5, '1' from generate_series(1, 2) n`,
    [tenant, id, shardOf(id), T0, after(T0, 1)],
  );
}

async function finish({ run }: MigratedDatabase, id: string): Promise<void> {
  const text = `
with gone as (delete from millrace.runs where tenant = $1 and id = $2 returning ${HEAD_COLUMNS}),
  entries as (delete from millrace.journal where tenant = $1 and run = $2)
insert into millrace.history (${HEAD_COLUMNS}, fence, status, finished_at, journal)
select ${HEAD_COLUMNS}, 1, 'completed', 0, $3 from gone`;
  await run(text, [tenant, id, encodeJournal(JOURNAL)]);
}

// Forces no order of events: reads go on while runs finish, and none of them may see a run that is half gone.
test("a run that finishes while it is read is never lost, nor its journal", async () => {
  await using world = await openMigratedDatabase();
  let seen = 0;
  for (let n = 0; n < 50; n++) {
    const { id } = aRun({ createdAt: after(T0, n) });
    await insertLive(world, id);
    const finished = { now: false };
    const finishing = finish(world, id).finally(() => (finished.now = true));
    do {
      const all = await Promise.all([1, 2, 3].map(() => readRun(world.database, tenant, id)));
      for (const found of all) expect(found?.journal).toEqual(JOURNAL);
      seen += all.length;
    } while (!finished.now);
    await finishing;
    expect(await readRun(world.database, tenant, id)).toHaveProperty("finished");
  }
  expect(seen).toBeGreaterThan(100);
});

test("a journal comes in its order, and a run without one has none", async () => {
  await using world = await openMigratedDatabase();
  const { id } = aRun();
  await insertLive(world, id);
  await world.run("update millrace.journal set sequence = 12 - sequence");
  const found = await readRun(world.database, tenant, id);
  expect(found?.journal).toEqual(JOURNAL.toReversed());
  await world.run("delete from millrace.journal");
  expect((await readRun(world.database, tenant, id))?.journal).toEqual([]);
});
