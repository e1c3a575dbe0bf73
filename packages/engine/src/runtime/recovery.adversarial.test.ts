// Forces the end of a node: by death at each of its commits, by a stop, by a lease that runs out, by a disk that
// fails. What was stored stays, and another node goes on from there.
import { DEFAULT_TENANT, MillraceError, type ErrorCode, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { graphPrograms } from "../steps/graph-programs.ts";
import type { RunUnit, Storage, Unit } from "../storage/storage.ts";
import { hasEntries, HeldCommits } from "../testkit/held-commits.ts";
import { aCallStep, aChildStep, aWaitStep, NodeWorld, type Member } from "../testkit/node-world.ts";
import type { ProgramKind } from "./program-kind.ts";
import { createStepGate } from "../testkit/step-gate.ts";
import type { StepFunctions } from "./step-function.ts";

const STEPS = ["a", "b", "c"];
const HOUR_MS = 3_600_000;

/** The journal's results, live or finished. */
function storedSteps(world: NodeWorld, runId: RunId): readonly string[] {
  const { journal, history } = world.store.tables;
  const live = (journal.get(runId) ?? []).map(({ entry }) => entry);
  const entries = history.get(runId)?.journal ?? live;
  return entries.flatMap((entry) => (entry.kind === "result" ? [entry.key] : []));
}

const isFinish = (units: readonly Unit[]): boolean =>
  units.some((unit) => unit.kind === "run" && unit.next.kind === "finish");

describe("a node that dies at its commit", () => {
  // The start, the results of `a` and `b` with the wait, the end of the wait, the result of `c` with the end.
  const points = [0, 1, 2, 3, 4].flatMap((nth) => [
    { nth, when: "before" as const },
    { nth, when: "after" as const },
  ]);

  test.each(points)(
    "number $nth, $when it is stored, loses no run and repeats no stored step (fault 3)",
    async ({ nth, when }) => {
      await using world = new NodeWorld();
      const begun: string[] = [];
      const storedBefore: string[][] = [];
      const work = (_: unknown, { step, runId }: { step: string; runId: RunId }): string => {
        begun.push(step);
        storedBefore.push([...storedSteps(world, runId)]);
        return step;
      };
      const functions: StepFunctions = { a: work, b: work, c: work };
      let seen = -1;
      const storage: Storage = {
        ...world.store,
        commit: async (lane, node, units) => {
          if (node === undefined || !units.some(({ kind }) => kind === "run" || kind === "start")) {
            return world.store.commit(lane, node, units);
          }
          seen += 1;
          if (seen === nth && when === "before") {
            first.kill();
            return new Promise(() => undefined);
          }
          const outcomes = await world.store.commit(lane, node, units);
          if (seen === nth && when === "after") first.kill();
          return outcomes;
        },
      };
      const first: Member = await world.open({ functions, storage });
      const steps = [aCallStep("a"), aCallStep("b"), aWaitStep("w", 2_000), aCallStep("c")];
      const workflow = await world.install(first, steps);
      const request = { tenant: DEFAULT_TENANT, workflow, input: "{}" as never };
      void first.node.startRuns([{ ...request, actor: { key: null, address: null } }]);
      await world.clock.advance(5_000);

      const second = await world.open({ functions });
      await world.clock.advance(20_000);
      const runs = await second.node.listRuns(DEFAULT_TENANT, { before: null, limit: 10 });
      // Of a start that was never stored, nobody was told.
      const isNeverStarted = nth === 0 && when === "before";
      expect(runs.map(({ status }) => status)).toEqual(isNeverStarted ? [] : ["completed"]);
      expect(runs.map(({ id }) => storedSteps(world, id))).toEqual(
        isNeverStarted ? [] : [["a", "b", "w", "c"]],
      );
      expect(seen).toBeGreaterThanOrEqual(nth);
      // When a body began, its own result was not stored, and all that it stands on was.
      for (const [i, step] of begun.entries()) {
        const needs = STEPS.slice(0, STEPS.indexOf(step));
        expect(storedBefore[i]?.filter((key) => key !== "w")).toEqual(needs);
      }
    },
  );
});

describe("a node that stops", () => {
  test("lets bodies end, stores their results, starts nothing new, and hands the rest over (fault 6)", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const first = await world.open({ functions: { a: gate.work, b: gate.work } });
    const workflow = await world.install(first, [aCallStep("a"), aCallStep("b")]);
    const runId = await world.start(first, workflow);
    const stopped = first.node.stop({ graceMs: 10_000 });
    await world.clock.advance(5_000);
    expect(gate.begun[0]?.signal.aborted).toBe(false);
    gate.open("in time");
    await world.clock.run(stopped);
    expect(world.clock.monotonicMs()).toBeLessThan(6_000);
    expect(gate.begun).toHaveLength(1);
    expect(storedSteps(world, runId)).toEqual(["a"]);

    const second = await world.open({ functions: { a: gate.work, b: gate.work } });
    await world.clock.settle();
    expect(gate.begun.map(({ step }) => step)).toEqual(["a", "b"]);
    gate.open("done");
    expect(await world.ended(second, runId)).toMatchObject({ status: "completed", output: "done" });
    expect(world.store.tables.history.get(runId)?.journal).toHaveLength(2);
  });

  test("starts no further step of a run while it waits for the body of another", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const first = await world.open({ functions: { a: gate.work, b: gate.work } });
    const workflow = await world.install(first, [aCallStep("a"), aCallStep("b")]);
    const [one] = [await world.start(first, workflow), await world.start(first, workflow)];
    const stopped = first.node.stop({ graceMs: 10_000 });
    await world.clock.advance(1_000);
    gate.open();
    await world.clock.advance(1_000);
    expect(storedSteps(world, one)).toEqual(["a"]);
    expect(world.store.tables.runs.get(one)?.owner).toBeNull();
    expect(gate.begun).toHaveLength(2);
    gate.open();
    await world.clock.run(stopped);
    expect(gate.begun).toHaveLength(2);
  });

  test("revokes bodies that outlive the grace, and hands their runs over (fault 6)", async () => {
    await using world = new NodeWorld();
    const gates = [createStepGate(), createStepGate()] as const;
    const first = await world.open({ functions: { a: gates[0].work } });
    const runId = await world.start(first, await world.install(first, [aCallStep("a")]));
    await first.stop(3_000);
    expect(world.clock.monotonicMs()).toBeLessThan(3_100);
    expect(gates[0].begun[0]?.signal.reason).toEqual(new Error("The node is stopping"));
    const second = await world.open({ functions: { a: gates[1].work } });
    await world.clock.settle();
    expect(gates[1].begun).toHaveLength(1);
    gates[0].open("of the old body");
    await world.clock.settle();
    gates[1].open("of the new body");
    expect(await world.ended(second, runId)).toMatchObject({ output: "of the new body" });
  });

  test("gives up runs that wait shortly in memory, with the time at which they go on", async () => {
    await using world = new NodeWorld();
    const first = await world.open();
    const runId = await world.start(first, await world.install(first, [aWaitStep("w", 900)]));
    await first.stop();
    expect(world.store.tables.runs.get(runId)).toMatchObject({ owner: null });
    const second = await world.open();
    await world.clock.advance(900);
    expect((await world.get(second, runId)).status).toBe("completed");
  });

  test("keeps a result whose commit is under way, and waits for that", async () => {
    await using world = new NodeWorld();
    const commits = new HeldCommits(world.store);
    const first = await world.open({ functions: { a: () => "once" }, storage: commits.storage });
    const workflow = await world.install(first, [aCallStep("a")]);
    commits.point = hasEntries;
    const runId = await world.start(first, workflow);
    await world.clock.settle();
    const state = { isStopped: false };
    const stopped = first.node.stop().then(() => (state.isStopped = true));
    await world.clock.advance(1_000);
    expect([commits.held.length, state.isStopped]).toEqual([1, false]);
    commits.release();
    await world.clock.run(stopped);
    const second = await world.open();
    expect(await world.get(second, runId)).toMatchObject({ status: "completed", output: "once" });
  });

  test.each<ErrorCode>(["storage.full", "storage.unavailable"])(
    "does not wait for ever for a store that answers %s; what it held is free again when it is found dead",
    async (code) => {
      await using world = new NodeWorld();
      const gate = createStepGate();
      let isBroken = false;
      const storage: Storage = {
        ...world.store,
        commit: (...args) =>
          isBroken ? Promise.reject(new MillraceError(code)) : world.store.commit(...args),
      };
      const first = await world.open({ functions: { a: gate.work }, storage });
      const runId = await world.start(first, await world.install(first, [aCallStep("a")]));
      isBroken = true;
      await first.stop(1_000);
      expect(world.clock.monotonicMs()).toBeLessThan(30_000);
      await world.clock.advance(1_000);
      expect(world.clock.timers).toBe(0);
      const second = await world.open({ functions: { a: () => "again" } });
      expect(await world.ended(second, runId)).toMatchObject({ output: "again" });
    },
  );

  test("twice stops once, and refuses what comes then", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const lifecycle: boolean[] = [];
    member.node.onLifecycle((running) => lifecycle.push(running));
    await world.clock.run(Promise.all([member.node.stop(), member.node.stop()]));
    await member.stop();
    expect(lifecycle).toEqual([false]);
    expect(member.node.health().state).toBe("stopping");
    expect(world.clock.timers).toBe(0);
  });

  test("stops before it has ever started", async () => {
    await using world = new NodeWorld();
    const member = world.prepare();
    await member.stop();
    expect(world.clock.timers).toBe(0);
  });
});

describe("a node that was declared dead", () => {
  test("drops its runs, joins as a new node, and takes runs again (fault 7)", async () => {
    await using world = new NodeWorld();
    const gates = [createStepGate(), createStepGate()] as const;
    let isCutOff = false;
    const unless = <T>(ask: () => Promise<T>): Promise<T> =>
      isCutOff ? Promise.reject(new MillraceError("storage.unavailable")) : ask();
    const storage: Storage = {
      ...world.store,
      beat: (node) => unless(() => world.store.beat(node)),
      reap: () => unless(() => world.store.reap()),
      commit: (...args) => unless(() => world.store.commit(...args)),
    };
    const zombie = await world.open({ functions: { a: gates[0].work }, storage });
    const workflow = await world.install(zombie, [aCallStep("a")]);
    const runId = await world.start(zombie, workflow);
    isCutOff = true;
    gates[0].open("of the zombie");
    const other = await world.open({ functions: { a: gates[1].work } });
    await world.clock.advance(9_000);
    expect(gates[1].begun).toHaveLength(1);
    isCutOff = false;
    await world.clock.advance(3_000);
    expect(zombie.node.health()).toEqual({ state: "ready", reason: null });
    expect(zombie.node.metrics()).toMatchObject({ residentRuns: 0, runsLost: 1 });
    gates[1].open("of the owner");
    expect(await world.ended(other, runId)).toMatchObject({ output: "of the owner" });

    await other.stop();
    await world.start(zombie, workflow);
    expect(gates[0].begun).toHaveLength(2);
    gates[0].open();
  });

  test("aborts the bodies of the runs that it has lost", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work } });
    await world.start(member, await world.install(member, [aCallStep("a")]));
    // Somebody else looked while it was silent.
    const { nodes } = world.store.tables;
    for (const id of nodes.keys()) nodes.delete(id);
    await world.clock.advance(2_000);
    expect(gate.begun[0]?.signal.aborted).toBe(true);
    // The same step does not start here while its old body lives.
    await world.clock.advance(7_000);
    expect(gate.begun).toHaveLength(1);
    gate.open("late");
    await world.clock.advance(1_000);
    expect(gate.begun).toHaveLength(2);
    expect(member.node.metrics().attemptsDiscarded).toBe(1);
    gate.open();
  });
});

describe("a node whose disk fails", () => {
  test("says so, refuses starts with the reason, and stops", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    let isBroken = false;
    const storage: Storage = {
      ...world.store,
      commit: (...args) =>
        isBroken
          ? Promise.reject(new MillraceError("storage.failed", "fsync failed on /data"))
          : world.store.commit(...args),
    };
    const member = await world.open({ functions: { a: gate.work }, storage });
    const workflow = await world.install(member, [aCallStep("a")]);
    const runId = await world.start(member, workflow);
    isBroken = true;
    expect(await world.tryStart(member, workflow)).toMatchObject({
      error: { code: "storage.failed" },
    });
    expect(member.node.health()).toEqual({ state: "failed", reason: "fsync failed on /data" });
    expect(gate.begun[0]?.signal.aborted).toBe(true);
    expect(await world.tryStart(member, workflow)).toMatchObject({
      error: { code: "storage.failed", message: "fsync failed on /data" },
    });
    expect(await world.cancel(member, runId)).toMatchObject({ error: { code: "storage.failed" } });
    await member.stop();
    isBroken = false;
    const second = await world.open({ functions: { a: () => "after the repair" } });
    expect(await world.ended(second, runId)).toMatchObject({ output: "after the repair" });
  });

  test("does not take its process down while it asks for a child's workflow", async () => {
    await using world = new NodeWorld();
    let isBroken = false;
    const { catalog } = world.store;
    const storage: Storage = {
      ...world.store,
      catalog: {
        ...catalog,
        get: (...args) =>
          isBroken ? Promise.reject(new MillraceError("storage.failed")) : catalog.get(...args),
      },
    };
    const member = await world.open({ storage });
    const child = await world.install(member, [aWaitStep("w", 0)]);
    const parent = await world.install(member, [aChildStep("c", child)]);
    await world.start(member, parent);
    isBroken = true;
    const runId = await world.start(member, parent);
    isBroken = false;
    expect(await world.ended(member, runId)).toMatchObject({
      status: "failed",
      failure: { step: "c", cause: { code: "storage.failed" } },
    });
  });
});

/** Another release, in which the step `a` has another name. */
const renamed: ProgramKind = {
  parse: (value) => graphPrograms.parse(value),
  compile: (definition) =>
    graphPrograms.compile({
      ...definition,
      steps: definition.steps.map((step) => (step.id === "a" ? { ...step, id: "z" } : step)),
    }),
};

describe("a run whose journal and program disagree", () => {
  const steps = [aCallStep("a"), aWaitStep("w", 10_000), aCallStep("b")];

  test("is set aside with the first difference, does not fail, and goes on when the right program is back", async () => {
    await using world = new NodeWorld();
    let calls = 0;
    const functions: StepFunctions = { a: () => ++calls, b: () => 2 };
    const first = await world.open({ functions });
    const runId = await world.start(first, await world.install(first, steps));
    await first.stop();

    const wrong = await world.open({ functions, programs: renamed });
    await world.clock.advance(20_000);
    expect(await world.get(wrong, runId)).toMatchObject({
      status: "running",
      waitingOn: {
        kind: "divergence",
        step: "a",
        message: "The journal has a result of step a, which the program has not asked for",
      },
    });
    expect(wrong.logged.filter(({ level }) => level === "error")).toMatchObject([
      { fields: { runId, step: "a" } },
    ]);
    expect(wrong.node.metrics().residentRuns).toBe(0);
    await wrong.stop();

    const right = await world.open({ functions });
    expect(await world.ended(right, runId)).toMatchObject({ status: "completed", output: 2 });
    expect(calls).toBe(1);
  });

  test("can be cancelled, and history keeps all that was journaled", async () => {
    await using world = new NodeWorld();
    const functions: StepFunctions = { a: () => 1, b: () => 2 };
    const first = await world.open({ functions });
    const runId = await world.start(first, await world.install(first, steps));
    await first.stop();

    const wrong = await world.open({ functions, programs: renamed });
    await world.clock.advance(20_000);
    const before = world.store.tables.journal.get(runId)?.map(({ entry }) => entry) ?? [];
    const cancel = {
      tenant: DEFAULT_TENANT,
      runId,
      reason: null,
      actor: { key: null, address: null },
    };
    const [outcome] = await world.clock.run(wrong.node.cancelRuns([cancel]));
    expect(outcome).toEqual({ kind: "requested" });
    expect(await world.ended(wrong, runId)).toMatchObject({ status: "cancelled" });
    const kept = world.store.tables.history.get(runId)?.journal ?? [];
    expect(before.length).toBeGreaterThan(0);
    expect(kept.slice(0, before.length)).toEqual(before);
    expect(kept.slice(before.length)).toMatchObject([{ kind: "message" }]);
  });
});

describe("a run that kills its node", () => {
  /** Every node that begins the step dies of it. */
  async function killNodes(world: NodeWorld, count: number): Promise<RunId> {
    let runId: RunId | undefined;
    let workflow = "";
    for (let n = 0; n < count; n++) {
      const dying: Member = world.prepare({
        functions: {
          a: () => {
            dying.kill();
            return new Promise(() => undefined);
          },
        },
      });
      await world.clock.run(dying.node.start());
      if (runId === undefined) {
        workflow = await world.install(dying, [aCallStep("a")]);
        runId = await world.start(dying, workflow);
      }
      await world.clock.advance(1_000);
      // A node that holds no runs finds it dead.
      const reaper = await world.open({ maxResidentRuns: 0 });
      await world.clock.advance(8_000);
      await reaper.stop();
    }
    if (runId === undefined) throw new Error("no run");
    return runId;
  }

  test("is tried again by four nodes after the first", async () => {
    await using world = new NodeWorld();
    const runId = await killNodes(world, 4);
    expect(world.store.tables.runs.get(runId)).toMatchObject({ owner: null, recoveries: 4 });
    const member = await world.open({ functions: { a: () => "survived" } });
    expect(await world.ended(member, runId)).toMatchObject({ output: "survived" });
  });

  test("is quarantined after five recoveries, with the step that it stands at, and starts no body (fault 9)", async () => {
    await using world = new NodeWorld();
    const runId = await killNodes(world, 5);
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work } });
    await world.clock.advance(HOUR_MS / 10);
    expect(await world.get(member, runId)).toMatchObject({
      status: "running",
      waitingOn: { kind: "quarantine", step: "a" },
    });
    expect(gate.begun).toEqual([]);
    expect(member.node.metrics().residentRuns).toBe(0);
  });

  test("ends at once when it is cancelled in quarantine", async () => {
    await using world = new NodeWorld();
    const runId = await killNodes(world, 5);
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work } });
    await world.clock.advance(1_000);
    expect(await world.cancel(member, runId)).toEqual({ kind: "requested" });
    await world.clock.advance(1_000);
    expect((await world.get(member, runId)).status).toBe("cancelled");
    expect(gate.begun).toEqual([]);
  });

  test("is counted anew when it has moved in between", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const first: Member = await world.open({ functions: { a: gate.work } });
    const steps = [aCallStep("a"), aCallStep("b")];
    const runId = await world.start(first, await world.install(first, steps));
    first.kill();
    const second = await world.open({ functions: { a: () => 1, b: gate.work } });
    await world.clock.advance(9_000);
    expect(storedSteps(world, runId)).toEqual(["a"]);
    expect(world.store.tables.runs.get(runId)?.recoveries).toBe(0);
    gate.open();
    gate.open("done");
    expect(await world.ended(second, runId)).toMatchObject({ output: "done" });
  });
});

describe("a finish whose answer was lost", () => {
  test("is told to those who wait, and counted, once", async () => {
    await using world = new NodeWorld();
    let lost = 0;
    const finishes: RunUnit[] = [];
    const storage: Storage = {
      ...world.store,
      commit: async (lane, node, units) => {
        const outcomes = await world.store.commit(lane, node, units);
        if (!isFinish(units)) return outcomes;
        for (const unit of units) if (unit.kind === "run") finishes.push(unit);
        if (lost++ < 3) throw new MillraceError("storage.unavailable");
        return outcomes;
      },
    };
    const member = await world.open({ functions: { a: () => 7 }, storage });
    const runId = await world.start(member, await world.install(member, [aCallStep("a")]));
    expect(await world.ended(member, runId)).toMatchObject({ output: 7 });
    expect(finishes).toHaveLength(4);
    expect(member.node.metrics()).toMatchObject({ runsLost: 0, runsFinished: { completed: 1 } });
  });
});
