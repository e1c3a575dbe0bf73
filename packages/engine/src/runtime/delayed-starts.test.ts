import { after, type Timestamp } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  aCallStep,
  aWaitStep,
  NodeWorld,
  WORLD_START,
  type Member,
} from "../testkit/node-world.ts";
import type { StartRequest } from "./commands.ts";

const HOUR_MS = 60 * 60 * 1_000;
const FUNCTIONS = { a: () => 1 };

async function rejected(
  world: NodeWorld,
  member: Member,
  more: Partial<StartRequest>,
): Promise<string> {
  const workflow = await world.install(member, [aCallStep("a")]);
  const outcome = await world.tryStart(member, workflow, more);
  return outcome.kind === "rejected" ? outcome.error.message : outcome.kind;
}

describe("a start that begins later", () => {
  test.each<[string, Partial<StartRequest>]>([
    ["after a delay", { delayMs: HOUR_MS }],
    ["at an instant", { startAt: after(WORLD_START, HOUR_MS) }],
  ])("%s is pending until then", async (_, more) => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: FUNCTIONS });
    const workflow = await world.install(member, [aCallStep("a")]);
    const runId = await world.start(member, workflow, more);
    const row = world.store.tables.runs.get(runId);
    expect(row).toMatchObject({ owner: null, dueAt: WORLD_START + HOUR_MS });
    await world.clock.advance(HOUR_MS - 1);
    expect(await world.get(member, runId)).toMatchObject({ status: "pending", startedAt: null });
    const run = await world.ended(member, runId);
    expect(run).toMatchObject({ status: "completed" });
    expect(run.startedAt).toBeGreaterThanOrEqual(WORLD_START + HOUR_MS);
  });

  test("begins in another process if its own is gone by then", async () => {
    await using world = new NodeWorld();
    const first = await world.open({ functions: FUNCTIONS });
    const workflow = await world.install(first, [aCallStep("a")]);
    const runId = await world.start(first, workflow, { delayMs: HOUR_MS });
    first.kill();
    const second = await world.open({ functions: FUNCTIONS });
    expect(await world.get(second, runId)).toMatchObject({ status: "pending" });
    expect(await world.ended(second, runId, 2 * HOUR_MS)).toMatchObject({ status: "completed" });
  });

  test("may be cancelled before it has begun", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: FUNCTIONS });
    const workflow = await world.install(member, [aCallStep("a")]);
    const runId = await world.start(member, workflow, { delayMs: 24 * HOUR_MS });
    await world.cancel(member, runId);
    expect(await world.ended(member, runId)).toMatchObject({
      status: "cancelled",
      steps: [{ status: "cancelled", attempts: [] }],
    });
  });

  test("is the same run for its key, then and now", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: FUNCTIONS });
    const workflow = await world.install(member, [aCallStep("a")]);
    const keyed = { delayMs: HOUR_MS, idempotencyKey: "k" };
    const runId = await world.start(member, workflow, keyed);
    expect(await world.tryStart(member, workflow, keyed)).toMatchObject({
      kind: "existing",
      runId,
      status: "pending",
    });
  });

  test("begins at once at an instant that is past, or after no time", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: FUNCTIONS });
    const workflow = await world.install(member, [aWaitStep("w", HOUR_MS)]);
    for (const more of [{ startAt: 1 as Timestamp }, { delayMs: 0 }]) {
      const runId = await world.start(member, workflow, more);
      expect(world.store.tables.runs.get(runId)?.status).toBe("running");
    }
  });
});

describe("a deadline of a start's own", () => {
  test.each<[string, number | undefined, number, number]>([
    ["is the workflow's if that is earlier", 1_000, 5_000, 1_000],
    ["is the start's if that is earlier", 5_000, 1_000, 1_000],
    ["is the start's if the workflow has none", undefined, 1_000, 1_000],
  ])("%s", async (_, timeoutMs, ownMs, expected) => {
    await using world = new NodeWorld();
    const member = await world.open();
    const own = timeoutMs === undefined ? {} : { timeoutMs };
    const workflow = await world.install(member, [aWaitStep("w", HOUR_MS)], own);
    const runId = await world.start(member, workflow, { timeoutMs: ownMs });
    expect(world.store.tables.runs.get(runId)?.deadlineAt).toBe(WORLD_START + expected);
    expect(await world.ended(member, runId)).toMatchObject({
      status: "failed",
      failure: { code: "run.timeout" },
    });
  });

  test("counts from when the run may begin", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const workflow = await world.install(member, [aWaitStep("w", HOUR_MS)], { timeoutMs: 2_000 });
    const runId = await world.start(member, workflow, { delayMs: HOUR_MS });
    expect(world.store.tables.runs.get(runId)?.deadlineAt).toBe(WORLD_START + HOUR_MS + 2_000);
  });
});

describe("the times of a start", () => {
  test.each<[string, Partial<StartRequest>, string]>([
    [
      "a delay below zero",
      { delayMs: -1 },
      "delayMs: Must be a whole number of milliseconds from 0",
    ],
    ["a delay with a fraction", { delayMs: 0.5 }, "delayMs: Must be a whole number"],
    ["a delay of 200 years", { delayMs: 200 * 366 * 24 * HOUR_MS }, "(100 years)"],
    [
      "no time to run",
      { timeoutMs: 0 },
      "timeoutMs: Must be a whole number of milliseconds from 1",
    ],
    ["an instant before all", { startAt: -1 as Timestamp }, "startAt: Must be an instant"],
    ["an instant that is none", { startAt: NaN as Timestamp }, "startAt: Must be an instant"],
    ["both", { delayMs: 1, startAt: WORLD_START }, "startAt: Must not stand beside delayMs"],
  ])("are refused if there is %s", async (_, more, problem) => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: FUNCTIONS });
    expect(await rejected(world, member, more)).toContain(problem);
    expect(world.store.tables.runs.size).toBe(0);
  });
});
