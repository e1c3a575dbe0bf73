import { after, asJsonText, type WaitingOn } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { MOST_TAKEN_CHARACTERS } from "../take-budget.ts";
import {
  aDelivery,
  aPark,
  aReply,
  aResult,
  aRun,
  aRunUnit,
  aStart,
  dueOf,
  headOf,
  T0,
} from "./builders.ts";
import { only, OTHER_TENANT, type OpenStorage } from "./harness.ts";

export function takeSuite(open: OpenStorage): void {
  describe("take", () => {
    test("gives one run to one node when two have found it", async () => {
      await using h = await open();
      await h.seed([aRun()]);
      const { runs } = await h.storage.findDue(null, 10);
      const both = await Promise.all([
        h.storage.take(h.node("a"), runs),
        h.storage.take(h.node("b"), runs),
      ]);
      expect(both.flat()).toHaveLength(1);
    });

    test("makes the node the owner under a higher fence, and the run running", async () => {
      await using h = await open();
      const run = aRun();
      await h.seed([run]);
      h.clock.advance(5);
      expect(await h.storage.take(h.node("a"), [dueOf(run)])).toEqual([
        {
          run: {
            ...headOf(run),
            status: "running",
            owner: h.node("a"),
            fence: 2,
            wake: 0,
            dueAt: null,
            recoveries: 0,
            waitingOn: null,
            cancelRequestedAt: null,
            startedAt: after(T0, 5),
          },
          journal: [],
          inbox: [],
        },
      ]);
      expect((await h.storage.findDue(null, 10)).runs).toEqual([]);
    });

    test("reads all that is needed to go on, and ends the wait", async () => {
      await using h = await open();
      const first = only(await h.seedHeld([aRun()]));
      const waitingOn: WaitingOn = { kind: "timer", step: "s", until: T0 };
      const next = aPark(first, { dueAt: T0, waitingOn });
      await h.commit(aRunUnit(first, { entries: [aResult("a"), aResult("b")], next }));
      await h.commit(aDelivery(first.run, aReply("m1")));
      h.clock.advance(5);
      const second = only(await h.storage.take(h.node("b"), [dueOf(first.run, 2)]));
      expect(second.journal).toEqual([aResult("a"), aResult("b")]);
      expect(second.inbox.map(({ id }) => id)).toEqual(["m1"]);
      expect(second.run).toMatchObject({
        fence: 3,
        wake: 1,
        waitingOn: null,
        startedAt: first.run.startedAt,
      });
    });

    test("takes those that are as they were found, and leaves out the others", async () => {
      await using h = await open();
      const [free, owned, older, gone] = [aRun(), aRun(), aRun(), aRun()];
      await h.seed([free, owned, older]);
      await h.storage.take(h.node("b"), [dueOf(owned)]);
      const held = only(await h.storage.take(h.node("b"), [dueOf(older)]));
      await h.commitBy(h.node("b"), aRunUnit(held, { next: aPark(held, { dueAt: T0 }) }));
      const due = [dueOf(owned), dueOf(older), dueOf(gone), dueOf(free)];
      const taken = await h.storage.take(h.node("a"), due);
      expect(taken.map(({ run }) => run.id)).toEqual([free.id]);
    });

    test("does not take a run that is owned since its start", async () => {
      await using h = await open();
      const run = aRun();
      await h.commit(aStart(run, { owner: h.node("a") }));
      expect(await h.storage.take(h.node("b"), [dueOf(run)])).toEqual([]);
    });

    test("does not take another tenant's run for the one that was found", async () => {
      await using h = await open();
      const run = aRun();
      await h.seed([run]);
      const due = { ...dueOf(run), tenant: OTHER_TENANT };
      expect(await h.storage.take(h.node("a"), [due])).toEqual([]);
    });

    test("gives the same again to its owner when the answer was lost", async () => {
      await using h = await open();
      const run = aRun();
      await h.seed([run]);
      await h.commit(aDelivery(run));
      const first = await h.storage.take(h.node("a"), [dueOf(run)]);
      expect(await h.storage.take(h.node("a"), [dueOf(run)])).toEqual(first);
      expect(await h.storage.take(h.node("b"), [dueOf(run)])).toEqual([]);
    });

    test("leaves what is too much for one call, and gives the same again when its answer was lost", async () => {
      await using h = await open();
      const { shard } = aRun();
      const runs = [aRun({ shard }), aRun({ shard }), aRun({ shard })] as const;
      const output = asJsonText(JSON.stringify("x".repeat(MOST_TAKEN_CHARACTERS * 0.6)));
      for (const held of await h.seedHeld(runs)) {
        const next = aPark(held, { dueAt: T0 });
        await h.commit(aRunUnit(held, { entries: [aResult("a", output)], next }));
      }
      const due = runs.map((run) => dueOf(run, 2));
      const first = await h.storage.take(h.node("b"), due);
      expect(first.map(({ run }) => run.id)).toEqual([runs[0].id, runs[1].id]);
      await h.commit(aDelivery(runs[0]));
      const again = await h.storage.take(h.node("b"), due.toReversed());
      expect(again.map(({ run }) => run.id)).toEqual([runs[2].id, runs[1].id, runs[0].id]);
    });

    test("gives nothing for nothing", async () => {
      await using h = await open();
      expect(await h.storage.take(h.node("a"), [])).toEqual([]);
    });

    test("refuses a node that is no member", async () => {
      await using h = await open();
      const run = aRun();
      await h.seed([run]);
      const take = h.storage.take(h.node("stranger"), [dueOf(run)]);
      await expect(take).rejects.toMatchObject({ code: "storage.fenced-node" });
      expect((await h.storage.findDue(null, 10)).runs).toHaveLength(1);
    });
  });
}
