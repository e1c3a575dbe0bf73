import { after, toShard } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aRun, aStart, dueOf, T0 } from "./builders.ts";
import { OTHER_TENANT, type OpenStorage } from "./harness.ts";

export function findDueSuite(open: OpenStorage): void {
  describe("findDue", () => {
    test("finds nothing in an empty store", async () => {
      await using h = await open();
      expect(await h.storage.findDue(null, 10)).toEqual({ runs: [], nextDueAt: null });
    });

    test("lists by priority, then due time, then id, of all tenants", async () => {
      await using h = await open();
      const low = aRun({ priority: 3 });
      const late = aRun({ priority: 1, tenant: OTHER_TENANT });
      const early = aRun({ priority: 1 });
      const [one, two] = [aRun({ createdAt: after(T0, 1) }), aRun({ createdAt: after(T0, 2) })];
      const urgent = aRun({ priority: 0 });
      h.clock.advance(10);
      await h.commit(
        aStart(low, { dueAt: T0 }),
        aStart(late, { dueAt: after(T0, 9) }),
        aStart(two, { dueAt: after(T0, 5) }),
        aStart(one, { dueAt: after(T0, 5) }),
        aStart(early, { dueAt: after(T0, 1) }),
        aStart(urgent, { dueAt: after(T0, 10) }),
      );
      const expected = [urgent, early, one, two, late, low].map((run) => dueOf(run));
      expect((await h.storage.findDue(null, 10)).runs).toEqual(expected);
      expect((await h.storage.findDue(null, 4)).runs).toEqual(expected.slice(0, 4));
    });

    test("says when the next run falls due, whatever its priority", async () => {
      await using h = await open();
      await h.commit(
        aStart(aRun({ priority: 0 }), { dueAt: after(T0, 30) }),
        aStart(aRun({ priority: 2 }), { dueAt: after(T0, 20) }),
        aStart(aRun({ priority: 2 }), { dueAt: T0 }),
      );
      const { runs, nextDueAt } = await h.storage.findDue(null, 10);
      expect(runs).toHaveLength(1);
      expect(nextDueAt).toBe(after(T0, 20));
    });

    test("does not know the next one when it found as many as were asked for", async () => {
      await using h = await open();
      await h.commit(aStart(), aStart(aRun(), { dueAt: after(T0, 20) }));
      expect(await h.storage.findDue(null, 1)).toMatchObject({ nextDueAt: null });
    });

    test("keeps to the shards asked for", async () => {
      await using h = await open();
      const [one, two] = [aRun({ shard: toShard(1) }), aRun({ shard: toShard(2) })];
      const later = aRun({ shard: toShard(3) });
      await h.commit(aStart(one), aStart(two), aStart(later, { dueAt: after(T0, 9) }));
      const found = await h.storage.findDue([toShard(2), toShard(9)], 10);
      expect(found).toEqual({ runs: [dueOf(two)], nextDueAt: null });
    });
  });
}
