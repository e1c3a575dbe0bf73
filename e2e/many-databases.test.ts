// Engines on databases that are not one plain PostgreSQL: real ones, made to behave as distributed databases do.
import { describe, expect, test } from "vitest";
import { toCockroach } from "../packages/engine/src/storage/postgres/profiles/dialects.ts";
import {
  openDistributedDatabase,
  type DistributedOptions,
} from "../packages/engine/src/testkit/distributed/open-distributed-database.ts";
import { runStatements } from "../packages/engine/src/testkit/postgres/admin.ts";
import { openTwoServers } from "../packages/engine/src/testkit/two-servers/open-two-servers.ts";
import { TEST_TIMEOUT_MS } from "./deadline.ts";
import { EngineLoad, expectedOf } from "./engine-load.ts";

export const SHOWN_ON: readonly string[] = ["PostgreSQL"];

const LOAD = { orderCount: 150, waiterCount: 60, cancelledCount: 20 };

const STORES: readonly DistributedOptions[] = [
  { profile: "citus" },
  { profile: "cockroach", dialect: toCockroach },
];

describe.each(STORES)(
  "two engines on a distributed database, as $profile",
  { timeout: TEST_TIMEOUT_MS },
  (options) => {
    test("end all runs, and none twice, while commits fail and connections are cut (faults 20, 24)", async () => {
      const distributed = await openDistributedDatabase(options);
      const load = new EngineLoad();
      try {
        // Nobody repeats a start of a process, or what it announces, but who starts it.
        await distributed.spare(async () => {
          for (let n = 0; n < 2; n++) await load.open(await distributed.openStorage());
        });
        expect(await load.run(LOAD)).toEqual(expectedOf(LOAD));
        expect(load.repeatedBodies).toEqual([]);
        expect(distributed.failedCommitCount).toBeGreaterThan(10);
        expect(distributed.cutCommitCount).toBeGreaterThan(0);
      } finally {
        await distributed.spare(() => load.close());
        await distributed.close();
      }
    });
  },
);

describe("two engines on two servers", { timeout: TEST_TIMEOUT_MS }, () => {
  test("end all runs, and none twice, though no transaction reaches both", async () => {
    await using servers = await openTwoServers();
    const load = new EngineLoad();
    try {
      for (let n = 0; n < 2; n++) await load.open(await servers.openStorage());
      expect(await load.run(LOAD)).toEqual(expectedOf(LOAD));
      expect(load.repeatedBodies).toEqual([]);
      const [even, odd] = await Promise.all(
        servers.databases.map(async ({ url }) => {
          const [row] = await runStatements(
            url,
            `select count(*)::int as runs, coalesce(sum(shard % 2), 0)::int as odd,
              count(parent_run)::int as children from millrace.history`,
          );
          return row;
        }),
      );
      expect(even).toMatchObject({ odd: 0 });
      expect(odd?.["odd"]).toBe(odd?.["runs"]);
      const halves = [even?.["children"], odd?.["children"]].map(Number);
      expect(Math.min(...halves)).toBeGreaterThan(10);
    } finally {
      await load.close();
    }
  });
});
