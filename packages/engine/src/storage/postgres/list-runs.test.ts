import { after, asJsonText, DEFAULT_TENANT, type RunId } from "@millrace/protocol";
import { expect, test } from "vitest";
import { openMigratedDatabase, type MigratedDatabase } from "../../testkit/migrated-database.ts";
import type { RunFilter } from "../run-filter.ts";
import type { RunHead } from "../storage.ts";
import { aRun, T0 } from "../suite/builders.ts";
import { encodeHead, HEAD_COLUMNS } from "../rows/row-codec.ts";
import type { Cell } from "../rows/cells.ts";
import { listRuns } from "./list-runs.ts";

const tenant = DEFAULT_TENANT;

async function insert(world: MigratedDatabase, run: RunHead): Promise<void> {
  const cells: Cell[] = [];
  encodeHead(run, cells);
  const places = cells.map((_, i) => `$${i + 1}`).join(", ");
  await world.run(
    `insert into millrace.runs (${HEAD_COLUMNS}, status, fence, wake, due_at, recoveries)
values (${places}, 'pending', 1, 0, 0, 0)`,
    cells,
  );
}

/** A store with 25 runs, of which the oldest alone has the metadata. */
async function openStore() {
  const world = await openMigratedDatabase();
  const runs = Array.from({ length: 25 }, (_, n) =>
    aRun({
      createdAt: after(T0, n),
      metadata: asJsonText(n === 0 ? '{"a":"1"}' : '{"a":"2"}'),
    }),
  );
  for (const run of runs) await insert(world, run);
  return { ...world, runs };
}

test("a call compares a bounded number of rows, and says where to go on", async () => {
  await using store = await openStore();
  const { database, runs } = store;
  const filter: RunFilter = { metadata: { a: "1" } };
  const pages: { found: readonly RunId[]; next: RunId | null }[] = [];
  for (let before: RunId | null = null; ;) {
    const { runs: found, next } = await listRuns(
      database,
      { tenant, before, limit: 5, filter },
      10,
    );
    pages.push({ found: found.map(({ id }) => id), next });
    if (next === null) break;
    before = next;
  }
  expect(pages).toEqual([
    { found: [], next: runs[15]?.id },
    { found: [], next: runs[5]?.id },
    { found: [runs[0]?.id], next: null },
  ]);
});

test("a list that an index decides is never left off", async () => {
  await using store = await openStore();
  const { database, runs } = store;
  const [first] = runs;
  if (first === undefined) throw new Error("there are runs");
  for (const filter of [{}, { workflow: first.workflowId }, { createdAfter: after(T0, -1) }]) {
    const found = await listRuns(database, { tenant, before: null, limit: 100, filter }, 10);
    expect(found.next).toBeNull();
    expect(found.runs.map(({ id }) => id)).toEqual(runs.map(({ id }) => id).toReversed());
  }
});

test("a full page is not left off, though its filter has no index", async () => {
  await using store = await openStore();
  const filter: RunFilter = { metadata: { a: "2" } };
  const page = { tenant, before: null, limit: 5, filter };
  expect((await listRuns(store.database, page, 10)).next).toBeNull();
});

test("of several places it goes on where the first of them was left off", async () => {
  await using store = await openStore();
  await store.run(`
insert into millrace.history (${HEAD_COLUMNS}, fence, status, finished_at, journal)
select ${HEAD_COLUMNS}, 1, 'completed', 0, '[]' from millrace.runs order by id limit 13`);
  await store.run("delete from millrace.runs where id in (select id from millrace.history)");
  const page = { tenant, before: null, limit: 5, filter: { metadata: { a: "1" } } };
  const { runs } = store;
  expect(await listRuns(store.database, page, 10)).toEqual({ runs: [], next: runs[15]?.id });
});

test("metadata is compared member by member, whatever its texts hold", async () => {
  await using world = await openMigratedDatabase();
  const metadata: readonly Readonly<Record<string, string>>[] = [
    { a: "1", "b,": "\u0000" },
    { a: "1\\", half: "\ud800" },
    { 'x,"a': "1" },
    { x: '{"a":"1"}' },
    { b: "2", a: '1"' },
  ];
  const runs = metadata.map((one, n) =>
    aRun({ createdAt: after(T0, n), metadata: asJsonText(JSON.stringify(one)) }),
  );
  for (const run of runs) await insert(world, run);
  const find = async (wanted: Readonly<Record<string, string>>): Promise<readonly number[]> => {
    const page = { tenant, before: null, limit: 10, filter: { metadata: wanted } };
    const found = await listRuns(world.database, page);
    return found.runs.map(({ id }) => runs.findIndex((run) => run.id === id));
  };
  expect(await find({ a: "1" })).toEqual([0]);
  for (const [n, one] of metadata.entries()) expect(await find(one)).toEqual([n]);
  expect(await find({ a: "1", b: "2" })).toEqual([]);
  expect(await find({})).toHaveLength(metadata.length);
});
