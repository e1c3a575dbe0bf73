import type { NodeId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { openMigratedDatabase } from "../../testkit/migrated-database.ts";
import { aRun, aStart, dueOf } from "../suite/builders.ts";
import { LEASE_MS } from "../suite/harness.ts";
import type { Storage } from "../storage.ts";
import { createPostgresStorage } from "./create-postgres-storage.ts";

const NODE = "node_a" as NodeId;
const START = Date.parse("2030-01-01T00:00:00.000Z");

interface World extends AsyncDisposable {
  readonly storage: Storage;
  advance(ms: number): void;
  /** The database becomes what it was this long ago, as far as this node's heartbeat tells. */
  loseBeats(ms: number): Promise<void>;
}

/** A node that has joined, and beaten a second later. */
async function openWorld(): Promise<World> {
  const database = await openMigratedDatabase();
  let now = START;
  const storage = await createPostgresStorage({ url: database.url, now: () => now });
  await storage.join({ id: NODE, host: "test-host", pid: 1 });
  now += 1_000;
  await storage.beat(NODE);
  return {
    storage,
    advance: (ms) => {
      now += ms;
    },
    loseBeats: async (ms) => {
      await database.run("update millrace.nodes set lease_until = lease_until - $1", [ms]);
    },
    [Symbol.asyncDispose]: async () => {
      await storage.close();
      await database[Symbol.asyncDispose]();
    },
  };
}

const LOSS = {
  code: "storage.fenced-node",
  message: expect.stringContaining(
    "acknowledged a heartbeat of node node_a at 2030-01-01T00:00:01.000Z, and the last that it has is of 2030-01-01T00:00:00.000Z",
  ) as string,
};

describe("a store that has lost a heartbeat which it had acknowledged", () => {
  test("refuses the commits of the node, and names from when on writes may be lost (fault 19)", async () => {
    await using world = await openWorld();
    const { storage } = world;
    await world.loseBeats(1_000);
    await expect(storage.commit(0, NODE, [aStart()])).rejects.toMatchObject(LOSS);
    expect(await storage.read({ kind: "counts" })).toMatchObject({ live: 0 });
  });

  test("lets the node take no run, and renews its lease no more", async () => {
    await using world = await openWorld();
    const { storage } = world;
    const run = aRun();
    await storage.commit(0, NODE, [aStart(run)]);
    await world.loseBeats(1_000);
    await expect(storage.take(NODE, [dueOf(run)])).rejects.toMatchObject(LOSS);
    // It is told once; then the store knows it no more.
    const gone = { code: "storage.fenced-node" };
    await expect(storage.beat(NODE)).rejects.toMatchObject(gone);
    await expect(storage.beat(NODE)).rejects.toMatchObject(gone);
  });

  test("takes the process on as a new node", async () => {
    await using world = await openWorld();
    const { storage } = world;
    await world.loseBeats(1_000);
    const next = "node_b" as NodeId;
    await storage.join({ id: next, host: "test-host", pid: 1 });
    expect(await storage.commit(0, next, [aStart()])).toEqual([{ kind: "done" }]);
    expect((await storage.beat(next)).nodes).toContain(next);
  });
});

describe("a node's lease", () => {
  test("does not become shorter when the database's clock goes back", async () => {
    await using world = await openWorld();
    const { storage } = world;
    world.advance(-600_000);
    expect(await storage.beat(NODE)).toMatchObject({ now: START - 599_000 });
    expect(await storage.commit(0, NODE, [aStart()])).toEqual([{ kind: "done" }]);
    const other = "node_b" as NodeId;
    await storage.join({ id: other, host: "test-host", pid: 1 });
    expect(await storage.beat(other)).toMatchObject({ reapAt: START + 1_000 + LEASE_MS });
  });

  test("that has ended is told apart from one that was lost", async () => {
    await using world = await openWorld();
    const { storage } = world;
    world.advance(60_000);
    await storage.reap();
    await expect(storage.commit(0, NODE, [aStart()])).rejects.toMatchObject({
      code: "storage.fenced-node",
      message: expect.stringContaining("has been declared dead") as string,
    });
  });
});
