// Forces a crash at each point of a message's way: after the sender's commit, after the receiver's, before the
// sender's outbox hears of it.
import { DEFAULT_TENANT, MillraceError, type JsonValue, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Storage, Unit } from "../storage/storage.ts";
import { aCallStep, aChildStep, aWaitStep, NodeWorld, type Member } from "../testkit/node-world.ts";

type Point = (units: readonly Unit[]) => boolean;

const isRunWith =
  (content: "start" | "message"): Point =>
  (units) =>
    units.some(
      (unit) =>
        unit.kind === "run" && unit.outbox.some((message) => message.content.kind === content),
    );
const isChildStart: Point = (units) =>
  units.some((unit) => unit.kind === "start" && unit.run.parent !== null);
const isReply: Point = (units) => units.some((unit) => unit.kind === "delivery");
const isForgetting: Point = (units) => units.some((unit) => unit.kind === "sent");

/** The world's store, which tells of the first commit at `point` as soon as it is applied. */
function watchFirst(world: NodeWorld, point: Point, onApplied: () => void): Storage {
  let isOver = false;
  return {
    ...world.store,
    commit: async (lane, node, units) => {
      const outcomes = await world.store.commit(lane, node, units);
      if (!isOver && point(units)) {
        isOver = true;
        onApplied();
      }
      return outcomes;
    },
  };
}

interface Family {
  readonly parent: RunId;
  /** How often the child's step and the parent's last step have begun. */
  readonly bodies: { child: number; parent: number };
  readonly functions: { child: () => JsonValue; parent: (input: JsonValue) => JsonValue };
}

/** Starts a parent that waits for a child, on `member`. */
async function startFamily(
  world: NodeWorld,
  member: Member,
  functions: Family["functions"],
  bodies: Family["bodies"],
): Promise<Family> {
  const child = await world.install(member, [aCallStep("child")], { name: "Child" });
  const steps = [aChildStep("c", child), aCallStep("parent")];
  const parent = await world.start(member, await world.install(member, steps));
  return { parent, bodies, functions };
}

function aFamily(): Pick<Family, "bodies" | "functions"> {
  const bodies = { child: 0, parent: 0 };
  return {
    bodies,
    functions: {
      child: () => {
        bodies.child += 1;
        return "from the child";
      },
      parent: (input) => {
        bodies.parent += 1;
        return input;
      },
    },
  };
}

/** Everything has ended well, once, and nothing is left on its way. */
async function expectWell(world: NodeWorld, member: Member, family: Family): Promise<void> {
  expect(await world.ended(member, family.parent)).toMatchObject({
    status: "completed",
    output: "from the child",
  });
  await world.clock.advance(20_000);
  const runs = await member.node.listRuns(DEFAULT_TENANT, { before: null, limit: 10 });
  expect(runs.map(({ status, trigger }) => `${trigger} ${status}`).toSorted()).toEqual([
    "api completed",
    "subworkflow completed",
  ]);
  expect(family.bodies.parent).toBe(1);
  const { outbox, inbox, runs: live } = world.store.tables;
  expect([outbox.size, inbox.size, live.size]).toEqual([0, 0, 0]);
}

describe("a message between runs", () => {
  test("is carried by the node that has stored it, without waiting", async () => {
    await using world = new NodeWorld();
    const { bodies, functions } = aFamily();
    const member = await world.open({ functions });
    const family = await startFamily(world, member, functions, bodies);
    await world.clock.settle();
    expect(world.clock.monotonicMs()).toBe(0);
    expect(bodies).toEqual({ child: 1, parent: 1 });
    await expectWell(world, member, family);
  });

  test.each<[string, Point, number]>([
    ["the start of a child is stored in the outbox", isRunWith("start"), 1],
    ["the child is stored, and its parent's node owns it", isChildStart, 1],
    ["the reply is stored in the child's outbox", isRunWith("message"), 1],
    ["the reply is stored in the parent's inbox", isReply, 1],
    ["an outbox has forgotten what has arrived", isForgetting, 2],
  ])("is carried by another node when its own dies as soon as %s", async (_, point, most) => {
    await using world = new NodeWorld();
    const { bodies, functions } = aFamily();
    const first: Member = await world.open({
      functions,
      storage: watchFirst(world, point, () => first.kill()),
    });
    const family = await startFamily(world, first, functions, bodies);
    await world.clock.settle();
    expect(world.store.tables.history.get(family.parent)).toBeUndefined();
    const second = await world.open({ functions });
    await expectWell(world, second, family);
    // A body whose result was not stored may run again; one whose result was stored does not.
    expect(bodies.child).toBeLessThanOrEqual(most);
  });

  test("is carried by another node while the sender's node lives and has given it up", async () => {
    await using world = new NodeWorld();
    const { bodies, functions } = aFamily();
    let refusals = 0;
    // Never delivers a child's start itself, as if its courier were gone; all else works.
    const storage: Storage = {
      ...world.store,
      commit: (lane, node, units) => {
        if (!isChildStart(units)) return world.store.commit(lane, node, units);
        refusals += 1;
        return Promise.reject(new MillraceError("storage.fenced-node"));
      },
    };
    const first = await world.open({ functions, storage });
    const family = await startFamily(world, first, functions, bodies);
    await world.clock.advance(1_000);
    expect([refusals, bodies.child]).toEqual([1, 0]);
    const second = await world.open({ functions });
    await expectWell(world, second, family);
    expect(bodies.child).toBe(1);
  });

  test("counts once when three nodes carry it at the same time", async () => {
    await using world = new NodeWorld();
    const { bodies, functions } = aFamily();
    const first: Member = await world.open({
      functions,
      storage: watchFirst(world, isRunWith("message"), () => first.kill()),
    });
    const family = await startFamily(world, first, functions, bodies);
    // Opened in one turn: their sweeps fall together.
    const others = await Promise.all([0, 1, 2].map(() => world.open({ functions })));
    const [second] = others;
    if (second === undefined) throw new Error("no node");
    await expectWell(world, second, family);
    expect(bodies).toEqual({ child: 1, parent: 1 });
  });

  test("is forgotten when its receiver has ended meanwhile", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const child = await world.install(member, [aWaitStep("w", 10_000)]);
    const parent = await world.install(member, [aChildStep("c", child)], { timeoutMs: 5_000 });
    const runId = await world.start(member, parent);
    // The child's cancellation and its end cross on the way: it ends in the moment in which it is told to.
    expect(await world.ended(member, runId)).toMatchObject({ failure: { code: "run.timeout" } });
    await world.clock.advance(20_000);
    const runs = await member.node.listRuns(DEFAULT_TENANT, { before: null, limit: 10 });
    expect(runs.map(({ status }) => status).toSorted()).toEqual(["cancelled", "failed"]);
    expect(world.store.tables.outbox.size).toBe(0);
  });

  test("is told to a run that sleeps meanwhile, as soon as it is stored", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: { parent: (input: JsonValue) => input } });
    const child = await world.install(member, [aWaitStep("w", 30_000)], { output: "slept" });
    const parent = await world.install(member, [aChildStep("c", child), aCallStep("parent")]);
    const runId = await world.start(member, parent);
    await world.clock.advance(29_999);
    expect(member.node.metrics().residentRuns).toBe(0);
    await world.clock.advance(1);
    expect(await world.get(member, runId)).toMatchObject({ status: "completed", output: "slept" });
  });
});
