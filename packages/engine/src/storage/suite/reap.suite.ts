import { after, DEFAULT_TENANT, toShard } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aKey, aRun, aStart, dueOf, T0 } from "./builders.ts";
import { LEASE_MS, only, type Harness, type OpenStorage } from "./harness.ts";

/** Time goes by until `b` is dead; `a` lives on. */
async function outlive(h: Harness): Promise<void> {
  h.clock.advance(LEASE_MS - 1);
  await h.storage.beat(h.node("a"));
  h.clock.advance(1);
}

export function reapSuite(open: OpenStorage): void {
  describe("reap", () => {
    test("frees nothing while all owners live", async () => {
      await using h = await open();
      await h.seedHeld([aRun()]);
      h.clock.advance(LEASE_MS - 1);
      expect(await h.storage.reap()).toMatchObject({ freed: 0 });
    });

    test("frees every run of a node whose lease ran out, due now, for a higher fence (fault 1)", async () => {
      await using h = await open();
      const runs = [aRun(), aRun()];
      const [first] = await h.seedHeld(runs, { by: h.node("b") });
      await outlive(h);
      expect(await h.storage.reap()).toMatchObject({ freed: 2 });
      const { runs: due } = await h.storage.findDue(null, 10);
      expect(due).toHaveLength(2);
      const [second] = await h.storage.take(h.node("a"), due);
      expect(second?.run.fence).toBeGreaterThan(first?.run.fence ?? Infinity);
      expect(second?.run.recoveries).toBe(1);
    });

    test("makes freed runs due at its own time", async () => {
      await using h = await open();
      const run = aRun();
      await h.seedHeld([run], { by: h.node("b") });
      await outlive(h);
      await h.storage.reap();
      expect(
        await h.storage.read({ kind: "run", tenant: run.tenant, runId: run.id }),
      ).toMatchObject({
        live: { owner: null, dueAt: after(T0, LEASE_MS), status: "running" },
      });
    });

    test("frees a run whose owner was never a live node, in whichever pass it comes", async () => {
      await using h = await open();
      await h.commit(aStart(aRun(), { owner: h.node("stranger") }));
      expect(await h.storage.reap()).toMatchObject({ freed: 1 });
      expect(await h.storage.reap()).toMatchObject({ freed: 0 });
    });

    test("leaves the runs of live nodes, and those that nobody owns", async () => {
      await using h = await open();
      const [mine, waiting] = [aRun(), aRun()];
      await h.seedHeld([mine]);
      await h.commit(aStart(waiting, { dueAt: after(T0, 1e6) }));
      await h.seedHeld([aRun()], { by: h.node("b") });
      await outlive(h);
      expect(await h.storage.reap()).toMatchObject({ freed: 1 });
      expect(
        await h.storage.read({ kind: "run", tenant: mine.tenant, runId: mine.id }),
      ).toMatchObject({ live: { owner: h.node("a"), recoveries: 0 } });
      expect(
        await h.storage.read({ kind: "run", tenant: waiting.tenant, runId: waiting.id }),
      ).toMatchObject({ live: { dueAt: after(T0, 1e6), recoveries: 0 } });
    });

    test("counts how often in a row a run lost its owner", async () => {
      await using h = await open();
      const run = aRun();
      await h.commit(aStart(run, { owner: h.node("stranger") }));
      await h.storage.reap();
      await h.commit(aStart(aRun(), { owner: h.node("stranger") }));
      const held = only(await h.storage.take(h.node("b"), [dueOf(run, 1)]));
      expect(held.run.recoveries).toBe(1);
      await outlive(h);
      await h.storage.reap();
      const again = only(await h.storage.take(h.node("a"), [dueOf(run, 2)]));
      expect(again.run.recoveries).toBe(2);
    });

    test("forgets keys that have expired, and no others", async () => {
      await using h = await open();
      const shard = toShard(7);
      const short = aKey({ key: "short", expiresAt: after(T0, 10) });
      const long = aKey({ key: "long", expiresAt: after(T0, 11) });
      await h.commit(
        aStart(aRun({ shard }), { key: short }),
        aStart(aRun({ shard }), { key: long }),
      );
      h.clock.advance(10);
      await h.storage.reap();
      const find = (key: string): Promise<unknown> =>
        h.storage.read({ kind: "key", tenant: DEFAULT_TENANT, scope: long.scope, key });
      expect(await find("short")).toBeNull();
      expect(await find("long")).not.toBeNull();
    });
  });
}
