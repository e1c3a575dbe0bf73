import { DEFAULT_TENANT, newRunId, toShard, type RunId, type TenantId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  aCallStep,
  aChildStep,
  ACTOR,
  aWaitStep,
  NodeWorld,
  WORLD_START,
  type Member,
} from "../testkit/node-world.ts";
import { createStepGate } from "../testkit/step-gate.ts";

// A second tenant, which no other place makes.
const OTHER = "other" as TenantId;
const HOUR_MS = 3_600_000;

/** By id. */
const rowsOf = (world: NodeWorld): number => world.store.tables.runs.size;

async function statusOf(world: NodeWorld, member: Member, runId: RunId): Promise<string> {
  return (await world.get(member, runId)).status;
}

describe("cancelling a run", () => {
  test("that is pending ends it before any of its steps starts (fault 49)", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const full = await world.open({ maxResidentRuns: 0 });
    const workflow = await world.install(full, [aCallStep("a")]);
    const runId = await world.start(full, workflow);
    expect(await statusOf(world, full, runId)).toBe("pending");
    expect(await world.cancel(full, runId)).toEqual({ kind: "requested" });
    expect(await world.get(full, runId)).toMatchObject({
      status: "pending",
      cancelRequestedAt: WORLD_START,
    });
    const free = await world.open({ functions: { a: gate.work } });
    expect(await world.ended(free, runId)).toMatchObject({ status: "cancelled" });
    expect(gate.begun).toEqual([]);
  });

  test("that runs aborts the body, keeps its result, and starts nothing after it (fault 49)", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work, b: gate.work } });
    const workflow = await world.install(member, [aCallStep("a"), aCallStep("b")]);
    const runId = await world.start(member, workflow);
    expect(await world.cancel(member, runId)).toEqual({ kind: "requested" });
    expect(gate.begun[0]?.signal.aborted).toBe(true);
    expect(await world.get(member, runId)).toMatchObject({
      status: "running",
      cancelRequestedAt: WORLD_START,
    });
    gate.open("compensated");
    await world.clock.settle();
    const run = await world.get(member, runId);
    expect(run).toMatchObject({
      status: "cancelled",
      finishedAt: WORLD_START,
      cancelRequestedAt: WORLD_START,
      steps: [
        { key: "a", status: "completed", output: "compensated" },
        { key: "b", status: "skipped" },
      ],
    });
    expect(gate.begun).toHaveLength(1);
    expect(rowsOf(world)).toBe(0);
  });

  test("whose body throws when it is aborted ends it as cancelled, and does not try again", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work } });
    const workflow = await world.install(member, [aCallStep("a", { retries: 3 })]);
    const runId = await world.start(member, workflow);
    await world.cancel(member, runId);
    gate.fail(new Error("aborted"));
    await world.clock.advance(60_000);
    expect(await statusOf(world, member, runId)).toBe("cancelled");
    expect(gate.begun).toHaveLength(1);
  });

  test("gives a body that goes on five seconds, and discards what it says after them", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work } });
    const workflow = await world.install(member, [aCallStep("a")]);
    const runId = await world.start(member, workflow);
    await world.cancel(member, runId);
    await world.clock.advance(4_999);
    expect(await statusOf(world, member, runId)).toBe("running");
    await world.clock.advance(1);
    expect(await statusOf(world, member, runId)).toBe("cancelled");
    gate.open("late");
    await world.clock.advance(1_000);
    const run = await world.get(member, runId);
    expect(run.steps).toMatchObject([{ status: "cancelled", output: null }]);
    expect(member.node.metrics()).toMatchObject({
      attemptsDiscarded: 1,
      runningBodies: 0,
      runsFinished: { cancelled: 1, completed: 0 },
    });
  });

  test.each([
    ["a long sleep, which is in the store", HOUR_MS],
    ["a short sleep, which is in memory", 900],
  ])("that is in %s ends it at once (fault 49)", async (_, sleepMs) => {
    await using world = new NodeWorld();
    const member = await world.open();
    const workflow = await world.install(member, [aWaitStep("w", sleepMs)]);
    const runId = await world.start(member, workflow);
    await world.clock.advance(10);
    await world.cancel(member, runId);
    await world.clock.advance(1);
    expect(await world.get(member, runId)).toMatchObject({
      status: "cancelled",
      finishedAt: WORLD_START + 10,
    });
    await world.clock.advance(2 * sleepMs > 10_000 ? 10_000 : 2 * sleepMs);
    expect(await statusOf(world, member, runId)).toBe("cancelled");
  });

  test.each([500, HOUR_MS])(
    "that waits %i ms for a retry ends it at once, and no retry revives it (fault 49)",
    async (initialDelayMs) => {
      await using world = new NodeWorld();
      const gate = createStepGate();
      const member = await world.open({ functions: { a: gate.work } });
      const retryConfig = { initialDelayMs, maxDelayMs: initialDelayMs };
      const workflow = await world.install(member, [aCallStep("a", { retries: 5, retryConfig })]);
      const runId = await world.start(member, workflow);
      gate.fail(new Error("no"));
      await world.clock.settle();
      expect(await world.get(member, runId)).toMatchObject({ waitingOn: { kind: "retry" } });
      await world.cancel(member, runId);
      await world.clock.advance(1);
      expect(await statusOf(world, member, runId)).toBe("cancelled");
      await world.clock.advance(10_000);
      expect(gate.begun).toHaveLength(1);
    },
  );

  test("that has ended is refused with run.finished, and changes nothing", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: { a: () => 7 } });
    const workflow = await world.install(member, [aCallStep("a")]);
    const runId = await world.start(member, workflow);
    await world.ended(member, runId);
    expect(await world.cancel(member, runId)).toMatchObject({
      kind: "rejected",
      error: { code: "run.finished" },
    });
    expect(await world.get(member, runId)).toMatchObject({
      status: "completed",
      output: 7,
      cancelRequestedAt: null,
    });
  });

  test("that there is not, or that another tenant has, is refused with run.not-found", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const workflow = await world.install(member, [aWaitStep("w", HOUR_MS)]);
    const runId = await world.start(member, workflow);
    const unknown = newRunId(WORLD_START, toShard(9), world.random);
    const request = { tenant: OTHER, runId, reason: null, actor: ACTOR };
    const outcomes = await world.clock.run(
      member.node.cancelRuns([request, { ...request, tenant: DEFAULT_TENANT, runId: unknown }]),
    );
    expect(outcomes).toMatchObject([
      { kind: "rejected", error: { code: "run.not-found" } },
      { kind: "rejected", error: { code: "run.not-found" } },
    ]);
    await world.clock.advance(5_000);
    expect(await statusOf(world, member, runId)).toBe("running");
  });

  test("twice is one cancellation (fault 49)", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work } });
    const workflow = await world.install(member, [aCallStep("a")]);
    const runId = await world.start(member, workflow);
    expect(await world.cancel(member, runId)).toEqual({ kind: "requested" });
    await world.clock.advance(2_000);
    expect(await world.cancel(member, runId)).toEqual({ kind: "requested" });
    // The second does not begin the grace again.
    await world.clock.advance(3_000);
    expect(await world.get(member, runId)).toMatchObject({
      status: "cancelled",
      cancelRequestedAt: WORLD_START,
      finishedAt: WORLD_START + 5_000,
    });
  });

  test("through another node than the one that moves it is heard by that one", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const owner = await world.open({ functions: { a: gate.work } });
    const other = await world.open({ maxResidentRuns: 0 });
    const workflow = await world.install(owner, [aCallStep("a")]);
    const runId = await world.start(owner, workflow);
    await world.cancel(other, runId);
    await world.clock.advance(1_000);
    expect(gate.begun[0]?.signal.aborted).toBe(true);
    gate.open();
    await world.clock.settle();
    expect(await statusOf(world, other, runId)).toBe("cancelled");
  });

  test("leaves a row in the audit log, in the name of who asked", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const workflow = await world.install(member, [aWaitStep("w", HOUR_MS)]);
    const runId = await world.start(member, workflow);
    await world.cancel(member, runId);
    const [latest] = (await member.node.listAudit(DEFAULT_TENANT, 1)).rows;
    expect(latest).toMatchObject({
      tenant: DEFAULT_TENANT,
      at: WORLD_START,
      ...ACTOR,
      action: "run.cancel",
      target: runId,
    });
  });

  test("is refused while the node stops", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const workflow = await world.install(member, [aWaitStep("w", HOUR_MS)]);
    const runId = await world.start(member, workflow);
    await member.stop();
    expect(await world.cancel(member, runId)).toMatchObject({
      error: { code: "engine.stopping" },
    });
  });
});

describe("cancelling a run that waits for another", () => {
  test("ends it and the whole chain of runs that it waits for", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work } });
    const leaf = await world.install(member, [aCallStep("a")]);
    const middle = await world.install(member, [aChildStep("c", leaf)]);
    const top = await world.install(member, [aChildStep("c", middle)]);
    const runId = await world.start(member, top);
    await world.clock.settle();
    expect(gate.begun).toHaveLength(1);
    await world.cancel(member, runId);
    await world.clock.advance(1_000);
    expect(gate.begun[0]?.signal.aborted).toBe(true);
    gate.open();
    await world.clock.advance(1_000);
    const runs = await member.node.listRuns(DEFAULT_TENANT, { before: null, limit: 10 });
    expect(runs.map(({ status }) => status)).toEqual(["cancelled", "cancelled", "cancelled"]);
    expect(world.store.tables.outbox.size).toBe(0);
  });

  test("starts no child that was still being prepared", async () => {
    await using world = new NodeWorld();
    const held = Promise.withResolvers<void>();
    let holding = false;
    const { catalog } = world.store;
    const member = await world.open({
      storage: {
        ...world.store,
        catalog: {
          ...catalog,
          get: async (...args) => {
            if (holding) await held.promise;
            return catalog.get(...args);
          },
        },
      },
    });
    const child = await world.install(member, [aWaitStep("w", HOUR_MS)]);
    const parent = await world.install(member, [aChildStep("c", child)]);
    holding = true;
    const runId = await world.start(member, parent);
    await world.cancel(member, runId);
    expect(rowsOf(world)).toBe(1);
    held.resolve();
    await world.clock.advance(6_000);
    expect(await statusOf(world, member, runId)).toBe("cancelled");
    const runs = await member.node.listRuns(DEFAULT_TENANT, { before: null, limit: 10 });
    expect(runs).toHaveLength(1);
  });

  test("ends after five seconds when preparing the child does not end", async () => {
    await using world = new NodeWorld();
    let holding = false;
    const { catalog } = world.store;
    const member = await world.open({
      storage: {
        ...world.store,
        catalog: {
          ...catalog,
          get: (...args) => (holding ? new Promise(() => undefined) : catalog.get(...args)),
        },
      },
    });
    const child = await world.install(member, [aWaitStep("w", HOUR_MS)]);
    const parent = await world.install(member, [aChildStep("c", child)]);
    const runId = await world.start(member, parent);
    await world.clock.settle();
    holding = true;
    const second = await world.start(member, parent);
    await world.cancel(member, second);
    await world.clock.advance(5_000);
    expect(world.store.tables.history.get(second)?.run.status).toBe("cancelled");
    expect(world.store.tables.runs.get(runId)?.status).toBe("running");
  });

  test("fails the step of a parent whose child was cancelled (fault 53)", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const child = await world.install(member, [aWaitStep("w", HOUR_MS)]);
    const parent = await world.install(member, [aChildStep("c", child)]);
    const runId = await world.start(member, parent);
    await world.clock.settle();
    const run = await world.get(member, runId);
    const waitingOn = run.status === "running" ? run.waitingOn : null;
    if (waitingOn?.kind !== "child") throw new Error("it does not wait for a child");
    await world.cancel(member, waitingOn.runId);
    expect(await world.ended(member, runId)).toMatchObject({
      status: "failed",
      failure: { code: "child.cancelled", step: "c" },
    });
  });
});
