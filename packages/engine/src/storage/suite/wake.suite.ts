import { after } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aDelivery, aPark, aRun, aRunUnit, aStart, T0 } from "./builders.ts";
import { LEASE_MS, only, type Harness, type OpenStorage } from "./harness.ts";

/** Resolves at the next hint; a hint that never comes fails the test by its timeout. */
function nextWake(h: Harness): Promise<void> {
  return new Promise((resolve) => {
    const stop = h.storage.onWake(() => {
      stop();
      resolve();
    });
  });
}

export function wakeSuite(open: OpenStorage): void {
  describe("onWake", () => {
    test("tells of a start that nobody owns", async () => {
      await using h = await open();
      const woken = nextWake(h);
      await h.commit(aStart());
      await woken;
      expect((await h.storage.findDue(null, 10)).runs).toHaveLength(1);
    });

    test("tells of a message, whether its run is owned or not", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const first = nextWake(h);
      await h.commit(aDelivery(held.run));
      await first;
      expect(await h.storage.read({ kind: "inbox", node: h.node("a"), limit: 1 })).toHaveLength(1);
    });

    test("tells of a run that is given up while a message waits for it", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aDelivery(held.run));
      const woken = nextWake(h);
      await h.commit(aRunUnit(held, { next: aPark(held, { dueAt: after(T0, 1e6) }) }));
      await woken;
      expect((await h.storage.findDue(null, 10)).runs).toHaveLength(1);
    });

    test("tells of runs that were freed", async () => {
      await using h = await open();
      await h.seedHeld([aRun()]);
      h.clock.advance(LEASE_MS);
      const woken = nextWake(h);
      await h.storage.reap();
      await woken;
      expect((await h.storage.findDue(null, 10)).runs).toHaveLength(1);
    });

    test("tells nobody who has stopped listening", async () => {
      await using h = await open();
      let count = 0;
      const stop = h.storage.onWake(() => (count += 1));
      stop();
      const woken = nextWake(h);
      await h.commit(aStart());
      await woken;
      expect(count).toBe(0);
    });
  });
}
