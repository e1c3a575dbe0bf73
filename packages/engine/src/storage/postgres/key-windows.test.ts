import { DEFAULT_TENANT, newNodeId, toTimestamp, type TenantId } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runStatements } from "../../testkit/postgres/admin.ts";
import { createTestDatabase } from "../../testkit/postgres/shared-postgres.ts";
import { checkStatements } from "../../testkit/sql-gate/check-statements.ts";
import type { KeyWindows, QuotaRequest } from "../key-windows.ts";
import { createMemoryStorage } from "../memory/memory-storage.ts";
import type { Storage } from "../storage.ts";
import { createPostgresStorage } from "./create-postgres-storage.ts";

const START = 1_800_000_000_000;

interface World extends AsyncDisposable {
  readonly url: string;
  /** Two processes on one database, each with a node. */
  readonly windows: readonly [KeyWindows, KeyWindows];
  readonly storage: Storage;
  readonly statements: readonly string[];
  nowMs: number;
}

async function openWorld(): Promise<World> {
  const { url, drop } = await createTestDatabase();
  const statements: string[] = [];
  const open = (): Promise<Storage> =>
    createPostgresStorage({
      url,
      now: () => world.nowMs,
      onStatement: (text) => statements.push(text),
    });
  const [one, two] = [await open(), await open()];
  await one.migrate();
  const world: World = {
    url,
    windows: [windowsOf(one), windowsOf(two)],
    storage: one,
    statements,
    nowMs: START,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([one.close(), two.close()]);
      await drop();
    },
  };
  await join(one, 1);
  await join(two, 2);
  return world;
}

function windowsOf({ keyWindows }: Storage): KeyWindows {
  if (keyWindows === undefined) throw new Error("the store has no windows");
  return keyWindows;
}

const join = (storage: Storage, n: number): Promise<number> =>
  storage.join({ id: newNodeId(toTimestamp(START), () => n), host: "test-host", pid: n });

const aRequest = (more: Partial<QuotaRequest> = {}): QuotaRequest => ({
  tenant: DEFAULT_TENANT,
  key: "key_1",
  category: "read",
  limit: 100,
  wanted: 1,
  unused: 0,
  second: 0,
  ...more,
});

describe("windows of keys on PostgreSQL", { timeout: 60_000 }, () => {
  test("never hold more than the limit, however many take at once", async () => {
    await using world = await openWorld();
    const takings = Array.from({ length: 80 }, (_, n) =>
      world.windows[n % 2 === 0 ? 0 : 1].take(aRequest({ wanted: 3 })),
    );
    const quotas = await Promise.all(takings);
    expect(quotas.reduce((sum, { granted }) => sum + granted, 0)).toBe(100);
    expect(new Set(quotas.map(({ nodes }) => nodes))).toEqual(new Set([2]));
  });

  test("are apart for each tenant, key and category", async () => {
    await using world = await openWorld();
    const [windows] = world.windows;
    const others: readonly Partial<QuotaRequest>[] = [
      {},
      { key: "key_2" },
      { category: "write" },
      // As a door names it.
      { tenant: "other" as TenantId },
    ];
    for (const other of others) {
      const quota = await windows.take(aRequest({ wanted: 7, limit: 5, ...other }));
      expect(quota).toMatchObject({ granted: 5, total: 5 });
    }
  });

  test("answer as those in memory do, whatever is asked of them and whenever", async () => {
    await using world = await openWorld();
    const steps = fc.array(
      fc.record({
        // The database's clock may be set back.
        moveMs: fc.oneof(
          fc.integer({ min: 0, max: 20_000 }),
          fc.integer({ min: -90_000, max: 90_000 }),
        ),
        wanted: fc.integer({ min: 1, max: 30 }),
        at: fc.constantFrom(0, 1),
        returned: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
      { minLength: 1, maxLength: 12 },
    );
    let n = 0;
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 60 }), async (plan, limit) => {
        n += 1;
        world.nowMs = START;
        const memory = createMemoryStorage({ now: () => world.nowMs, leaseMs: Infinity });
        await Promise.all([join(memory, 1), join(memory, 2)]);
        let last = { granted: 0, second: 0 };
        for (const { moveMs, wanted, at, returned } of plan) {
          world.nowMs += moveMs;
          const unused = Math.floor(last.granted * returned);
          const request = aRequest({ key: `key_${n}`, limit, wanted, unused, second: last.second });
          const quota = await world.windows[at === 0 ? 0 : 1].take(request);
          expect(quota).toEqual(await windowsOf(memory).take(request));
          last = quota;
        }
      }),
      { numRuns: 60 },
    );
  });

  test("keep the time of the database, unless a test brings its own", async () => {
    const { url, drop } = await createTestDatabase();
    const storage = await createPostgresStorage({ url });
    await storage.migrate();
    const quota = await windowsOf(storage).take(aRequest());
    expect(quota.second).toBe(Math.floor(quota.now / 1000));
    expect(quota.nodes).toBe(1);
    const [row] = await runStatements(url, "select extract(epoch from now())::bigint as now");
    expect(Math.abs(Number(row?.["now"]) - quota.second)).toBeLessThan(60);
    await storage.close();
    await drop();
  });

  test("are forgotten by the reaper within three hours of their last request", async () => {
    await using world = await openWorld();
    const count = "select count(*)::int as count from millrace.key_windows";
    const [windows] = world.windows;
    await windows.take(aRequest());
    world.nowMs += 3_600_000;
    await world.storage.reap();
    expect(await runStatements(world.url, count)).toEqual([{ count: 1 }]);
    world.nowMs += 3_600_000;
    await world.storage.reap();
    expect(await runStatements(world.url, count)).toEqual([{ count: 0 }]);
  });

  test("take with one statement of their own, which any profile allows", async () => {
    await using world = await openWorld();
    const before = world.statements.length;
    await world.windows[0].take(aRequest());
    const sent = world.statements.slice(before);
    expect(sent).toHaveLength(2);
    for (const profile of ["postgres", "citus", "yugabyte", "cockroach"] as const)
      expect(await checkStatements(sent, { profile })).toEqual([]);
  });
});
