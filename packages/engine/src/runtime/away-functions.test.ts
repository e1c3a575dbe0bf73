// Functions of workers that are not at the node where a run needs them.
import { DEFAULT_TENANT, type JsonValue, type Run } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { RunUnit, Storage, Unit } from "../storage/storage.ts";
import { ACTOR, aCallStep, aWaitStep, NodeWorld, type Member } from "../testkit/node-world.ts";
import { ScriptedHost } from "../testkit/scripted-host.ts";
import { createStepGate } from "../testkit/step-gate.ts";

/** Until the store itself makes a run due that waits for a worker. */
const FALL_BACK_MS = 60_000;
/** A node that has workers looks for runs that it has not heard of. */
const LOOK_MS = 15_000;

const waitingOn = (run: Run): unknown => ("waitingOn" in run ? run.waitingOn : undefined);
const CHARGE = { kind: "worker", function: "charge" };

/** A worker of these functions, which give back what they get. */
const attach = ({ node }: Member, ...functions: readonly string[]): Promise<ScriptedHost> =>
  ScriptedHost.attach(node, { script: {}, offer: { workflows: [], functions } });

/** Has offered them, and is gone. */
async function offerOnce(member: Member, ...functions: readonly string[]): Promise<void> {
  await (await attach(member, ...functions)).close();
}

const called = ({ commands }: ScriptedHost): readonly string[] =>
  commands.flatMap((command) => (command.type === "call" ? [command.task.target] : []));

const fan = (...branches: readonly (string | readonly string[])[]): JsonValue => ({
  id: "fan",
  type: "parallel",
  config: { branches },
});

/** The first commit of a run that `isHeld` waits until it is released. */
function holdCommits(
  { store }: NodeWorld,
  isHeld: (unit: RunUnit) => boolean,
): { readonly storage: Storage; readonly held: Promise<void>; readonly release: () => void } {
  const [begun, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const commit: Storage["commit"] = async (lane, node, units) => {
    if (units.some((unit) => unit.kind === "run" && isHeld(unit))) {
      begun.resolve();
      await released.promise;
    }
    return store.commit(lane, node, units);
  };
  return { storage: { ...store, commit }, held: begun.promise, release: released.resolve };
}

describe("a step that calls a function of workers", () => {
  test("is done at once at the node where a worker of it is", async () => {
    await using world = new NodeWorld();
    const [without, having] = [await world.open(), await world.open()];
    const worker = await attach(having, "charge");
    const runId = await world.start(without, await world.install(without, [aCallStep("charge")]));
    await world.clock.settle();
    expect((await world.get(without, runId)).status).toBe("completed");
    expect(called(worker)).toEqual(["charge"]);
    expect(world.clock.monotonicMs()).toBe(0);
  });

  test("lets its run wait in the store while no worker of it is anywhere, and says so", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await offerOnce(member, "charge");
    const runId = await world.start(member, await world.install(member, [aCallStep("charge")]));
    await world.clock.settle();
    const run = await world.get(member, runId);
    expect(run.status).toBe("pending");
    expect(waitingOn(run)).toEqual(CHARGE);
    expect(member.node.metrics().residentRuns).toBe(0);
    const row = world.store.tables.runs.get(runId);
    expect(row).toMatchObject({ owner: null, dueAt: world.now() + FALL_BACK_MS });
  });

  test("is done as soon as a worker of it comes, at whichever node", async () => {
    await using world = new NodeWorld();
    const [first, second] = [await world.open(), await world.open()];
    await offerOnce(first, "charge");
    const steps = [aCallStep("own"), aCallStep("charge")];
    const owner = await world.open({ functions: { own: () => 1 } });
    const runId = await world.start(owner, await world.install(owner, steps));
    await world.clock.settle();
    expect(await world.get(owner, runId)).toMatchObject({ status: "running", waitingOn: CHARGE });
    const worker = await attach(second, "charge");
    await world.clock.settle();
    expect((await world.get(owner, runId)).status).toBe("completed");
    expect(called(worker)).toEqual(["charge"]);
  });

  test("is done at another node when its worker has gone there between two steps", async () => {
    await using world = new NodeWorld();
    const [first, second] = [await world.open(), await world.open()];
    const before = await attach(first, "charge", "mail");
    const steps = [aCallStep("charge"), aWaitStep("nap", 5_000), aCallStep("mail")];
    const runId = await world.start(first, await world.install(first, steps));
    await world.clock.advance(1_000);
    await before.close();
    await world.clock.advance(10_000);
    expect(waitingOn(await world.get(first, runId))).toEqual({ kind: "worker", function: "mail" });
    const after = await attach(second, "charge", "mail");
    await world.clock.settle();
    expect((await world.get(first, runId)).status).toBe("completed");
    expect([called(before), called(after)]).toEqual([["charge"], ["mail"]]);
  });

  test("fails with its name if nobody has ever offered it", async () => {
    await using world = new NodeWorld();
    const [member, other] = [await world.open(), await world.open()];
    await attach(other, "charge");
    const runId = await world.start(member, await world.install(member, [aCallStep("chrage")]));
    const run = await world.ended(member, runId);
    expect(run).toMatchObject({ status: "failed", failure: { code: "function.not-found" } });
    expect(JSON.stringify(run)).toContain('function \\"chrage\\", which is neither registered');
  });

  test("is not remembered under a name that no record can have, which keeps no worker away", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await offerOnce(member, "a\u0000b", "", "x".repeat(1_000), "charge");
    const records = await world.store.catalog.list(DEFAULT_TENANT, "worker-function", null, 10);
    expect(records.map(({ id }) => id)).toEqual(["charge"]);
  });

  test("fails with its name if only another tenant's workers have offered it", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await member.node.tenants.create({ name: "acme", actor: ACTOR });
    await member.node.connect("acme").worker.attach(
      { name: "theirs", workflows: [], functions: ["charge"], slots: 1, labels: {} },
      () => undefined,
      () => undefined,
    );
    const runId = await world.start(member, await world.install(member, [aCallStep("charge")]));
    const run = await world.ended(member, runId);
    expect(run).toMatchObject({ failure: { code: "function.not-found" } });
  });

  test("is found by the node that has its worker where no word arrives", async () => {
    await using world = new NodeWorld({ hints: false });
    const [without, having] = [await world.open(), await world.open()];
    const worker = await attach(having, "charge", "mail");
    const runId = await world.start(without, await world.install(without, [aCallStep("charge")]));
    await world.clock.advance(LOOK_MS);
    expect((await world.get(without, runId)).status).toBe("completed");
    expect(called(worker)).toEqual(["charge"]);
  });

  test("is called here if its worker comes while the store is asked whether there is one", async () => {
    await using world = new NodeWorld();
    const { store } = world;
    const asked = Promise.withResolvers<undefined>();
    const answered = Promise.withResolvers<undefined>();
    let asks = 0;
    const catalog: Storage["catalog"] = {
      ...store.catalog,
      get: async (tenant, kind, id) => {
        const isFirst = kind === "worker-function" && (asks += 1) === 1;
        if (isFirst) asked.resolve(undefined);
        if (isFirst) await answered.promise;
        return store.catalog.get(tenant, kind, id);
      },
    };
    const commits: Unit[] = [];
    const commit: Storage["commit"] = (lane, node, units) => {
      commits.push(...units);
      return store.commit(lane, node, units);
    };
    const other = await world.open();
    await offerOnce(other, "charge");
    const workflow = await world.install(other, [aCallStep("charge")]);
    const member = await world.open({ storage: { ...store, catalog, commit } });
    const runId = await world.start(member, workflow);
    await asked.promise;
    await attach(member, "charge");
    answered.resolve(undefined);
    expect((await world.ended(member, runId, 1_000)).status).toBe("completed");
    expect(commits.map((unit) => (unit.kind === "run" ? unit.next.kind : unit.kind))).toEqual([
      "start",
      "finish",
    ]);
  });

  test("is no unknown name to a workflow that is written, once it was offered", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await offerOnce(member, "charge");
    const definition = { name: "Test", steps: [aCallStep("charge"), aCallStep("chrage")] };
    const { warnings } = await member.node.validateDefinition(DEFAULT_TENANT, definition);
    expect(warnings.map(({ path }) => path)).toEqual([["steps", 1, "function"]]);
  });

  test("is remembered as offered by a node that was started anew", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await offerOnce(member, "charge");
    await member.stop();
    const other = await world.open();
    const runId = await world.start(other, await world.install(other, [aCallStep("charge")]));
    await world.clock.settle();
    expect(waitingOn(await world.get(other, runId))).toEqual(CHARGE);
  });
});

describe("a run that waits for a function of workers", () => {
  test("is taken again by its own node if a worker comes while it is being given up", async () => {
    await using world = new NodeWorld({ hints: false });
    const { storage, held, release } = holdCommits(world, (unit) => unit.next.kind === "park");
    const member = await world.open({ storage });
    await offerOnce(member, "charge");
    const runId = await world.start(member, await world.install(member, [aCallStep("charge")]));
    await held;
    await attach(member, "charge");
    await world.clock.settle();
    release();
    expect((await world.ended(member, runId, 1_000)).status).toBe("completed");
  });

  test("does not call it here while the run is being given up, however long that takes", async () => {
    await using world = new NodeWorld({ hints: false });
    const { storage, held, release } = holdCommits(world, (unit) => unit.next.kind === "park");
    const member = await world.open({ storage });
    await offerOnce(member, "charge");
    const runId = await world.start(member, await world.install(member, [aCallStep("charge")]));
    await held;
    const worker = await attach(member, "charge");
    await world.clock.advance(6_000);
    expect(called(worker)).toEqual([]);
    release();
    expect((await world.ended(member, runId, 1_000)).status).toBe("completed");
    expect(called(worker)).toEqual(["charge"]);
  });

  test("waits in the store as soon as what was in flight when it was not found is there", async () => {
    await using world = new NodeWorld();
    const { storage, held, release } = holdCommits(world, (unit) => unit.entries.length > 0);
    const member = await world.open({ storage, functions: { own: () => 1 } });
    await offerOnce(member, "charge");
    const steps = [fan("own", "charge"), aCallStep("own"), aCallStep("charge")];
    const runId = await world.start(member, await world.install(member, steps));
    await held;
    await world.clock.settle();
    release();
    await world.clock.settle();
    expect(waitingOn(await world.get(member, runId))).toEqual(CHARGE);
    expect(world.clock.monotonicMs()).toBe(0);
  });

  test("ends at once when it is cancelled", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await offerOnce(member, "charge");
    const runId = await world.start(member, await world.install(member, [aCallStep("charge")]));
    await world.clock.settle();
    await world.cancel(member, runId);
    await world.clock.settle();
    expect((await world.get(member, runId)).status).toBe("cancelled");
  });

  test("fails at its deadline", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await offerOnce(member, "charge");
    const timeoutMs = 30_000;
    const workflow = await world.install(member, [aCallStep("charge")], { timeoutMs });
    const run = await world.ended(member, await world.start(member, workflow));
    expect(run).toMatchObject({ status: "failed", failure: { code: "run.timeout" } });
    expect(world.clock.monotonicMs()).toBe(30_000);
  });

  test("goes on beside it when the time of another branch has come", async () => {
    await using world = new NodeWorld();
    let naps = 0;
    const member = await world.open({ functions: { own: () => (naps += 1) } });
    await offerOnce(member, "charge");
    const steps = [fan("charge", ["nap", "own"]), aCallStep("charge"), aWaitStep("nap", 10_000)];
    const workflow = await world.install(member, [...steps, aCallStep("own")]);
    const runId = await world.start(member, workflow);
    await world.clock.advance(10_000);
    expect(naps).toBe(1);
    await world.clock.settle();
    expect(waitingOn(await world.get(member, runId))).toEqual(CHARGE);
    await attach(member, "charge");
    expect((await world.ended(member, runId, 1_000)).status).toBe("completed");
  });

  test("stays with its node while another branch runs there, and waits in the store then", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { own: gate.work } });
    await offerOnce(member, "charge");
    const steps = [fan("charge", "own"), aCallStep("charge"), aCallStep("own")];
    const runId = await world.start(member, await world.install(member, steps));
    await world.clock.advance(30_000);
    expect(member.node.metrics().residentRuns).toBe(1);
    gate.open();
    await world.clock.settle();
    expect(member.node.metrics().residentRuns).toBe(0);
    expect(waitingOn(await world.get(member, runId))).toEqual(CHARGE);
  });

  test("calls it here within five seconds if its worker comes while another branch runs", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { own: gate.work } });
    await offerOnce(member, "charge");
    const steps = [fan("charge", "own"), aCallStep("charge"), aCallStep("own")];
    const runId = await world.start(member, await world.install(member, steps));
    await world.clock.advance(7_000);
    const worker = await attach(member, "charge");
    await world.clock.advance(5_000);
    expect(called(worker)).toEqual(["charge"]);
    gate.open();
    expect((await world.ended(member, runId, 1_000)).status).toBe("completed");
  });

  test("ends as soon as the bodies of its other branches have stopped", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { own: gate.work } });
    await offerOnce(member, "charge");
    const steps = [fan("charge", "own"), aCallStep("charge"), aCallStep("own")];
    const runId = await world.start(member, await world.install(member, steps));
    await world.clock.advance(1_000);
    await world.cancel(member, runId);
    await world.clock.settle();
    expect((await world.get(member, runId)).status).toBe("running");
    gate.open();
    await world.clock.settle();
    expect((await world.get(member, runId)).status).toBe("cancelled");
    expect(world.clock.monotonicMs()).toBe(1_000);
  });

  test("waits for each of its functions in turn, so that one without a worker holds up no other", async () => {
    await using world = new NodeWorld({ hints: false });
    const [without, having] = [await world.open(), await world.open({ maxResidentRuns: 0 })];
    await offerOnce(without, "charge", "mail", "print");
    const ids = ["charge", "mail", "print"];
    const steps = [fan(...ids), ...ids.map((id) => aCallStep(id))];
    const runId = await world.start(without, await world.install(without, steps));
    const named = new Set<unknown>();
    for (let n = 0; n < ids.length; n++) {
      named.add(JSON.stringify(waitingOn(await world.get(having, runId))));
      await world.clock.advance(FALL_BACK_MS + 1_000);
    }
    expect(named.size).toBe(3);
  });

  test("is taken no more than its workers have room for", async () => {
    await using world = new NodeWorld();
    const [without, having] = [await world.open(), await world.open()];
    await offerOnce(without, "charge");
    const workflow = await world.install(without, [aCallStep("charge")]);
    for (let n = 0; n < 5; n++) await world.start(without, workflow);
    await world.clock.settle();
    const calls: string[] = [];
    const link = await having.node.connect().worker.attach(
      { name: "busy", workflows: [], functions: ["charge"], slots: 2, labels: {} },
      (commands) =>
        void calls.push(...commands.flatMap((it) => (it.type === "call" ? [it.call] : []))),
      () => undefined,
    );
    await world.clock.settle();
    expect(calls).toHaveLength(2);
    const done = { ok: true, output: "1" } as const;
    for (let n = 0; n < 5; n++) {
      const call = calls[n] ?? "";
      await link.report([{ type: "called", call, result: done as never }]);
      await world.clock.settle();
    }
    expect(calls).toHaveLength(5);
    const page = { before: null, limit: 10 };
    const runs = await without.node.listRuns(DEFAULT_TENANT, page);
    expect(new Set(runs.map(({ status }) => status))).toEqual(new Set(["completed"]));
  });
});
