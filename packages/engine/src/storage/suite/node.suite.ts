import { after } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aRun, T0 } from "./builders.ts";
import { LEASE_MS, type OpenStorage } from "./harness.ts";

export function nodeSuite(open: OpenStorage): void {
  describe("join and beat", () => {
    test("answer with the store's time", async () => {
      await using h = await open();
      h.clock.advance(12);
      expect(await h.storage.join({ id: h.node("stranger"), host: "h", pid: 2 })).toBe(
        after(T0, 12),
      );
      expect((await h.storage.beat(h.node("stranger"))).now).toBe(after(T0, 12));
    });

    test("make a node a member, and leave the others members", async () => {
      await using h = await open();
      await h.storage.join({ id: h.node("stranger"), host: "h", pid: 2 });
      expect(await h.storage.commit(0, h.node("stranger"), [])).toEqual([]);
      expect(await h.storage.commit(0, h.node("a"), [])).toEqual([]);
    });

    test("of a beat keep the node alive for one more lease", async () => {
      await using h = await open();
      await h.seedHeld([aRun()]);
      h.clock.advance(LEASE_MS - 1);
      await h.storage.beat(h.node("a"));
      h.clock.advance(LEASE_MS - 1);
      expect(await h.storage.reap()).toMatchObject({ freed: 0 });
      h.clock.advance(1);
      expect(await h.storage.reap()).toMatchObject({ freed: 1 });
    });

    test("refuse the beat of a node that was declared dead", async () => {
      await using h = await open();
      h.clock.advance(LEASE_MS);
      // Its lease is over, but nobody has said so yet.
      await h.storage.beat(h.node("a"));
      await h.storage.reap();
      expect((await h.storage.beat(h.node("a"))).now).toBe(h.clock.now());
      const beat = h.storage.beat(h.node("b"));
      await expect(beat).rejects.toMatchObject({ code: "storage.fenced-node" });
    });
  });
}
