import { after, DEFAULT_TENANT, type RunId, type WaitingOn } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { RunHead } from "../storage.ts";
import { aDelivery, aPark, aRun, aRunUnit, aStart, dueOf, T0 } from "./builders.ts";
import { only, OTHER_TENANT, type Harness, type OpenStorage } from "./harness.ts";

const WORKER: WaitingOn = { kind: "worker", workflow: "order", version: "1" };
const { workflowId } = aRun();

/** `a` gives them up for want of a worker. */
async function giveBack(
  h: Harness,
  runs: readonly RunHead[],
  waitingOn: WaitingOn = WORKER,
): Promise<void> {
  const held = await h.seedHeld(runs);
  const dueAt = after(T0, 60_000);
  await h.commit(...held.map((one) => aRunUnit(one, { next: aPark(one, { dueAt, waitingOn }) })));
}

async function awaiting(h: Harness, more: { readonly limit?: number } = {}): Promise<RunId[]> {
  const asked = { kind: "awaiting", tenant: DEFAULT_TENANT, workflow: workflowId } as const;
  const found = await h.storage.read({ ...asked, version: 1, limit: more.limit ?? 10 });
  return found.map(({ runId }) => runId);
}

const CHARGE: WaitingOn = { kind: "worker", function: "charge" };

async function awaitingFunction(h: Harness, name: string, limit = 10): Promise<RunId[]> {
  const asked = { kind: "awaiting-function", tenant: DEFAULT_TENANT, function: name } as const;
  const found = await h.storage.read({ ...asked, limit });
  return found.map(({ runId }) => runId);
}

const awaited = (h: Harness, ...functions: string[]): Promise<readonly string[]> =>
  h.storage.read({ kind: "awaited-functions", tenant: DEFAULT_TENANT, functions });

export function awaitingSuite(open: OpenStorage): void {
  describe("runs that wait for a function of workers", () => {
    test("are found by tenant and function, by priority, then age, up to the limit", async () => {
      await using h = await open();
      const runs = [3, 1, 2].map((ms) => aRun({ createdAt: after(T0, ms) }));
      const urgent = aRun({ createdAt: after(T0, 9), priority: 0 });
      const other = aRun({ workflowVersion: 2 });
      await giveBack(h, [...runs, urgent], CHARGE);
      await giveBack(h, [aRun({ tenant: OTHER_TENANT })], CHARGE);
      await giveBack(h, [other], { kind: "worker", function: "charge2" });
      const wanted = [urgent.id, ...runs.map(({ id }) => id).toSorted()];
      expect(await awaitingFunction(h, "charge")).toEqual(wanted);
      expect(await awaitingFunction(h, "charge", 2)).toEqual(wanted.slice(0, 2));
      expect(await awaitingFunction(h, "charge2")).toEqual([other.id]);
      expect(await awaitingFunction(h, "Charge")).toEqual([]);
    });

    test("are found by any name that a function may have", async () => {
      await using h = await open();
      const name = `a "b" \\ '%_ ü 😀`;
      const run = aRun();
      await giveBack(h, [run], { kind: "worker", function: name });
      expect(await awaitingFunction(h, name)).toEqual([run.id]);
      expect(await awaited(h, name)).toEqual([name]);
    });

    test("tell which functions are waited for, each once", async () => {
      await using h = await open();
      await giveBack(h, [aRun(), aRun()], CHARGE);
      await giveBack(h, [aRun()], { kind: "worker", function: "mail" });
      await giveBack(h, [aRun({ tenant: OTHER_TENANT })], { kind: "worker", function: "print" });
      const found = await awaited(h, "mail", "charge", "print", "order");
      expect(found.toSorted()).toEqual(["charge", "mail"]);
      expect(await awaited(h)).toEqual([]);
    });

    test("are pending again without entries, can be taken as they were found, and are then found no more", async () => {
      await using h = await open();
      const run = aRun();
      await giveBack(h, [run], CHARGE);
      const found = await h.storage.read({ kind: "run", tenant: run.tenant, runId: run.id });
      expect(found).toMatchObject({ live: { status: "pending", owner: null, waitingOn: CHARGE } });
      const held = only(await h.storage.take(h.node("b"), [dueOf(run, 2)]));
      expect(held.run).toMatchObject({ fence: 3, waitingOn: null });
      expect(await awaitingFunction(h, "charge")).toEqual([]);
      expect(await awaited(h, "charge")).toEqual([]);
    });
  });

  describe("runs that wait for a worker", () => {
    test("are found by tenant, workflow and version, by priority, then age, up to the limit", async () => {
      await using h = await open();
      const runs = [3, 1, 2].map((ms) => aRun({ createdAt: after(T0, ms) }));
      const urgent = aRun({ createdAt: after(T0, 9), priority: 0 });
      await giveBack(h, [...runs, urgent]);
      await giveBack(h, [
        aRun({ tenant: OTHER_TENANT }),
        aRun({ workflowVersion: 2 }),
        aRun({ workflowId: "wf_other" as typeof workflowId }),
      ]);
      const wanted = [urgent.id, ...runs.map(({ id }) => id).toSorted()];
      expect(await awaiting(h)).toEqual(wanted);
      expect(await awaiting(h, { limit: 2 })).toEqual(wanted.slice(0, 2));
    });

    test("are found only if it is a worker that they wait for", async () => {
      await using h = await open();
      await giveBack(h, [aRun()], { kind: "quarantine", step: "worker" });
      await h.seed([aRun()]);
      await h.seedHeld([aRun()]);
      expect(await awaiting(h)).toEqual([]);
    });

    test("can be taken as they were found, before they are due, and are then found no more", async () => {
      await using h = await open();
      const run = aRun();
      await giveBack(h, [run]);
      const asked = { kind: "awaiting", tenant: DEFAULT_TENANT, workflow: workflowId } as const;
      const found = await h.storage.read({ ...asked, version: 1, limit: 10 });
      expect(found).toEqual([dueOf(run, 2)]);
      const held = only(await h.storage.take(h.node("b"), found));
      expect(held.run).toMatchObject({ id: run.id, owner: h.node("b"), fence: 3, waitingOn: null });
      expect(await awaiting(h)).toEqual([]);
      expect(await h.storage.take(h.node("a"), found)).toEqual([]);
    });

    test("are found that wait for one since their start, which are not due before their time", async () => {
      await using h = await open();
      const run = aRun();
      const dueAt = after(T0, 60_000);
      await h.commit(aStart(run, { dueAt, waitingOn: WORKER }));
      expect(await awaiting(h)).toEqual([run.id]);
      expect(await h.storage.findDue(null, 10)).toEqual({ runs: [], nextDueAt: dueAt });
      const found = await h.storage.read({ kind: "run", tenant: run.tenant, runId: run.id });
      expect(found).toMatchObject({
        live: { status: "pending", owner: null, dueAt, waitingOn: WORKER },
      });
      const held = only(await h.storage.take(h.node("b"), [dueOf(run)]));
      expect(held.run).toMatchObject({ fence: 2, waitingOn: null });
    });

    test("are still found when a message has made them due", async () => {
      await using h = await open();
      const run = aRun();
      await giveBack(h, [run]);
      await h.commit(aDelivery(run));
      expect(await awaiting(h)).toEqual([run.id]);
      expect((await h.storage.findDue(null, 10)).runs).toHaveLength(1);
    });
  });
}
