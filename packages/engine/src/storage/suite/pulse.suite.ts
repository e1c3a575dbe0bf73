import { after } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  aDelivery,
  aPark,
  aReply,
  aRun,
  aRunUnit,
  aStart,
  anOutboxMessage,
  T0,
} from "./builders.ts";
import { LEASE_MS, only, type OpenStorage } from "./harness.ts";

export function pulseSuite(open: OpenStorage): void {
  describe("a pulse", () => {
    test("says that nothing waits in an empty store, and when the other node's lease ends", async () => {
      await using h = await open();
      h.clock.advance(5);
      expect(await h.storage.beat(h.node("a"))).toEqual({
        now: after(T0, 5),
        dueAt: null,
        inbox: false,
        outbox: false,
        reapAt: after(T0, LEASE_MS),
        nodes: [h.node("a"), h.node("b")],
      });
      expect(h.storage.leaseMs).toBe(LEASE_MS);
    });

    test("names the nodes whose leases have not ended", async () => {
      await using h = await open();
      h.clock.advance(LEASE_MS - 1);
      await h.storage.beat(h.node("a"));
      h.clock.advance(1);
      expect((await h.storage.beat(h.node("a"))).nodes).toEqual([h.node("a")]);
    });

    test("tells when the first run that nobody owns falls due, of whatever priority", async () => {
      await using h = await open();
      const times = [
        [0, 40],
        [2, 20],
        [3, 30],
      ] as const;
      await h.commit(
        ...times.map(([priority, ms]) => aStart(aRun({ priority }), { dueAt: after(T0, ms) })),
      );
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ dueAt: after(T0, 20) });
    });

    test("tells of a run that fell due long ago, and not of one that is owned or waits for no time", async () => {
      await using h = await open();
      const held = await h.seedHeld([aRun(), aRun()]);
      await h.commit(...held.slice(1).map((one) => aRunUnit(one, { next: aPark(one) })));
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ dueAt: null });
      await h.seed([aRun()]);
      h.clock.advance(1_000);
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ dueAt: T0 });
    });

    test("tells a node of messages for its own runs until they are journaled, and no other", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const message = aReply("m1");
      await h.commit(aDelivery(held.run, message));
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ inbox: true });
      expect(await h.storage.beat(h.node("b"))).toMatchObject({ inbox: false });
      const entry = {
        kind: "message",
        message,
        position: 0,
        startedAt: T0,
        endedAt: T0,
      } as const;
      await h.commit(aRunUnit(held, { entries: [entry], consumed: ["m1"] }));
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ inbox: false });
    });

    test("tells every node of messages in outboxes, whoever sent them", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()], { by: h.node("b") }));
      const unit = aRunUnit(held, { outbox: [anOutboxMessage("m1")] });
      await h.commitBy(h.node("b"), unit);
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ outbox: true });
      await h.commit({ kind: "sent", from: unit.ref, ids: ["m1"] });
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ outbox: false });
    });

    test("tells of the first end of another's lease, which moves on with its heartbeats", async () => {
      await using h = await open();
      h.clock.advance(3);
      expect(await h.storage.beat(h.node("b"))).toMatchObject({ reapAt: after(T0, LEASE_MS) });
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ reapAt: after(T0, 3 + LEASE_MS) });
      await h.storage.join({ id: h.node("stranger"), host: "h", pid: 2 });
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ reapAt: after(T0, 3 + LEASE_MS) });
      expect(await h.storage.beat(h.node("stranger"))).toMatchObject({
        reapAt: after(T0, 3 + LEASE_MS),
      });
    });

    test("tells of a lease that has ended until somebody has reaped", async () => {
      await using h = await open();
      h.clock.advance(LEASE_MS - 1);
      await h.storage.beat(h.node("a"));
      h.clock.advance(1);
      const { reapAt } = await h.storage.beat(h.node("a"));
      expect(reapAt).toBe(h.clock.now());
      await h.storage.reap();
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ reapAt: null });
    });

    test("tells of a run whose owner is no live node, as of something that is late already", async () => {
      await using h = await open();
      await h.seedHeld([aRun(), aRun()]);
      await h.seedHeld([aRun()], { by: h.node("b") });
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ reapAt: after(T0, LEASE_MS) });
      await h.commit(aStart(aRun(), { owner: h.node("stranger") }));
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ reapAt: T0 });
      await h.storage.reap();
      expect(await h.storage.beat(h.node("a"))).toMatchObject({ reapAt: after(T0, LEASE_MS) });
    });
  });
}
