import { DEFAULT_TENANT } from "@millrace/protocol";
import { expect, test } from "vitest";
import { openMigratedDatabase } from "../../testkit/migrated-database.ts";
import type { CatalogOutcome } from "../catalog.ts";
import { anAudit, aPut } from "../suite/builders.ts";
import { AuditTrack, TRACKS } from "./audit-sequence.ts";
import { openDatabase, type Database } from "./database.ts";
import { createPostgresCatalog } from "./postgres-catalog.ts";
import { readAudit } from "./read-audit.ts";

const tenant = DEFAULT_TENANT;
const now = (): null => null;

/** Two nodes on one database. */
async function openTwo() {
  const world = await openMigratedDatabase();
  const other = await openDatabase({ url: world.url });
  const nodes = [world.database, other].map((database) => createPostgresCatalog(database, now));
  return {
    ...world,
    nodes,
    [Symbol.asyncDispose]: async () => {
      await other.close();
      await world[Symbol.asyncDispose]();
    },
  };
}

const kindsOf = (outcomes: readonly CatalogOutcome[]): readonly string[] =>
  outcomes.map((one) => (one.kind === "conflict" ? one.on : one.kind)).toSorted();

const auditCount = async (database: Database): Promise<number> =>
  (await readAudit(database, { tenant, limit: 100 })).rows.length;

test("of nodes that make one record at once, one makes it", async () => {
  await using store = await openTwo();
  for (const id of ["a", "b", "c", "d", "e"]) {
    const puts = [aPut({ id, slug: id }), aPut({ id: `${id}@1`, slug: null })];
    const both = store.nodes.map((node, i) =>
      node.put(i === 0 ? puts : puts.toReversed(), anAudit({ target: id })),
    );
    expect(kindsOf(await Promise.all(both))).toEqual(["done", "id"]);
  }
  expect(await auditCount(store.database)).toBe(5);
});

test("of nodes that give one slug at once to two records, one gives it", async () => {
  await using store = await openTwo();
  for (const slug of ["a", "b", "c", "d", "e"]) {
    const both = store.nodes.map((node, i) =>
      node.put([aPut({ id: `${slug}${i}`, slug })], anAudit()),
    );
    expect(kindsOf(await Promise.all(both))).toEqual(["done", "slug"]);
  }
  expect(await auditCount(store.database)).toBe(5);
});

test("of nodes that replace one revision at once, one replaces it", async () => {
  await using store = await openTwo();
  const [one] = store.nodes;
  await one?.put([aPut()], null);
  for (const expectedRevision of [1, 2, 3, 4, 5]) {
    const both = store.nodes.map((node) => node.put([aPut({ expectedRevision })], anAudit()));
    expect(kindsOf(await Promise.all(both))).toEqual(["done", "revision"]);
  }
  expect(await auditCount(store.database)).toBe(5);
});

test("a slug that another put of the call gives up can be taken, in whatever order of keys", async () => {
  await using store = await openTwo();
  const [node] = store.nodes;
  await node?.put([aPut({ id: "a", slug: "x" }), aPut({ id: "b", slug: "y" })], null);
  const free = aPut({ id: "b", slug: "z", expectedRevision: 1 });
  const take = aPut({ id: "a", slug: "y", expectedRevision: 1 });
  expect(await node?.put([take, free], null)).toEqual({ kind: "conflict", on: "slug" });
  expect(await node?.put([free, take], null)).toMatchObject({
    kind: "done",
    records: [
      { id: "b", slug: "z", revision: 2 },
      { id: "a", slug: "y", revision: 2 },
    ],
  });
});

test("a put or a deletion whose place in the audit is taken finds another", async () => {
  await using store = await openTwo();
  const [node] = store.nodes;
  const audit = anAudit();
  const takeNextPlaces = (): Promise<unknown> =>
    store.run(
      `insert into millrace.audit (tenant, sequence, at, action, target)
select $1, $2::bigint + n, 0, 'taken', 't' from generate_series(1, ${TRACKS}) n
on conflict do nothing`,
      [tenant, new AuditTrack().next(audit.at)],
    );
  await takeNextPlaces();
  expect(await node?.put([aPut()], audit)).toMatchObject({ kind: "done" });
  await takeNextPlaces();
  expect(await node?.delete(tenant, "workflow", "wf_orders", 1, audit)).toBe(true);
  const { rows } = await readAudit(store.database, { tenant, limit: 9, action: audit.action });
  expect(rows).toHaveLength(2);
});
