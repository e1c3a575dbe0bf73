import { asJsonText, toShard, type Timestamp } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aDelivery, aResult, aRun, aRunUnit, aStart } from "./builders.ts";
import { LEASE_MS, only, type OpenStorage } from "./harness.ts";

export function commitSuite(open: OpenStorage): void {
  describe("commit", () => {
    test("takes an empty batch", async () => {
      await using h = await open();
      expect(await h.commit()).toEqual([]);
    });

    test("lets a unit that is lost or refused alone, and writes the others", async () => {
      await using h = await open();
      const [mine, theirs] = [aRun(), aRun()];
      const held = only(await h.seedHeld([mine]));
      const foreign = only(await h.seedHeld([theirs], { by: h.node("b") }));
      const outcomes = await h.commit(
        aRunUnit(foreign, { entries: [aResult("x")] }),
        aRunUnit(held, { entries: [aResult("y")] }),
        aDelivery(aRun()),
        aStart(),
      );
      expect(outcomes.map(({ kind }) => kind)).toEqual(["lost", "done", "refused", "done"]);
      const found = await h.storage.read({ kind: "run", tenant: mine.tenant, runId: mine.id });
      expect(found?.journal).toHaveLength(1);
    });

    test("refuses a whole commit for one unit that it cannot store, and takes the others after it", async () => {
      await using h = await open();
      // Of one lane, whichever store it is.
      const [good, bad] = [aRun({ shard: toShard(7) }), aRun({ shard: toShard(7) })];
      const broken = { ...bad, createdAt: (bad.createdAt + 0.5) as Timestamp };
      await expect(h.commit(aStart(good), aStart(broken))).rejects.toMatchObject({
        code: "storage.rejected",
      });
      expect(await h.storage.read({ kind: "counts" })).toMatchObject({ live: 0 });
      expect(await h.commit(aStart(good))).toEqual([{ kind: "done" }]);
    });

    test("refuses a node that has never joined, and writes nothing", async () => {
      await using h = await open();
      const commit = h.commitBy(h.node("stranger"), aStart());
      await expect(commit).rejects.toMatchObject({ code: "storage.fenced-node" });
      expect(await h.storage.read({ kind: "counts" })).toMatchObject({ live: 0 });
    });

    test("refuses a node that was declared dead, and writes nothing", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      h.clock.advance(LEASE_MS);
      await h.storage.reap();
      const late = h.commit(aRunUnit(held, { entries: [aResult("late")] }));
      await expect(late).rejects.toMatchObject({ code: "storage.fenced-node" });
      const { tenant, id } = held.run;
      expect(await h.storage.read({ kind: "run", tenant, runId: id })).toMatchObject({
        journal: [],
      });
    });

    test("stores a large text as it is", async () => {
      await using h = await open();
      const input = asJsonText(JSON.stringify("é".repeat(300_000)));
      const run = aRun({ input });
      const held = only(await h.seedHeld([run]));
      expect(held.run.input).toBe(input);
    });
  });
}
