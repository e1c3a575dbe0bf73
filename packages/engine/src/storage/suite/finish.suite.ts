import { after, asJsonText } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  aDelivery,
  aFinish,
  aHistory,
  aMessage,
  anOutboxMessage,
  aResult,
  aRun,
  aRunUnit,
  T0,
} from "./builders.ts";
import { messageOf, only, type OpenStorage } from "./harness.ts";

export function finishSuite(open: OpenStorage): void {
  describe("finish", () => {
    test("moves the run to history with its whole journal", async () => {
      await using h = await open();
      const run = aRun({ user: "u", input: asJsonText('{"a":1}'), depth: 1 });
      const held = only(await h.seedHeld([run]));
      await h.commit(aRunUnit(held, { entries: [aResult("a")] }));
      const journal = [aResult("a"), aResult("b", asJsonText('{"q":"\\"é🚲"}'))];
      expect(
        await h.commit(aFinish({ ...held, journal: [aResult("a")] }, journal.slice(1))),
      ).toEqual([{ kind: "done" }]);
      const found = await h.storage.read({ kind: "run", tenant: run.tenant, runId: run.id });
      expect(found).toEqual({ finished: aHistory(held), journal });
    });

    test.each([
      { status: "failed", result: asJsonText('{"code":"step.failed"}') },
      { status: "cancelled", result: null, cancelRequestedAt: after(T0, 2) },
    ] as const)("keeps how the run ended: $status", async (end) => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const history = aHistory(held, end);
      await h.commit(
        aRunUnit(held, { next: { kind: "finish", history, journal: [], expiresOn: null } }),
      );
      const { tenant, id } = held.run;
      const found = await h.storage.read({ kind: "run", tenant, runId: id });
      expect(found).toEqual({ finished: history, journal: [] });
    });

    test("leaves nothing live behind: no due time, no journal, no message", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aDelivery(held.run, aMessage("m1")));
      await h.commit(aFinish(held, [aResult("a")]));
      expect(await h.storage.findDue(null, 10)).toEqual({ runs: [], nextDueAt: null });
      expect(await h.storage.read({ kind: "inbox", node: h.node("a"), limit: 10 })).toEqual([]);
      const counts = { live: 0, due: 0, finished: 1, outbox: 0 };
      expect(await h.storage.read({ kind: "counts" })).toEqual(counts);
    });

    test("keeps its outbox, also the messages sent with the end, until they are delivered", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aRunUnit(held, { entries: [aResult("a")], outbox: [anOutboxMessage("o1")] }));
      await h.commit({ ...aFinish(held), outbox: [anOutboxMessage("o2")] });
      const outbox = await h.storage.read({ kind: "outbox", limit: 10 });
      expect(outbox.map((row) => messageOf(row).id)).toEqual(["o1", "o2"]);
    });
  });
}
