import {
  DEFAULT_TENANT,
  MAX_DURATION_MS,
  toTimestamp,
  type JsonValue,
  type Timestamp,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  aCallStep,
  ACTOR,
  aStartRequest,
  aWaitStep,
  NodeWorld,
  WORLD_START,
  type Member,
} from "../testkit/node-world.ts";
import { systemClock } from "./clock.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

const aWaitUntil = (until: JsonValue): JsonValue => ({ id: "w", type: "wait", config: { until } });

/** The store's clock goes on while the process sleeps with its machine. */
class Laptop extends NodeWorld {
  sleptMs = 0;

  override now(): Timestamp {
    return toTimestamp(super.now() + this.sleptMs);
  }
}

describe("a sleep", () => {
  test.each([
    ["of no time", aWaitStep("w", 0)],
    ["until now", aWaitUntil(new Date(WORLD_START).toISOString())],
    ["until a century ago", aWaitUntil("1970-01-01T00:00:00Z")],
  ])("%s is over at once (fault 39)", async (_, step) => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await world.start(member, await world.install(member, [step]));
    expect(await world.ended(member, runId)).toMatchObject({
      status: "completed",
      finishedAt: WORLD_START,
    });
  });

  test.each([
    ["25 days, which no timer can hold", 25 * DAY_MS],
    ["100 years", MAX_DURATION_MS],
  ])("of %s is as long as it was asked for (fault 39)", async (_, durationMs) => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await world.start(
      member,
      await world.install(member, [aWaitStep("w", durationMs)]),
    );
    await world.clock.advance(HOUR_MS);
    expect(await world.get(member, runId)).toMatchObject({
      status: "running",
      waitingOn: { kind: "timer", step: "w" },
    });
    expect(world.store.tables.runs.get(runId)?.dueAt).toBe(WORLD_START + durationMs);
  });

  test.each<[string, JsonValue]>([
    ["less than no time", -1],
    ["no number", "NaN"],
    ["more than 100 years", MAX_DURATION_MS + 1],
  ])(
    "of %s is refused where it is written, and fails its step where it is made (fault 39)",
    async (_, ms) => {
      await using world = new NodeWorld();
      const member = await world.open();
      const written = { id: "w", type: "wait", config: { duration: ms } };
      const definition: JsonValue = { name: "Written", steps: [written] };
      await expect(
        member.node.createWorkflow({ tenant: DEFAULT_TENANT, definition, id: null, actor: ACTOR }),
      ).rejects.toMatchObject({ code: "definition.invalid" });
      const made = { id: "w", type: "wait", config: { duration: "{{steps.a.output}}" } };
      const other = await world.open({ functions: { a: () => ms } });
      const workflow = await world.install(other, [aCallStep("a"), made]);
      const run = await world.ended(other, await world.start(other, workflow));
      expect(run).toMatchObject({ status: "failed", failure: { step: "w", source: "definition" } });
    },
  );
});

describe("a timer of this machine", () => {
  test("that is longer than Node's longest does not fire at once (fault 39)", async () => {
    let fired = false;
    const cancel = systemClock.setTimer(25 * DAY_MS, () => {
      fired = true;
    });
    // Node lets a timer that is too long fire after 1 ms, which is before this one.
    await new Promise<void>((resolve) => {
      systemClock.setTimer(5, resolve);
    });
    cancel();
    expect(fired).toBe(false);
  });
});

describe("a crowd of timers", () => {
  test("that fall due in one moment is taken as far as there is room, each once (fault 40)", async () => {
    await using world = new NodeWorld();
    const begun: string[] = [];
    let most = 0;
    const work = (_: unknown, { runId }: { readonly runId: string }): void => {
      begun.push(runId);
      most = Math.max(most, member.node.metrics().residentRuns);
    };
    const member: Member = await world.open({ functions: { work }, maxResidentRuns: 50 });
    const moment = new Date(WORLD_START + HOUR_MS).toISOString();
    const steps = [aWaitUntil(moment), aCallStep("work")];
    const workflow = await world.install(member, steps);
    const requests = Array.from({ length: 1_000 }, () => aStartRequest(workflow));
    await world.clock.run(member.node.startRuns(requests));
    // Some had no room at first, and began to sleep later.
    await world.clock.advance(HOUR_MS / 2);
    expect(world.store.tables.runs.size).toBe(1_000);
    expect(begun).toEqual([]);
    await world.clock.advance(HOUR_MS);
    expect(new Set(begun).size).toBe(1_000);
    expect(begun).toHaveLength(1_000);
    expect(most).toBe(50);
    expect(member.node.metrics().runsFinished.completed).toBe(1_000);
  });
});

describe("a machine that sleeps for eight hours", () => {
  test("lets what fell due meanwhile happen once, and keeps what runs (fault 42)", async () => {
    await using world = new Laptop();
    const calls: string[] = [];
    const note = (_: unknown, { step }: { readonly step: string }): void => void calls.push(step);
    const member = await world.open({ functions: { short: note, long: note } });
    const [short, long] = [
      await world.install(member, [aWaitStep("w", HOUR_MS), aCallStep("short")]),
      await world.install(member, [aWaitStep("w", 9 * HOUR_MS), aCallStep("long")]),
    ];
    const ids = [await world.start(member, short), await world.start(member, long)] as const;
    await world.clock.settle();
    world.sleptMs = 8 * HOUR_MS;
    await world.clock.advance(5_000);
    expect(calls).toEqual(["short"]);
    expect((await world.get(member, ids[0])).status).toBe("completed");
    expect(member.node.health()).toEqual({ state: "ready", reason: null });
    expect((await world.get(member, ids[1])).status).toBe("running");
    await world.ended(member, ids[1], 2 * HOUR_MS);
    expect(calls).toEqual(["short", "long"]);
  });
});
