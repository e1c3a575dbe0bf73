import type { NodeId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openMigratedDatabase } from "../../testkit/migrated-database.ts";
import { startProxy, type Proxy } from "../../testkit/postgres/proxy/start-proxy.ts";
import { sharedPostgres } from "../../testkit/postgres/shared-postgres.ts";
import { aDelivery, aRun, aStart, dueOf, T0 } from "../suite/builders.ts";
import { LEASE_MS } from "../suite/harness.ts";
import type { Storage } from "../storage.ts";
import { createPostgresStorage } from "./create-postgres-storage.ts";

const NODE = "node_a" as NodeId;

interface World extends AsyncDisposable {
  readonly storage: Storage;
  readonly proxy: Proxy;
  /** How often the store has said that there is something to do. */
  readonly wakeCount: number;
  advance(ms: number): void;
  /** The nth commit from now on fails, for as long as `work` takes; 1 is the next. */
  failingAt<T>(n: number, work: () => Promise<T>): Promise<T>;
}

async function openWorld(): Promise<World> {
  const database = await openMigratedDatabase();
  const proxy = await startProxy(await sharedPostgres());
  let now: number = T0;
  let left = 0;
  const storage = await createPostgresStorage({
    url: proxy.urlOf(database.url),
    now: () => now,
    failCommit: () => {
      left -= 1;
      return left === 0 ? Object.assign(new Error("a conflict"), { code: "40001" }) : undefined;
    },
  });
  await storage.join({ id: NODE, host: "test-host", pid: 1 });
  let wakeCount = 0;
  storage.onWake(() => {
    wakeCount += 1;
  });
  return {
    storage,
    proxy,
    get wakeCount() {
      return wakeCount;
    },
    advance: (ms) => {
      now += ms;
    },
    failingAt: (n, work) => {
      left = n;
      return work().finally(() => {
        left = 0;
      });
    },
    [Symbol.asyncDispose]: async () => {
      await storage.close();
      await proxy[Symbol.asyncDispose]();
      await database[Symbol.asyncDispose]();
    },
  };
}

const UNAVAILABLE = { code: "storage.unavailable" };

describe("a commit whose answer was lost", () => {
  test.each([
    ["start", aStart(), { kind: "existing" }],
    ["delivery", aDelivery(aRun()), { kind: "done" }],
  ])("wakes when it is sent again: a %s", async (_, unit, outcome) => {
    await using world = await openWorld();
    const { storage, proxy } = world;
    // It has its connection, and is cut off in the commit itself.
    await storage.commit(0, NODE, []);
    if (unit.kind === "delivery") {
      const run = { ...aRun(), id: unit.to.runId, shard: unit.to.shard };
      await storage.commit(0, NODE, [aStart(run, { owner: NODE })]);
    }
    proxy.setFaults({ cutAfterCommit: 1 });
    await expect(storage.commit(0, NODE, [unit])).rejects.toMatchObject(UNAVAILABLE);
    proxy.setFaults({ cutAfterCommit: 0 });
    expect(world.wakeCount).toBe(0);
    expect(await storage.commit(0, NODE, [unit])).toMatchObject([outcome]);
    expect(world.wakeCount).toBe(1);
  });
});

describe("a pass of the reaper that is broken off", () => {
  test("has told of the runs that it freed", async () => {
    await using world = await openWorld();
    const { storage } = world;
    const run = aRun();
    await storage.commit(0, NODE, [aStart(run, { owner: NODE })]);
    world.advance(LEASE_MS);
    // After the dead nodes, those to free, their freeing, and that there are no more: what has expired.
    const pass = world.failingAt(5, () => storage.reap());
    await expect(pass).rejects.toMatchObject(UNAVAILABLE);
    expect(world.wakeCount).toBe(1);
    expect((await storage.findDue(null, 10)).runs).toEqual([dueOf(run)]);
    expect(await storage.reap()).toMatchObject({ freed: 0 });
  });
});

describe("a transaction that fails at its end", () => {
  test("leaves nothing, and its connection works on", async () => {
    await using world = await openWorld();
    const { storage } = world;
    const start = aStart();
    await storage.commit(0, NODE, [start]);
    // The first is the flight that finds the run there already; the second looks up why.
    const repeat = world.failingAt(2, () => storage.commit(0, NODE, [start]));
    await expect(repeat).rejects.toMatchObject(UNAVAILABLE);
    expect(await storage.commit(0, NODE, [start])).toMatchObject([{ kind: "existing" }]);
  });
});
