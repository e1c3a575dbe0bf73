import { describe, expect, test } from "vitest";
import { DEFAULT_TENANT } from "@millrace/protocol";
import { QUOTA_WORLD_START, QuotaWorld } from "../testkit/quota-world.ts";
import { VirtualClock } from "../testkit/virtual-clock.ts";
import { KeyQuotas } from "./key-quotas.ts";
import { SILENT_LOG } from "./log.ts";

const SECOND = QUOTA_WORLD_START / 1000;
const MINUTE_MS = 60_000;

describe("requests of a key", () => {
  test("are counted over all nodes", async () => {
    const world = await QuotaWorld.open(3);
    const nodes = [world.openNode(), world.openNode(), world.openNode()];
    let allowed = 0;
    for (const node of nodes) allowed += await world.allowed(node, 50);
    expect(allowed).toBe(100);
  });

  test("are counted by key and by category", async () => {
    const world = await QuotaWorld.open(1);
    const node = world.openNode();
    expect(await world.allowed(node, 3, { limit: 2 })).toBe(2);
    expect(await world.allowed(node, 3, { limit: 2, key: "key_2" })).toBe(2);
    expect(await world.allowed(node, 3, { limit: 2, category: "write" })).toBe(2);
  });

  test("that come at once share one question to the store", async () => {
    const world = await QuotaWorld.open(1);
    await world.ask(world.openNode(), 40);
    expect(world.asked).toMatchObject([{ wanted: 40 }]);
  });

  test("that come while the store is asked share the next question, one after the other", async () => {
    const world = await QuotaWorld.open(1);
    const node = world.openNode();
    world.delayMs = () => 20;
    const asked = [];
    // At 0, 10, 25 and 30 ms; the store answers at 20, 40 and 60.
    for (const [count, pauseMs] of [
      [1, 10],
      [30, 15],
      [5, 5],
      [6, 40],
    ] as const) {
      asked.push(...world.send(node, count));
      await world.clock.advance(pauseMs);
    }
    await Promise.all(asked);
    expect(world.asked.map(({ wanted }) => wanted)).toEqual([1, 30, 11]);
  });

  test("are told how many are left and when there is room", async () => {
    const world = await QuotaWorld.open(1);
    const node = world.openNode();
    const counts = await world.ask(node, 3, { limit: 2 });
    const told = { kind: "counted", resetAtSeconds: SECOND + 61, retryAfterSeconds: 61 };
    expect(counts).toEqual([
      { ...told, isAllowed: true, remaining: 1 },
      { ...told, isAllowed: true, remaining: 0 },
      { ...told, isAllowed: false, remaining: 0 },
    ]);
    await world.clock.advance(20_000);
    const [refused] = await world.ask(node, 1, { limit: 2 });
    expect(refused).toMatchObject({ isAllowed: false, retryAfterSeconds: 41 });
  });

  test("find room when the oldest are forgotten, over the change of a minute", async () => {
    const world = await QuotaWorld.open(2);
    const [one, two] = [world.openNode(), world.openNode()];
    await world.clock.advance(MINUTE_MS - 1_000);
    expect(await world.allowed(one, 60)).toBe(60);
    await world.clock.advance(2_000);
    // Another minute by the clock, and the same 60 seconds.
    expect(await world.allowed(two, 60)).toBe(40);
    await world.clock.advance(MINUTE_MS - 2_000);
    expect(await world.allowed(two, 60)).toBe(0);
    await world.clock.advance(1_000);
    expect(await world.allowed(one, 100)).toBe(60);
  });

  test("that find a full window ask the store no more until there is room", async () => {
    const world = await QuotaWorld.open(1);
    const node = world.openNode();
    await world.ask(node, 10, { limit: 5 });
    const { length } = world.asked;
    for (let n = 0; n < 60; n++) {
      expect(await world.allowed(node, 3, { limit: 5 })).toBe(0);
      await world.clock.advance(1_000);
    }
    expect(world.asked).toHaveLength(length);
    await world.clock.advance(1_000);
    expect(await world.allowed(node, 3, { limit: 5 })).toBe(3);
  });

  test("find room for as many as are forgotten, a second at a time", async () => {
    const world = await QuotaWorld.open(1);
    const node = world.openNode();
    expect(await world.allowed(node, 1, { limit: 5 })).toBe(1);
    await world.clock.advance(30_000);
    expect(await world.allowed(node, 9, { limit: 5 })).toBe(4);
    await world.clock.advance(31_000);
    expect(await world.allowed(node, 9, { limit: 5 })).toBe(1);
    await world.clock.advance(30_000);
    expect(await world.allowed(node, 9, { limit: 5 })).toBe(4);
  });

  test("are served from what was taken ahead, which is given back when its second is over", async () => {
    const world = await QuotaWorld.open(3);
    const node = world.openNode();
    const limit = 60_000;
    await world.ask(node, 1, { limit });
    await world.ask(node, 1, { limit });
    // 1 in 200 of the limit, shared by three.
    expect(world.asked.at(-1)).toMatchObject({ wanted: 101 });
    await world.ask(node, 40, { limit });
    expect(world.asked).toHaveLength(2);
    await world.clock.advance(1_000);
    const [count] = await world.ask(node, 1, { limit });
    expect(world.asked.at(-1)).toMatchObject({ unused: 60, second: SECOND });
    expect(count).toMatchObject({ remaining: limit - 43 });
  });

  test("get what was taken ahead and not used, also when there is nothing else", async () => {
    const world = await QuotaWorld.open(1);
    const node = world.openNode();
    const limit = 400;
    expect(await world.allowed(node, 397, { limit })).toBe(397);
    // It takes the two that it wants and one more, which is the last.
    expect(await world.allowed(node, 2, { limit })).toBe(2);
    await world.clock.advance(1_000);
    expect(await world.allowed(node, 2, { limit })).toBe(1);
  });

  test("of keys that are no longer used leave nothing behind", async () => {
    const world = await QuotaWorld.open(1);
    const node = world.openNode();
    for (let n = 0; n < 100; n++) await world.ask(node, 1, { key: `key_${n}` });
    expect(node.size).toBe(100);
    await world.clock.advance(2 * MINUTE_MS);
    await world.ask(node, 1);
    expect(node.size).toBe(1);
  });
});

describe("a node that dies", () => {
  test("takes less than one in a hundred with it, for a minute", async () => {
    const world = await QuotaWorld.open(3);
    const [dead, one, two] = [world.openNode(), world.openNode(), world.openNode()];
    const limit = 60_000;
    let allowed = 0;
    // With the second taking it has some ahead.
    for (let n = 0; n < 2; n++) allowed += await world.allowed(dead, 1, { limit });
    for (const node of [one, two]) allowed += await world.allowed(node, limit, { limit });
    expect(allowed).toBe(limit - 100);
    await world.clock.advance(61_000);
    expect(await world.allowed(one, limit, { limit })).toBe(limit);
  });
});

describe("a store that does not answer", () => {
  test.each(["refuses", "hangs"] as const)(
    "and %s lets each node count its part, and says so once",
    async (health) => {
      const world = await QuotaWorld.open(3);
      const node = world.openNode();
      await world.ask(node, 1);
      world.health = health;
      for (let n = 0; n < 5; n++) {
        expect(await world.ask(node, 2)).toEqual([
          { kind: "uncounted", nodes: 3 },
          { kind: "uncounted", nodes: 3 },
        ]);
        await world.clock.advance(1_000);
      }
      expect(world.warnings).toEqual(["requests of keys are counted by this node alone"]);
      world.recover();
      await world.clock.advance(1_000);
      expect(await world.allowed(node, 1)).toBe(1);
      expect(world.warnings).toHaveLength(2);
    },
  );

  test("is asked once, however long it hangs", async () => {
    const world = await QuotaWorld.open(1);
    const node = world.openNode();
    world.health = "hangs";
    for (let n = 0; n < 30; n++) {
      await world.ask(node, 2, { key: `key_${n}` });
      await world.clock.advance(2_000);
    }
    expect(world.asked).toHaveLength(1);
  });

  test("keeps nobody waiting for longer than a second", async () => {
    const world = await QuotaWorld.open(1);
    const node = world.openNode();
    world.health = "hangs";
    const asked = world.ask(node, 1);
    await world.clock.advance(1_000);
    expect(await asked).toEqual([{ kind: "uncounted", nodes: 1 }]);
    expect(world.clock.monotonicMs()).toBe(1_000);
  });

  test("may have taken what it was asked for: nothing is given back twice", async () => {
    const world = await QuotaWorld.open(1);
    const node = world.openNode();
    const limit = 60_000;
    for (let n = 0; n < 2; n++) await world.ask(node, 1, { limit });
    await world.clock.advance(1_000);
    world.health = "refuses";
    await world.ask(node, 1, { limit });
    world.recover();
    await world.clock.advance(1_000);
    await world.ask(node, 1, { limit });
    expect(world.asked.map(({ unused }) => unused)).toEqual([0, 0, 300, 0]);
  });
});

describe("a store of one process", () => {
  test("counts nothing: the only node does", async () => {
    const node = new KeyQuotas(undefined, new VirtualClock(), SILENT_LOG);
    const request = { tenant: DEFAULT_TENANT, key: "key_1", category: "read", limit: 1 } as const;
    expect(await node.count(request)).toEqual({ kind: "uncounted", nodes: 1 });
    expect(node.size).toBe(0);
  });
});
