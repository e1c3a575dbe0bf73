import { describe, expect, test } from "vitest";
import type { Answers, Query, Storage, Unit } from "../storage/storage.ts";
import { aCallStep, aChildStep, aStartRequest, NodeWorld } from "../testkit/node-world.ts";
import { createStepGate } from "../testkit/step-gate.ts";
import type { StepFunction } from "./step-function.ts";

const UNREADABLE = 'message m1 cannot be read: its kind "of-a-later-release" is unknown';

/** The world's store, in which messages from or to `bad()` cannot be read. */
function damage({ store }: NodeWorld, bad: () => string | null): Storage {
  const read = async (query: Query): Promise<Answers[Query["kind"]]> => {
    if (query.kind === "inbox") {
      const rows = await store.read(query);
      return rows.map((row) =>
        row.to.runId === bad() ? { to: row.to, unreadable: UNREADABLE } : row,
      );
    }
    if (query.kind === "outbox") {
      const rows = await store.read(query);
      return rows.map((row) =>
        row.from.runId === bad() ? { from: row.from, unreadable: UNREADABLE } : row,
      );
    }
    return store.read(query);
  };
  return {
    ...store,
    // Each kind of query has its kind of answer, which its own type cannot say.
    read: read as Storage["read"],
    take: async (node, due) => {
      const held = await store.take(node, due);
      return held.map((one) =>
        one.run.id === bad() ? { ...one, journal: [], inbox: [], unreadable: UNREADABLE } : one,
      );
    },
  };
}

const untilAborted: StepFunction = (_, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(new Error("aborted")));
  });

const isChildStart = (unit: Unit): boolean => unit.kind === "start" && unit.run.parent !== null;

describe("a message that cannot be read", () => {
  test("sets its run aside by name, and those of other runs arrive", async () => {
    await using world = new NodeWorld();
    let bad: string | null = null;
    const storage = damage(world, () => bad);
    const owner = await world.open({ storage, functions: { a: untilAborted } });
    const workflow = await world.install(owner, [aCallStep("a")]);
    const runs = [await world.start(owner, workflow), await world.start(owner, workflow)] as const;
    [bad] = runs;
    const other = await world.open({ maxResidentRuns: 0 });
    for (const run of runs) await world.cancel(other, run);
    await world.clock.settle();
    expect(await world.get(other, runs[1])).toMatchObject({ status: "cancelled" });
    expect(await world.get(other, runs[0])).toMatchObject({
      status: "running",
      waitingOn: { kind: "divergence", step: null, message: `Of run ${bad}, ${UNREADABLE}` },
    });
    expect(owner.node.metrics().residentRuns).toBe(0);
    bad = null;
    expect(await world.ended(other, runs[0], 61_000)).toMatchObject({ status: "cancelled" });
  });

  test("stays in its sender's outbox and is told of once, and the others are carried", async () => {
    await using world = new NodeWorld();
    // Two messages are left in outboxes: the store says nothing of what became of them.
    const mute: Storage = {
      ...world.store,
      commit: (lane, node, units) =>
        units.some(isChildStart) ? new Promise(() => {}) : world.store.commit(lane, node, units),
    };
    const first = await world.open({ storage: mute });
    const child = await world.install(first, [aCallStep("a")]);
    const parent = await world.install(first, [aChildStep("c", child)]);
    const outcomes = await world.clock.run(
      first.node.startRuns([aStartRequest(parent), aStartRequest(parent)]),
    );
    const [one, two] = outcomes.flatMap((it) => (it.kind === "created" ? [it.runId] : []));
    if (one === undefined || two === undefined) throw new Error("two runs were to start");
    await world.clock.settle();
    expect(world.store.tables.outbox.size).toBe(2);
    let bad: string | null = one;
    const gate = createStepGate();
    const storage = damage(world, () => bad);
    const second = await world.open({ storage, functions: { a: gate.work } });
    await world.clock.advance(60_000);
    expect(gate.begun.map((step) => step.runId)).toHaveLength(1);
    const told = second.logged.filter(({ message }) => message.includes("stays in its outbox"));
    expect(told).toEqual([
      {
        level: "error",
        fields: { runId: one, reason: UNREADABLE },
        message: "a message stays in its outbox",
      },
    ]);
    bad = null;
    await world.clock.advance(60_000);
    expect(gate.begun).toHaveLength(2);
    first.kill();
    gate.open();
    gate.open();
    for (const run of [one, two])
      expect(await world.ended(second, run)).toMatchObject({ status: "completed" });
  });
});
