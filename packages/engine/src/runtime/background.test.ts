// What nodes ask of a store when nothing happens, and what makes them ask sooner.
import { MillraceError, type NodeId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Hint, Reaped, Storage } from "../storage/storage.ts";
import { aCallStep, aWaitStep, NodeWorld, type Member } from "../testkit/node-world.ts";
import { createStepGate } from "../testkit/step-gate.ts";

const MINUTE_MS = 60_000;

interface Counted {
  readonly storage: Storage;
  /** What was called, in order; reads by their kind. */
  readonly calls: string[];
}

/** The store, with a note of each call; the catalog's too. */
function counted(world: NodeWorld, more: Partial<Storage> = {}): Counted {
  const { store } = world;
  const calls: string[] = [];
  const noted = <T>(name: string, value: T): T => {
    calls.push(name);
    return value;
  };
  const { catalog } = store;
  const storage: Storage = {
    ...store,
    catalog: {
      put: (...args) => noted("put", catalog.put(...args)),
      get: (...args) => noted("get", catalog.get(...args)),
      list: (...args) => noted("list", catalog.list(...args)),
      delete: (...args) => noted("delete", catalog.delete(...args)),
    },
    beat: (node) => noted("beat", (more.beat ?? store.beat)(node)),
    reap: () => noted("reap", store.reap()),
    commit: (...args) => noted("commit", store.commit(...args)),
    findDue: (...args) => noted("findDue", store.findDue(...args)),
    take: (...args) => noted("take", store.take(...args)),
    read: (query) => noted(query.kind, store.read(query)),
    hints: more.hints ?? store.hints,
  };
  return { storage, calls };
}

/** Without the start. */
async function openCounted(
  world: NodeWorld,
  more: Partial<Storage> = {},
): Promise<Counted & { readonly member: Member }> {
  const { storage, calls } = counted(world, more);
  const member = await world.open({ storage, functions: { a: () => 1 } });
  await world.clock.advance(10_000);
  calls.length = 0;
  return { storage, calls, member };
}

describe("an idle node", () => {
  test("names what is wrong with its store, until the store answers again", async () => {
    await using world = new NodeWorld();
    let isAway = false;
    const away = (): Promise<never> =>
      Promise.reject(new MillraceError("storage.unavailable", "nobody answers"));
    const { member } = await openCounted(world, {
      beat: (node) => (isAway ? away() : world.store.beat(node)),
    });
    expect(member.node.health()).toEqual({ state: "ready", reason: null });
    isAway = true;
    await world.clock.advance(5_000);
    expect(member.node.health()).toEqual({ state: "ready", reason: "nobody answers" });
    isAway = false;
    await world.clock.advance(5_000);
    expect(member.node.health()).toEqual({ state: "ready", reason: null });
  });

  test("asks the store at most fifteen things in a minute, and each is a heartbeat", async () => {
    await using world = new NodeWorld();
    const { calls } = await openCounted(world);
    await world.clock.advance(MINUTE_MS);
    expect(new Set(calls)).toEqual(new Set(["beat"]));
    expect(calls.length).toBeLessThanOrEqual(15);
  });

  test("asks no more when others beside it are idle, and when runs sleep", async () => {
    await using world = new NodeWorld();
    const { calls, member } = await openCounted(world);
    for (let n = 0; n < 3; n++) await world.open();
    await world.start(member, await world.install(member, [aWaitStep("w", 10 * MINUTE_MS)]));
    await world.clock.advance(2 * MINUTE_MS);
    calls.length = 0;
    await world.clock.advance(MINUTE_MS);
    expect(new Set(calls)).toEqual(new Set(["beat"]));
    expect(calls.length).toBeLessThanOrEqual(15);
  });

  test("looks every second where it cannot be told anything", async () => {
    await using world = new NodeWorld();
    const hints = { ...world.store.hints, travels: false };
    const { calls } = await openCounted(world, { hints });
    await world.clock.advance(MINUTE_MS);
    expect(new Set(calls)).toEqual(new Set(["beat"]));
    expect(calls).toHaveLength(60);
  });

  test("forgets what has expired all the same, four times in an hour", async () => {
    await using world = new NodeWorld();
    const { calls, member } = await openCounted(world);
    const workflow = await world.install(member, [aCallStep("a")]);
    await world.start(member, workflow, { idempotencyKey: "k" });
    await world.clock.advance(10_000);
    expect(world.store.tables.keys.size).toBe(1);
    calls.length = 0;
    await world.clock.advance(60 * MINUTE_MS);
    expect(calls.filter((name) => name === "reap")).toHaveLength(4);
    await world.clock.advance(24 * 60 * MINUTE_MS);
    expect(world.store.tables.keys.size).toBe(0);
  });
});

describe("a busy node", () => {
  test("looks every second, and is idle again when its runs have left", async () => {
    await using world = new NodeWorld();
    const { storage, calls } = counted(world);
    const gate = createStepGate();
    const member = await world.open({ storage, functions: { a: gate.work } });
    await world.start(member, await world.install(member, [aCallStep("a")]));
    await world.clock.advance(10_000);
    calls.length = 0;
    await world.clock.advance(10_000);
    expect(calls.filter((name) => name === "beat")).toHaveLength(10);
    gate.open();
    await world.clock.advance(2 * MINUTE_MS);
    calls.length = 0;
    await world.clock.advance(MINUTE_MS);
    expect(calls.length).toBeLessThanOrEqual(15);
  });
});

describe("a node that begins to write", () => {
  test("looks within a second, and not when it had meant to while it was idle", async () => {
    await using world = new NodeWorld();
    const { calls, member } = await openCounted(world);
    await world.start(member, await world.install(member, [aCallStep("a")]));
    expect(calls.filter((name) => name === "beat")).toEqual([]);
    await world.clock.advance(1_000);
    expect(calls.filter((name) => name === "beat")).toHaveLength(1);
    // Whoever writes has also something to forget, but not at once.
    expect(calls.filter((name) => name === "reap")).toEqual([]);
    await world.clock.advance(MINUTE_MS);
    expect(calls.filter((name) => name === "reap")).toHaveLength(1);
  });
});

describe("a heartbeat that fails", () => {
  test("is tried again soon, so that a lease outlives a store that was away for a while", async () => {
    await using world = new NodeWorld();
    const beats: number[] = [];
    let isAway = false;
    const beat: Storage["beat"] = (node) => {
      beats.push(world.clock.monotonicMs());
      return isAway
        ? Promise.reject(new MillraceError("storage.unavailable"))
        : world.store.beat(node);
    };
    await openCounted(world, { beat });
    beats.length = 0;
    isAway = true;
    await world.clock.advance(5_000);
    isAway = false;
    const [first = 0] = beats;
    expect(beats.slice(0, 3)).toEqual([first, first + 500, first + 1_000]);
    await world.clock.advance(1_000);
    beats.length = 0;
    await world.clock.advance(4_000);
    expect(beats.length).toBeLessThanOrEqual(1);
  });
});

describe("a pass of the reaper that leaves something behind", () => {
  test("is followed by others, one a second, until nothing is left", async () => {
    await using world = new NodeWorld();
    let left = 3;
    const reap = async (): Promise<Reaped> => {
      left -= 1;
      return { freed: 0, pruned: 0, isMore: left > 0 };
    };
    await world.open({ storage: { ...world.store, reap } });
    // Before the node was ready, and when its services began.
    await world.clock.advance(999);
    expect(left).toBe(1);
    await world.clock.advance(1);
    expect(left).toBe(0);
    await world.clock.advance(MINUTE_MS);
    expect(left).toBe(0);
  });
});

describe("the end of a lease", () => {
  test("is found in time by a node that does nothing else, also if another ends just after it", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const dying: Member[] = [];
    for (const pauseMs of [0, 700]) {
      await world.clock.advance(pauseMs);
      dying.push(await world.open({ functions: { a: gate.work } }));
    }
    const third = await world.open({ functions: { a: () => "saved" } });
    const runIds = [];
    for (const member of dying) {
      runIds.push(await world.start(member, await world.install(member, [aCallStep("a")])));
    }
    await world.clock.advance(20_000);
    for (const member of dying) member.kill();
    await world.clock.advance(10_000);
    for (const runId of runIds)
      expect(await world.get(third, runId)).toMatchObject({ status: "completed", output: "saved" });
  });
});

describe("a node that had to join again", () => {
  test("hears what it is told under its new name, and no longer what the old one is told", async () => {
    await using world = new NodeWorld();
    const joined: NodeId[] = [];
    const heard: [NodeId, Hint["kind"]][] = [];
    const { store } = world;
    let isDead = false;
    const storage: Storage = {
      ...store,
      join: (node) => {
        joined.push(node.id);
        return store.join(node);
      },
      beat: (node) => {
        if (!isDead) return store.beat(node);
        isDead = false;
        return Promise.reject(new MillraceError("storage.fenced-node"));
      },
      hints: {
        ...store.hints,
        listen: (node, hear) =>
          store.hints.listen(node, (hint) => {
            heard.push([node, hint.kind]);
            hear(hint);
          }),
      },
    };
    const member = await world.open({ storage });
    isDead = true;
    await world.clock.advance(10_000);
    const [old, now] = joined;
    if (old === undefined || now === undefined) throw new Error("it has not joined again");
    for (const node of [old, now]) store.hints.tell(node, { kind: "due" });
    expect(heard).toEqual([[now, "due"]]);
    await member.stop();
    heard.length = 0;
    store.hints.tell(now, { kind: "due" });
    expect(heard).toEqual([]);
  });
});
