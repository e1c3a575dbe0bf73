import { after, type WaitingOn } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aDelivery, aMessage, aPark, aRun, aRunUnit, T0 } from "./builders.ts";
import { only, type OpenStorage } from "./harness.ts";

export function parkSuite(open: OpenStorage): void {
  describe("park", () => {
    test("gives the run up until its due time, and says what it waits for", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const waitingOn: WaitingOn = { kind: "timer", step: "sleep", until: after(T0, 50) };
      await h.commit(aRunUnit(held, { next: aPark(held, { dueAt: after(T0, 50), waitingOn }) }));
      const { tenant, id } = held.run;
      expect(await h.storage.read({ kind: "run", tenant, runId: id })).toMatchObject({
        live: {
          owner: null,
          fence: held.run.fence,
          status: "running",
          dueAt: after(T0, 50),
          waitingOn,
        },
      });
      expect(await h.storage.findDue(null, 10)).toEqual({ runs: [], nextDueAt: after(T0, 50) });
      h.clock.advance(50);
      expect((await h.storage.findDue(null, 10)).runs).toMatchObject([{ runId: id }]);
    });

    test("without a due time waits for a message alone", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aRunUnit(held, { next: aPark(held) }));
      expect(await h.storage.findDue(null, 10)).toEqual({ runs: [], nextDueAt: null });
    });

    test("makes the run due at once when a message came that its owner has not seen", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aDelivery(held.run, aMessage("m1")));
      h.clock.advance(5);
      await h.commit(aRunUnit(held, { next: aPark(held, { dueAt: after(T0, 1000) }) }));
      const { tenant, id } = held.run;
      expect(await h.storage.read({ kind: "run", tenant, runId: id })).toMatchObject({
        live: { owner: null, dueAt: after(T0, 5) },
      });
    });

    test("keeps to its due time when its owner has seen all messages", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aDelivery(held.run, aMessage("m1")));
      const next = aPark(held, { dueAt: after(T0, 1000), seenWake: 1 });
      await h.commit(aRunUnit(held, { next }));
      expect(await h.storage.findDue(null, 10)).toEqual({ runs: [], nextDueAt: after(T0, 1000) });
    });
  });
}
