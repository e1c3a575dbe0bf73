// A plant that does nothing would make the simulator's own tests empty: each must break its rule,
// and no test of the suite may be green for the wrong reason.
import { after } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aDelivery, aPark, aResult, aRun, aRunUnit, aStart, T0 } from "../suite/builders.ts";
import { createOpenStorage, type Harness } from "../suite/index.ts";
import type { RunHead } from "../storage.ts";
import { createMemoryStorage, type MemoryPlant } from "./memory-storage.ts";

const open = (plant: MemoryPlant): Promise<Harness> =>
  createOpenStorage((now) => Promise.resolve({ storage: createMemoryStorage({ now, plant }) }))();

const journalLength = async (h: Harness, { tenant, id }: RunHead): Promise<number | undefined> =>
  (await h.storage.read({ kind: "run", tenant, runId: id }))?.journal.length;

describe("planted in the memory storage", () => {
  test("no-fence lets anybody write", async () => {
    await using h = await open("no-fence");
    const [held] = await h.seedHeld([aRun()]);
    if (held === undefined) throw new Error("it is held");
    const unit = aRunUnit({ ...held, run: { ...held.run, fence: 9 } }, { entries: [aResult("a")] });
    expect(await h.storage.commit(0, h.node("b"), [unit])).toEqual([{ kind: "done" }]);
    expect(await journalLength(h, held.run)).toBe(1);
  });

  test("park-ignores-wake loses a wake-up", async () => {
    await using h = await open("park-ignores-wake");
    const [held] = await h.seedHeld([aRun()]);
    if (held === undefined) throw new Error("it is held");
    await h.commit(aDelivery(held.run));
    await h.commit(aRunUnit(held, { next: aPark(held, { dueAt: after(T0, 1000) }) }));
    expect((await h.storage.findDue(null, 10)).runs).toEqual([]);
  });

  test("reap-only-removed leaves a run with an owner that was dead before", async () => {
    await using h = await open("reap-only-removed");
    await h.commit(aStart(aRun(), { owner: h.node("stranger") }));
    expect(await h.storage.reap()).toMatchObject({ freed: 0 });
  });

  test("no-repeat-check writes a repeat again", async () => {
    await using h = await open("no-repeat-check");
    const [held] = await h.seedHeld([aRun()]);
    if (held === undefined) throw new Error("it is held");
    const unit = aRunUnit(held, { entries: [aResult("a")] });
    await h.commit(unit, unit);
    expect(await journalLength(h, held.run)).toBe(2);
  });
});
