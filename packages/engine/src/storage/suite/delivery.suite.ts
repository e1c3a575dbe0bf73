import { after, DEFAULT_TENANT } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Answers, RunHead, RunRow } from "../storage.ts";
import {
  aDelivery,
  aFinish,
  aMessage,
  anAudit,
  aPark,
  aReply,
  aRun,
  aRunUnit,
  aStart,
  dueOf,
  T0,
} from "./builders.ts";
import { only, OTHER_TENANT, type Harness, type OpenStorage } from "./harness.ts";

async function liveRow(h: Harness, run: RunHead): Promise<RunRow> {
  const found: Answers["run"] = await h.storage.read({
    kind: "run",
    tenant: run.tenant,
    runId: run.id,
  });
  if (found === null || !("live" in found)) throw new Error(`run ${run.id} is not live`);
  return found.live;
}

export function deliverySuite(open: OpenStorage): void {
  describe("delivery", () => {
    test("puts messages into the inbox in the order of their arrival", async () => {
      await using h = await open();
      const run = aRun();
      await h.seed([run]);
      const messages = [aReply("z"), aMessage("m"), aReply("a")];
      await h.commit(...messages.slice(0, 2).map((message) => aDelivery(run, message)));
      await h.commit(aDelivery(run, aReply("a", run)));
      const held = only(await h.storage.take(h.node("a"), [dueOf(run)]));
      expect(held.inbox.map(({ id }) => id)).toEqual(["z", "m", "a"]);
      expect(held.inbox.slice(0, 2)).toEqual(messages.slice(0, 2));
    });

    test("grows wake for an owned run, which stays without due time", async () => {
      await using h = await open();
      const run = aRun();
      await h.seedHeld([run]);
      expect(await h.commit(aDelivery(run))).toEqual([{ kind: "done" }]);
      expect(await liveRow(h, run)).toMatchObject({ wake: 1, dueAt: null, owner: h.node("a") });
    });

    test("makes a run due now that waited for a message alone", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aRunUnit(held, { next: aPark(held) }));
      h.clock.advance(7);
      await h.commit(aDelivery(held.run));
      expect(await liveRow(h, held.run)).toMatchObject({ wake: 1, dueAt: after(T0, 7) });
    });

    test("makes a sleeping run due now, and one that is overdue no later", async () => {
      await using h = await open();
      const [sleeping, overdue] = [aRun(), aRun()];
      await h.commit(
        aStart(sleeping, { dueAt: after(T0, 1000) }),
        aStart(overdue, { dueAt: after(T0, 3) }),
      );
      h.clock.advance(5);
      await h.commit(aDelivery(sleeping), aDelivery(overdue));
      expect(await liveRow(h, sleeping)).toMatchObject({ dueAt: after(T0, 5) });
      expect(await liveRow(h, overdue)).toMatchObject({ dueAt: after(T0, 3) });
    });

    test("of a cancel marks the run with the time of the first, any other message does not", async () => {
      await using h = await open();
      const run = aRun();
      await h.seedHeld([run]);
      await h.commit(aDelivery(run, aReply("m0")));
      expect(await liveRow(h, run)).toMatchObject({ cancelRequestedAt: null });
      h.clock.advance(5);
      await h.commit(aDelivery(run, aMessage("m1")));
      h.clock.advance(5);
      await h.commit(aDelivery(run, aMessage("m2")), aDelivery(run, aReply("m3")));
      expect(await liveRow(h, run)).toMatchObject({ cancelRequestedAt: after(T0, 5), wake: 4 });
    });

    test("of a repeat is done, and changes nothing", async () => {
      await using h = await open();
      const run = aRun();
      await h.seedHeld([run]);
      const unit = aDelivery(run, aMessage("m1"), anAudit());
      expect(await h.commit(unit, unit)).toEqual([{ kind: "done" }, { kind: "done" }]);
      expect(await h.commit(unit)).toEqual([{ kind: "done" }]);
      expect(await liveRow(h, run)).toMatchObject({ wake: 1 });
      const audit = { kind: "audit", tenant: DEFAULT_TENANT, limit: 10 } as const;
      expect((await h.storage.read(audit)).rows).toHaveLength(1);
      expect(await h.storage.read({ kind: "inbox", node: h.node("a"), limit: 10 })).toHaveLength(1);
    });

    test("of a message that was consumed is done, and hands it out no more", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const { run } = held;
      await h.commit(aDelivery(run, aMessage("m1")));
      await h.commit(aRunUnit(held, { consumed: ["m1"], next: aPark(held, { seenWake: 1 }) }));
      expect(await h.commit(aDelivery(run, aMessage("m1")))).toEqual([{ kind: "done" }]);
      expect(await liveRow(h, run)).toMatchObject({ wake: 1, dueAt: null });
      expect(only(await h.storage.take(h.node("b"), [dueOf(run, 2)])).inbox).toEqual([]);
    });

    test("keeps the messages of two runs apart, though their ids are alike", async () => {
      await using h = await open();
      const [one, two] = [aRun(), aRun()];
      await h.seedHeld([one, two]);
      expect(
        await h.commit(aDelivery(one, aMessage("m1")), aDelivery(two, aMessage("m1"))),
      ).toEqual([{ kind: "done" }, { kind: "done" }]);
      expect(await liveRow(h, two)).toMatchObject({ wake: 1 });
    });

    test("writes its audit row with it", async () => {
      await using h = await open();
      const run = aRun();
      await h.seed([run]);
      await h.commit(aDelivery(run, aMessage("m1"), anAudit({ target: run.id })));
      const audit = (await h.storage.read({ kind: "audit", tenant: DEFAULT_TENANT, limit: 10 }))
        .rows;
      expect(audit).toMatchObject([anAudit({ target: run.id })]);
    });

    test("is refused when the run has finished, was never there, or is another tenant's", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const other = aRun();
      await h.seed([other]);
      await h.commit(aFinish(held));
      const outcomes = await h.commit(
        aDelivery(held.run, aMessage("m1"), anAudit()),
        aDelivery(aRun(), aMessage("m1"), anAudit()),
        aDelivery({ ...other, tenant: OTHER_TENANT }, aMessage("m1"), anAudit()),
        aDelivery({ ...held.run, tenant: OTHER_TENANT }, aMessage("m1"), anAudit()),
      );
      const notFound = { kind: "refused", code: "run.not-found" };
      expect(outcomes).toEqual([
        { kind: "refused", code: "run.finished" },
        notFound,
        notFound,
        notFound,
      ]);
      expect(
        (await h.storage.read({ kind: "audit", tenant: DEFAULT_TENANT, limit: 10 })).rows,
      ).toEqual([]);
    });
  });
}
