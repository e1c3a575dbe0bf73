// Random stores move from each kind to each, and back: what the port reads, and what a node takes up, is the same.
import { asJsonText, DEFAULT_TENANT, type NodeId } from "@millrace/protocol";
import * as fc from "fast-check";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../../testkit/postgres/shared-postgres.ts";
import { FILLER, RandomStore, takeAll } from "../suite/random-store.ts";
import { CATALOG_KINDS } from "../catalog.ts";
import { createPostgresStorage } from "../postgres/create-postgres-storage.ts";
import { openPostgresSource } from "../postgres/dump-source.ts";
import { openPostgresTarget } from "../postgres/dump-target.ts";
import { createSqliteStorage } from "../sqlite/create-sqlite-storage.ts";
import { openSqliteSource } from "../sqlite/dump-source.ts";
import { openSqliteTarget } from "../sqlite/dump-target.ts";
import type { RunHead, Storage } from "../storage.ts";
import { LEASE_MS } from "../suite/harness.ts";
import { T0 } from "../suite/builders.ts";
import { createTestFolder, type TestFolder } from "../suite/test-folder.ts";
import { exportStore } from "./export-store.ts";
import { importStore } from "./import-store.ts";
import type { StoreSource, StoreTarget } from "./store-dump.ts";

interface Place {
  open(now: () => number): Promise<Storage>;
  source(): Promise<StoreSource>;
  target(): Promise<StoreTarget>;
  drop(): Promise<void>;
}

let made = 0;

function sqlitePlace(folder: TestFolder): Promise<Place> {
  const path = folder.file(`store-${(made += 1)}.db`);
  return Promise.resolve({
    open: (now) => createSqliteStorage({ path, now }),
    source: () => openSqliteSource(path),
    target: () => openSqliteTarget(path),
    drop: () => Promise.resolve(),
  });
}

async function postgresPlace(): Promise<Place> {
  const { url, drop } = await createTestDatabase();
  return {
    open: (now) => createPostgresStorage({ url, now }),
    source: () => openPostgresSource(url),
    target: () => openPostgresTarget(url),
    drop,
  };
}

/** What the port reads of these runs, and of all else. */
async function look(storage: Storage, runs: readonly RunHead[]): Promise<unknown> {
  const tenant = DEFAULT_TENANT;
  const found = await Promise.all(
    runs.map(({ id }) => storage.read({ kind: "run", tenant, runId: id })),
  );
  const { rows } = await storage.read({ kind: "audit", tenant, limit: 1_000 });
  const waiters = ["order.0", "order.1"].map((event) =>
    storage.read({ kind: "waiters", tenant, event, limit: 1_000 }),
  );
  const records = CATALOG_KINDS.filter((kind) => kind !== "store").map((kind) =>
    storage.catalog.list(tenant, kind, null, 1_000),
  );
  const keys = Array.from({ length: 80 }, (_, n) =>
    storage.read({ kind: "key", tenant, scope: "wf_orders", key: `key-${n}` }),
  );
  const names = runs.flatMap(({ name }) => name ?? []);
  const { live, finished, outbox } = await storage.read({ kind: "counts" });
  return {
    // What was owned is due, and nobody's.
    runs: found.map((one) =>
      one !== null && "live" in one && one.live.owner !== null
        ? { ...one, live: { ...one.live, owner: null, dueAt: null } }
        : one,
    ),
    list: (await storage.read({ kind: "runs", tenant, before: null, limit: 1_000 })).runs.length,
    audit: rows.map((row) => ({ ...row, sequence: 0 })),
    outbox: await storage.read({ kind: "outbox", limit: 1_000 }),
    counts: { live, finished, outbox },
    named: await Promise.all(names.map((name) => storage.read({ kind: "named", tenant, name }))),
    waiters: await Promise.all(waiters),
    records: await Promise.all(records),
    keys: await Promise.all(keys),
  };
}

/** As `look`: rows that were owned were made due by the move. */
const ignoringDue = (looked: unknown, owned: ReadonlySet<string>): unknown =>
  JSON.parse(
    JSON.stringify(looked, (_, value: unknown) =>
      typeof value === "object" &&
      value !== null &&
      "dueAt" in value &&
      "id" in value &&
      owned.has(String(value.id))
        ? { ...value, dueAt: null }
        : value,
    ),
  );

async function ownedOf(storage: Storage, runs: readonly RunHead[]): Promise<ReadonlySet<string>> {
  const found = await Promise.all(
    runs.map(({ id }) => storage.read({ kind: "run", tenant: DEFAULT_TENANT, runId: id })),
  );
  return new Set(
    found.flatMap((one) =>
      one !== null && "live" in one && one.live.owner !== null ? one.live.id : [],
    ),
  );
}

/** The rows of an export, whatever order its tables have. */
const rowsOf = (file: string): readonly string[] =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("["))
    .toSorted();

const LATER = "node_later" as NodeId;

async function move(
  places: readonly [Place, Place, Place],
  folder: TestFolder,
  picks: readonly number[],
): Promise<void> {
  const [from, over, back] = places;
  let now: number = T0;
  const store = await from.open(() => now);
  await store.migrate();
  await store.join({ id: FILLER, host: "test-host", pid: 1 });
  const filled = new RandomStore(store, (ms) => (now += ms));
  await filled.fill(picks);
  const owned = await ownedOf(store, filled.runs);
  const expected = ignoringDue(await look(store, filled.runs), owned);
  const files = [
    folder.file(`a-${made}.jsonl`),
    folder.file(`b-${made}.jsonl.gz`),
    folder.file(`c-${made}.jsonl`),
  ] as const;
  await exportStore({ source: await from.source(), file: files[0] });
  // A node that comes later to the first store, as if nothing had moved.
  now += LEASE_MS;
  const kept = await takeAll(store, LATER);
  await store.close();

  await importStore({ file: files[0], openTarget: () => over.target() });
  await exportStore({ source: await over.source(), file: files[1] });
  await importStore({ file: files[1], openTarget: () => back.target() });
  await exportStore({ source: await back.source(), file: files[2] });
  expect(rowsOf(files[2])).toEqual(rowsOf(files[0]));
  for (const place of [over, back]) {
    const copy = await place.open(() => now);
    expect(ignoringDue(await look(copy, filled.runs), owned)).toEqual(expected);
    const taken = await takeAll(copy, LATER);
    const simple = (all: typeof taken): unknown =>
      all
        .map(({ run, journal, inbox }) => ({
          id: run.id,
          fence: run.fence,
          wake: run.wake,
          journal,
          inbox,
        }))
        .toSorted((a, b) => (a.id < b.id ? -1 : 1));
    expect(simple(taken)).toEqual(simple(kept));
    // Not by the move: as before, though the first store's own nodes died.
    for (const { run } of taken) expect(run.recoveries).toBe(0);
    const mark = await copy.catalog.get(DEFAULT_TENANT, "store", "paused");
    expect(mark?.body).toBe(asJsonText('{"reason":"import"}'));
    await copy.close();
  }
  await Promise.all(places.map((place) => place.drop()));
}

// oxlint-disable vitest/expect-expect -- they stand in `move`
describe("a store that moves", { timeout: 120_000 }, () => {
  test.each([
    ["from SQLite to PostgreSQL and back", "sqlite", "postgres"],
    ["from PostgreSQL to SQLite and back", "postgres", "sqlite"],
  ] as const)("%s is what it was", async (_, first, second) => {
    using folder = createTestFolder();
    const open = (kind: "sqlite" | "postgres"): Promise<Place> =>
      kind === "sqlite" ? sqlitePlace(folder) : postgresPlace();
    const picks = fc.array(fc.nat(10_000), { minLength: 20, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(picks, async (drawn) => {
        await move([await open(first), await open(second), await open(first)], folder, drawn);
      }),
      { numRuns: 4, endOnFailure: true },
    );
  });
});
