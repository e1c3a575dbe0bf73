import { toShard } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Answers, OutboxMessage } from "../storage.ts";
import { anOutboxMessage, aResult, aRun, aRunUnit, refOf } from "./builders.ts";
import { type Harness, messageOf, only, type OpenStorage } from "./harness.ts";

const readOutbox = (h: Harness, limit = 10): Promise<Answers["outbox"]> =>
  h.storage.read({ kind: "outbox", limit });

export function outboxSuite(open: OpenStorage): void {
  describe("outbox", () => {
    test("gives messages and children back as they were sent, with their sender", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const child = aRun({ parent: { runId: held.run.id, step: "child" }, depth: 1, user: "u" });
      const start: OutboxMessage = {
        id: "o2",
        to: refOf(child),
        content: { kind: "start", run: child },
      };
      const outbox = [anOutboxMessage("o1"), start];
      await h.commit(aRunUnit(held, { entries: [aResult("a")], outbox }));
      const from = refOf(held.run);
      expect(await readOutbox(h)).toEqual(outbox.map((message) => ({ from, message })));
    });

    test("lists the oldest first, whoever sent them, up to the limit", async () => {
      await using h = await open();
      const runs = await h.seedHeld([1, 2, 3].map(() => aRun({ shard: toShard(7) })));
      for (const [i, held] of runs.toReversed().entries()) {
        await h.commit(aRunUnit(held, { outbox: [anOutboxMessage(`z${9 - i}`)] }));
      }
      expect((await readOutbox(h, 2)).map((row) => messageOf(row).id)).toEqual(["z9", "z8"]);
    });

    test("forgets what was sent, of that run alone; to forget it twice is no harm", async () => {
      await using h = await open();
      const [one, two] = await h.seedHeld([aRun(), aRun()]);
      if (one === undefined || two === undefined) throw new Error("both are held");
      const outbox = [anOutboxMessage("o1"), anOutboxMessage("o2")];
      await h.commit(aRunUnit(one, { outbox }), aRunUnit(two, { outbox }));
      const sent = { kind: "sent", from: refOf(one.run), ids: ["o1", "o2"] } as const;
      expect(await h.commit(sent)).toEqual([{ kind: "done" }]);
      expect(await h.commit(sent)).toEqual([{ kind: "done" }]);
      const left = await readOutbox(h);
      expect(left.map(({ from }) => from)).toEqual([refOf(two.run), refOf(two.run)]);
    });
  });
}
