import { asJsonText, DEFAULT_TENANT, shardOfEvent, type NodeId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Storage } from "../storage/storage.ts";
import { BROKEN_IMPORT } from "../storage/store-marks.ts";
import { aRun, refOf } from "../storage/suite/builders.ts";
import { aCallStep, ACTOR, aWaitStep, NodeWorld } from "../testkit/node-world.ts";

const HOUR_MS = 3_600_000;
const ONE = { one: () => ({ n: 1 }) };

describe("a paused store", () => {
  test("accepts starts, which wait, and tells all its nodes to go on (fault 33)", async () => {
    await using world = new NodeWorld();
    const a = await world.open({ functions: ONE, startsPaused: true });
    const b = await world.open({ functions: ONE });
    const workflow = await world.install(a, [aCallStep("one")]);
    const runs = [await world.start(a, workflow), await world.start(b, workflow)];
    await world.clock.advance(HOUR_MS);
    for (const runId of runs)
      expect(await world.get(b, runId)).toMatchObject({ status: "pending" });
    for (const { node } of [a, b]) {
      expect(node.health()).toMatchObject({ state: "ready", reason: /^paused: / });
    }
    expect(await world.clock.run(b.node.resume(ACTOR))).toBe(true);
    // The other one is told by the store.
    await b.stop();
    await world.clock.advance(3_000);
    for (const runId of runs) {
      expect(await world.ended(a, runId, 5_000)).toMatchObject({ status: "completed" });
    }
    expect(a.node.health()).toEqual({ state: "ready", reason: null });
    // As it is from then on.
    expect(await world.ended(a, await world.start(a, workflow), 1)).toMatchObject({
      status: "completed",
    });
  });

  test("fires no timers and takes up nothing that was under way (fault 33)", async () => {
    await using world = new NodeWorld();
    const first = await world.open({ functions: ONE });
    const workflow = await world.install(first, [aWaitStep("rest", HOUR_MS), aCallStep("one")]);
    const runId = await world.start(first, workflow);
    await first.stop();
    const calls: number[] = [];
    const one = (): object => ({ n: calls.push(world.now()) });
    const copy = await world.open({ functions: { one }, startsPaused: true });
    await world.clock.advance(2 * HOUR_MS);
    expect(calls).toEqual([]);
    expect(await world.get(copy, runId)).toMatchObject({ waitingOn: { kind: "timer" } });
    await world.clock.run(copy.node.resume(ACTOR));
    expect(await world.ended(copy, runId, 1_000)).toMatchObject({ status: "completed" });
    expect(calls).toHaveLength(1);
  });

  test("carries no messages until it goes on", async () => {
    await using world = new NodeWorld();
    const { node } = await world.open({ startsPaused: true });
    const other = "node_other" as NodeId;
    await world.store.join({ id: other, host: "test-host", pid: 9 });
    const [event, key] = ["order.paid", "paid"];
    await world.store.commit(0, other, [
      {
        kind: "subscribe",
        run: refOf(aRun()),
        shard: shardOfEvent(DEFAULT_TENANT, event),
        event,
        key,
        since: world.now(),
        until: null,
        expiresAt: world.now(),
      },
    ]);
    const request = { id: "e1", name: event, data: asJsonText("1") };
    const published = node.events.publish(DEFAULT_TENANT, [request], ACTOR);
    await world.clock.run(published);
    await world.clock.advance(60_000);
    expect(world.store.tables.outbox.size).toBe(1);
    await world.clock.run(node.resume(ACTOR));
    await world.clock.advance(1_000);
    expect(world.store.tables.outbox.size).toBe(0);
  });

  test("is asked little by nodes that wait, whatever is due in it", async () => {
    await using world = new NodeWorld();
    const asked = { beats: 0, looks: 0 };
    const { store } = world;
    const counting: Storage = {
      ...store,
      beat: (node) => {
        asked.beats += 1;
        return store.beat(node);
      },
      catalog: {
        ...store.catalog,
        get: (...what) => {
          asked.looks += 1;
          return store.catalog.get(...what);
        },
      },
    };
    const member = await world.open({ startsPaused: true, storage: counting });
    await world.start(member, await world.install(member, [aCallStep("one")]));
    // What the start itself has brought about is over.
    await world.clock.advance(60_000);
    Object.assign(asked, { beats: 0, looks: 0 });
    await world.clock.advance(HOUR_MS);
    expect(asked.beats).toBeLessThanOrEqual(HOUR_MS / (store.leaseMs / 2) + 1);
    expect(asked.looks).toBeLessThanOrEqual(HOUR_MS / 2_000 + 1);
    expect(asked.looks).toBeGreaterThan(0);
  });

  test("stays paused over restarts, and its end is in the audit", async () => {
    await using world = new NodeWorld();
    await (await world.open({ startsPaused: true })).stop();
    const again = await world.open({ startsPaused: true });
    await world.clock.run(again.node.resume(ACTOR));
    const { rows } = await again.node.listAudit(DEFAULT_TENANT, 10);
    expect(rows).toMatchObject([{ action: "store.resume", target: "paused", key: ACTOR.key }]);
    expect(await world.clock.run(again.node.resume(ACTOR))).toBe(false);
    expect((await again.node.listAudit(DEFAULT_TENANT, 10)).rows).toHaveLength(1);
    await again.stop();
    const later = await world.open();
    expect(later.node.health()).toEqual({ state: "ready", reason: null });
  });
});

describe("a store into which an import broke off", () => {
  test("is refused by every node", async () => {
    await using world = new NodeWorld();
    const mark = {
      tenant: DEFAULT_TENANT,
      kind: "store",
      id: "importing",
      slug: null,
      expectedRevision: null,
      body: asJsonText("{}"),
    } as const;
    await world.store.catalog.put([mark], null);
    const { node } = world.prepare();
    await expect(node.start()).rejects.toMatchObject({
      code: "storage.unusable",
      message: BROKEN_IMPORT,
    });
  });
});
