import { after, asJsonText, type Failure } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Entry } from "../../core/entry.ts";
import {
  aDelivery,
  aMessage,
  anOutboxMessage,
  aPark,
  aReply,
  aResult,
  aRun,
  aRunUnit,
  aFinish,
  refOf,
  T0,
} from "./builders.ts";
import { LEASE_MS, only, OTHER_TENANT, type Harness, type OpenStorage } from "./harness.ts";
import type { Held, RunUnit } from "../storage.ts";

const failure: Failure = {
  code: "step.failed",
  message: "no é",
  source: "code",
  details: { a: [1] },
};
const times = { position: 1, startedAt: T0, endedAt: after(T0, 3) };

/** One of each kind. */
const ENTRIES: readonly Entry[] = [
  { kind: "result", key: "a", attempt: 2, ...times, output: asJsonText('{"x":"🚲"}') },
  { kind: "failure", key: "b", attempt: 1, ...times, failure, retryAt: after(T0, 9) },
  { kind: "failure", key: "b", attempt: 2, ...times, failure, retryAt: null },
  { kind: "wait", key: "c#2", ...times, wait: { kind: "timer", until: after(T0, 50) } },
  { kind: "wait", key: "d", ...times, wait: { kind: "child", childId: aRun().id } },
  { kind: "message", ...times, message: aReply("m1") },
];

async function journalOf(h: Harness, { run }: Held): Promise<readonly Entry[] | undefined> {
  const found = await h.storage.read({ kind: "run", tenant: run.tenant, runId: run.id });
  return found?.journal;
}

/** Takes the run for `b`, as after a hand-over. */
const handOver = async (h: Harness): Promise<Held> =>
  only(await h.storage.take(h.node("b"), (await h.storage.findDue(null, 10)).runs));

export function runUnitSuite(open: OpenStorage): void {
  describe("run unit", () => {
    test("appends entries of every kind in order, and gives them back as they were", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const [first, ...rest] = ENTRIES;
      const unit = aRunUnit(held, { entries: first === undefined ? [] : [first] });
      expect(await h.commit(unit)).toEqual([{ kind: "done" }]);
      await h.commit(aRunUnit(held, { sequence: 2, entries: rest }));
      expect(await journalOf(h, held)).toEqual(ENTRIES);
    });

    test("leaves the run with its owner", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aRunUnit(held, { entries: [aResult("a")] }));
      const { tenant, id } = held.run;
      const found = await h.storage.read({ kind: "run", tenant, runId: id });
      expect(found).toMatchObject({ live: held.run });
    });

    test.each<[string, (unit: RunUnit, held: Held) => RunUnit]>([
      ["an older fence", (unit) => ({ ...unit, fence: unit.fence - 1 })],
      ["a later fence", (unit) => ({ ...unit, fence: unit.fence + 1 })],
      ["a run that is not there", (unit) => ({ ...unit, ref: refOf(aRun()) })],
      ["another tenant", (unit) => ({ ...unit, ref: { ...unit.ref, tenant: OTHER_TENANT } })],
    ])("is lost under %s, and writes nothing", async (_, change) => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aDelivery(held.run, aMessage("m1")));
      const unit = aRunUnit(held, {
        entries: [aResult("a")],
        outbox: [anOutboxMessage("o1")],
        consumed: ["m1"],
        next: aPark(held),
      });
      const units = [unit, aRunUnit(held, { next: aPark(held) }), aFinish(held)];
      const outcomes = await h.commit(...units.map((it) => change(it, held)));
      expect(outcomes.map(({ kind }) => kind)).toEqual(["lost", "lost", "lost"]);
      const { tenant, id } = held.run;
      const found = await h.storage.read({ kind: "run", tenant, runId: id });
      expect(found).toMatchObject({ live: { owner: h.node("a") }, journal: [] });
      expect(await h.storage.read({ kind: "outbox", limit: 10 })).toEqual([]);
      expect(await h.storage.read({ kind: "inbox", node: h.node("a"), limit: 10 })).toHaveLength(1);
    });

    test("is lost to a node that does not own the run, with or without entries", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const units = [
        aRunUnit(held, { entries: [aResult("a")] }),
        aRunUnit(held, { next: aPark(held) }),
        aFinish(held),
      ];
      const outcomes = await h.commitBy(h.node("b"), ...units);
      expect(outcomes).toEqual([{ kind: "lost" }, { kind: "lost" }, { kind: "lost" }]);
      expect(await h.storage.read({ kind: "counts" })).toMatchObject({ live: 1, finished: 0 });
    });

    test("is lost when the run was freed and taken by another (fault 7)", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()], { by: h.node("b") }));
      h.clock.advance(LEASE_MS - 1);
      await h.storage.beat(h.node("a"));
      h.clock.advance(1);
      expect(await h.storage.reap()).toMatchObject({ freed: 1 });
      const [taken] = await h.storage.take(h.node("a"), (await h.storage.findDue(null, 10)).runs);
      expect(taken?.run.fence).toBeGreaterThan(held.run.fence);
      expect(await h.commit(aRunUnit(held, { entries: [aResult("late")] }))).toEqual([
        { kind: "lost" },
      ]);
      expect(await journalOf(h, held)).toEqual([]);
    });

    test("puts recoveries back to nothing when told so, and only then", async () => {
      await using h = await open();
      const run = aRun();
      await h.seedHeld([run], { by: h.node("b") });
      h.clock.advance(LEASE_MS - 1);
      await h.storage.beat(h.node("a"));
      h.clock.advance(1);
      await h.storage.reap();
      const held = only(await h.storage.take(h.node("a"), (await h.storage.findDue(null, 1)).runs));
      expect(held.run.recoveries).toBe(1);
      await h.commit(aRunUnit(held, { entries: [aResult("a")] }));
      const question = { kind: "run", tenant: run.tenant, runId: run.id } as const;
      expect(await h.storage.read(question)).toMatchObject({ live: { recoveries: 1 } });
      await h.commit(aRunUnit(held, { sequence: 2, entries: [aResult("b")], recovered: true }));
      expect(await h.storage.read(question)).toMatchObject({ live: { recoveries: 0 } });
    });

    test("marks messages as consumed, so that they are not handed out again", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aDelivery(held.run, aMessage("m1")), aDelivery(held.run, aMessage("m2")));
      const message = { kind: "message", ...times, message: aMessage("m1") } as const;
      await h.commit(aRunUnit(held, { entries: [message], consumed: ["m1"], next: aPark(held) }));
      expect((await handOver(h)).inbox).toEqual([aMessage("m2")]);
    });

    test("refuses an entry in the place of an earlier owner's, and writes nothing", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aRunUnit(held, { entries: [aResult("a")], next: aPark(held, { dueAt: T0 }) }));
      const second = await handOver(h);
      const wrong = aRunUnit(second, {
        sequence: 1,
        entries: [aResult("other")],
        next: aPark(second),
      });
      const commit = h.commitBy(h.node("b"), wrong);
      await expect(commit).rejects.toMatchObject({ code: "storage.rejected" });
      expect(await journalOf(h, held)).toEqual([aResult("a")]);
    });
  });

  describe("run unit that is sent again", () => {
    test("is done, and writes nothing twice (fault 20)", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const entries = [aResult("a"), aResult("b")];
      const unit = aRunUnit(held, { entries, outbox: [anOutboxMessage("o1")] });
      expect(await h.commit(unit, unit)).toEqual([{ kind: "done" }, { kind: "done" }]);
      expect(await h.commit(unit)).toEqual([{ kind: "done" }]);
      expect(await journalOf(h, held)).toEqual(entries);
      expect(await h.storage.read({ kind: "outbox", limit: 10 })).toHaveLength(1);
    });

    test("is done without entries too, and sends nothing twice", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const unit = aRunUnit(held, { outbox: [anOutboxMessage("o1")] });
      expect(await h.commit(unit, unit)).toEqual([{ kind: "done" }, { kind: "done" }]);
      expect(await h.storage.read({ kind: "outbox", limit: 10 })).toHaveLength(1);
    });

    test("does not take back what came after it", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const first = aRunUnit(held, { entries: [aResult("a")] });
      await h.commit(first);
      await h.commit(aRunUnit(held, { sequence: 2, entries: [aResult("b")] }));
      expect(await h.commit(first)).toEqual([{ kind: "done" }]);
      expect(await journalOf(h, held)).toEqual([aResult("a"), aResult("b")]);
    });

    test("is done when its park is what gave the run up, with or without entries", async () => {
      await using h = await open();
      const [one, two] = await h.seedHeld([aRun(), aRun()]);
      if (one === undefined || two === undefined) throw new Error("both are held");
      const units = [
        aRunUnit(one, { entries: [aResult("a")], next: aPark(one) }),
        aRunUnit(two, { next: aPark(two) }),
      ];
      await h.commit(...units);
      expect(await h.commit(...units)).toEqual([{ kind: "done" }, { kind: "done" }]);
    });

    test("is done when another has taken the run meanwhile, and changes nothing of it", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const unit = aRunUnit(held, { entries: [aResult("a")], next: aPark(held, { dueAt: T0 }) });
      await h.commit(unit);
      const second = await handOver(h);
      expect(await h.commit(unit)).toEqual([{ kind: "done" }]);
      const { tenant, id } = held.run;
      const found = await h.storage.read({ kind: "run", tenant, runId: id });
      expect(found).toMatchObject({ live: { owner: h.node("b"), fence: second.run.fence } });
    });

    test("is done when it finished the run, or came before the end under its fence", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      const first = aRunUnit(held, { entries: [aResult("a")] });
      await h.commit(first);
      const last = aFinish({ ...held, journal: [aResult("a")] }, [aResult("b")]);
      await h.commit(last);
      expect(await h.commit(first, last)).toEqual([{ kind: "done" }, { kind: "done" }]);
      expect(await h.storage.read({ kind: "counts" })).toMatchObject({ live: 0, finished: 1 });
    });

    test("is lost when another owner finished the run and it had never arrived", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aRunUnit(held, { next: aPark(held, { dueAt: T0 }) }));
      const second = await handOver(h);
      await h.commitBy(h.node("b"), aFinish(second));
      expect(await h.commit(aRunUnit(held, { entries: [aResult("late")] }))).toEqual([
        { kind: "lost" },
      ]);
    });

    test("is lost when the run was given up before it: nothing but a park repeats a park", async () => {
      await using h = await open();
      const held = only(await h.seedHeld([aRun()]));
      await h.commit(aRunUnit(held, { next: aPark(held) }));
      const entries = [aResult("a")];
      const units = [
        aFinish(held),
        aRunUnit(held),
        aRunUnit(held, { entries }),
        aRunUnit(held, { entries, next: aPark(held) }),
      ];
      const outcomes = await h.commit(...units);
      expect(outcomes.map(({ kind }) => kind)).toEqual(["lost", "lost", "lost", "lost"]);
      expect(await h.storage.read({ kind: "counts" })).toMatchObject({ live: 1, finished: 0 });
    });
  });
}
