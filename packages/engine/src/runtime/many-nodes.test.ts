// Several nodes on one store: what they tell each other, and that all of it happens later if nothing is heard.
import { DEFAULT_TENANT, MillraceError, type Run, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Hint, Storage, Unit } from "../storage/storage.ts";
import {
  aCallStep,
  aChildStep,
  aStartRequest,
  aWaitStep,
  NodeWorld,
  type Member,
} from "../testkit/node-world.ts";
import { anEnd, aRunRequest, ScriptedHost, type Script } from "../testkit/scripted-host.ts";
import { createStepGate } from "../testkit/step-gate.ts";
import type { FeedItem } from "./run-event.ts";

const HOUR_MS = 3_600_000;
/** An idle node that hears nothing finds by then whatever it could have heard of. */
const LOOK_MS = 5_000;
const ONE_STEP: Script = { begin: [aRunRequest("a")], a: [anEnd("done")] };

/** The world's store, with a note of what nodes tell each other. */
function noteHints({ store }: NodeWorld): { readonly storage: Storage; readonly told: Hint[] } {
  const told: Hint[] = [];
  const hints = {
    ...store.hints,
    tell: (...[to, hint]: Parameters<Storage["hints"]["tell"]>) => {
      told.push(hint);
      store.hints.tell(to, hint);
    },
  };
  return { storage: { ...store, hints }, told };
}

const kinds = (told: readonly Hint[]): Hint["kind"][] => told.map(({ kind }) => kind);

const waitingOn = (run: Run): unknown => ("waitingOn" in run ? run.waitingOn : undefined);

/** Waits on `member` for the end. @returns the virtual time at which it was told, ms */
function endOf(world: NodeWorld, { node }: Member, runId: RunId): { at: number | null } {
  const told: { at: number | null } = { at: null };
  void node.waitForRun(DEFAULT_TENANT, runId, { timeoutMs: HOUR_MS }).then((run) => {
    if (run !== null && "finishedAt" in run) told.at = world.clock.monotonicMs();
  });
  return told;
}

describe("runs that are due where there is no room", () => {
  test("go to another node, as one word tells all others, at most ten times a second", async () => {
    await using world = new NodeWorld();
    const { storage, told } = noteHints(world);
    const full = await world.open({ storage, maxResidentRuns: 0 });
    const other = await world.open({ functions: { a: () => 1 } });
    const workflow = await world.install(full, [aCallStep("a")]);
    await world.clock.advance(1_000);
    told.length = 0;
    for (let n = 0; n < 50; n++) {
      await world.clock.run(full.node.startRuns([aStartRequest(workflow)]));
      await world.clock.advance(10);
    }
    await world.clock.advance(100);
    expect(other.node.metrics().runsFinished.completed).toBe(50);
    expect(new Set(kinds(told))).toEqual(new Set(["due"]));
    expect(told.length).toBeLessThanOrEqual(7);
  });

  test("are not passed on by nodes that have no room either", async () => {
    await using world = new NodeWorld();
    const { storage, told } = noteHints(world);
    const [one] = [
      await world.open({ storage, maxResidentRuns: 0 }),
      await world.open({ storage, maxResidentRuns: 0 }),
    ];
    const workflow = await world.install(one, [aCallStep("a")]);
    await world.clock.advance(1_000);
    told.length = 0;
    await world.start(one, workflow);
    await world.clock.settle();
    expect(kinds(told)).toEqual(["due"]);
  });

  test("are found by their own looks where no word arrives", async () => {
    await using world = new NodeWorld({ hints: false });
    const full = await world.open({ maxResidentRuns: 0 });
    const other = await world.open({ functions: { a: () => 1 } });
    await world.start(full, await world.install(full, [aCallStep("a")]));
    await world.clock.advance(LOOK_MS);
    expect(other.node.metrics().runsFinished.completed).toBe(1);
  });
});

describe("a run that sleeps", () => {
  test("is woken in time by a node that has never heard of it, when the one that put it to sleep is gone", async () => {
    await using world = new NodeWorld({ hints: false });
    const first = await world.open();
    const second = await world.open();
    const runId = await world.start(first, await world.install(first, [aWaitStep("w", 20_000)]));
    await world.clock.advance(1_000);
    first.kill();
    await world.clock.advance(18_999);
    expect((await world.get(second, runId)).status).toBe("running");
    await world.clock.advance(1);
    expect((await world.get(second, runId)).status).toBe("completed");
  });
});

describe("a message that another node delivers", () => {
  /** A run that stands in the body of a step, and is cancelled on another node. */
  async function cancelElsewhere(world: NodeWorld): Promise<AbortSignal | undefined> {
    const gate = createStepGate();
    const owner = await world.open({ functions: { a: gate.work } });
    const other = await world.open();
    const runId = await world.start(owner, await world.install(owner, [aCallStep("a")]));
    await world.clock.advance(10_100);
    await world.cancel(other, runId);
    await world.clock.settle();
    return gate.begun[0]?.signal;
  }

  test("reaches the run's owner at once", async () => {
    await using world = new NodeWorld();
    const signal = await cancelElsewhere(world);
    expect(signal?.aborted).toBe(true);
    expect(world.clock.monotonicMs()).toBe(10_100);
  });

  test("is found by the owner within a second where no word arrives", async () => {
    await using world = new NodeWorld({ hints: false });
    const signal = await cancelElsewhere(world);
    expect(signal?.aborted).toBe(false);
    await world.clock.advance(1_000);
    expect(signal?.aborted).toBe(true);
  });
});

describe("messages that a dead node has left in an outbox", () => {
  test("are carried by another within ten seconds", async () => {
    await using world = new NodeWorld();
    const { store } = world;
    const storage: Storage = {
      ...store,
      commit: async (lane, node, units) => {
        const outcomes = await store.commit(lane, node, units);
        if (units.some((unit) => unit.kind === "run" && unit.outbox.length > 0)) first.kill();
        return outcomes;
      },
    };
    const other = await world.open({ functions: { a: () => "carried" } });
    const first: Member = await world.open({ storage });
    const child = await world.install(first, [aCallStep("a")]);
    const workflow = await world.install(first, [aChildStep("c", child)]);
    await world.clock.advance(10_000);
    void first.node.startRuns([aStartRequest(workflow)]);
    await world.clock.advance(1_000);
    expect(store.tables.outbox.size).toBe(1);
    await world.clock.advance(9_000);
    expect(store.tables.outbox.size).toBe(0);
    expect(other.node.metrics().runsFinished.completed).toBeGreaterThan(0);
  });
});

describe("a run on another node", () => {
  test("is followed to its end without waiting for the slow look", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const owner = await world.open({ functions: { a: gate.work, b: gate.work } });
    const other = await world.open();
    const runId = await world.start(
      owner,
      await world.install(owner, [aCallStep("a"), aCallStep("b")]),
    );
    const told = endOf(world, other, runId);
    await world.clock.advance(33_333);
    gate.open();
    await world.clock.advance(100);
    expect(told.at).toBeNull();
    gate.open();
    await world.clock.advance(100);
    expect(told.at).toBe(33_433);
  });

  test("is followed within five seconds where no word arrives", async () => {
    await using world = new NodeWorld({ hints: false });
    const gate = createStepGate();
    const owner = await world.open({ functions: { a: gate.work } });
    const other = await world.open();
    const runId = await world.start(owner, await world.install(owner, [aCallStep("a")]));
    const told = endOf(world, other, runId);
    await world.clock.advance(11_000);
    gate.open();
    await world.clock.advance(5_000);
    expect(told.at).toBe(15_000);
  });

  test("tells of each entry as it comes, also when its owner parks it and another goes on", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const functions = { a: gate.work, b: gate.work };
    const owner = await world.open({ functions });
    const other = await world.open();
    const steps = [aCallStep("a"), aWaitStep("w", 60_000), aCallStep("b")];
    const runId = await world.start(owner, await world.install(owner, steps));
    const seen: [FeedItem["type"], number][] = [];
    const life = new AbortController();
    const read = async (): Promise<void> => {
      const feed = other.node.runs.watch(DEFAULT_TENANT, runId, { after: 0, signal: life.signal });
      for await (const item of feed) seen.push([item.type, world.clock.monotonicMs()]);
    };
    const over = read();
    await world.clock.advance(10_000);
    gate.open();
    await world.clock.advance(60_000);
    gate.open();
    await world.clock.run(over);
    expect(seen.map(([type]) => type)).toEqual([
      "run",
      "step.completed",
      "step.waiting",
      "step.completed",
      "step.completed",
      "end",
    ]);
    expect(seen.slice(1, 3).map(([, at]) => at)).toEqual([10_000, 10_000]);
  });

  test("costs a look in five seconds while nothing happens to it", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const owner = await world.open({ functions: { a: gate.work } });
    let reads = 0;
    const { store } = world;
    const read: Storage["read"] = (query) => {
      reads += query.kind === "run" ? 1 : 0;
      return store.read(query);
    };
    const other = await world.open({ storage: { ...store, read } });
    const runId = await world.start(owner, await world.install(owner, [aCallStep("a")]));
    endOf(world, other, runId);
    await world.clock.advance(1_000);
    reads = 0;
    await world.clock.advance(60_000);
    expect(reads).toBe(12);
    gate.open();
  });
});

describe("a run that waits for a worker", () => {
  test("goes to the node that has one", async () => {
    await using world = new NodeWorld();
    const [without, having] = [await world.open(), await world.open()];
    const host = await ScriptedHost.attach(having.node, { script: ONE_STEP });
    const runId = await world.start(without, "order");
    await world.clock.settle();
    expect(await world.get(without, runId)).toMatchObject({ status: "completed", output: "done" });
    expect(host.tasks).toHaveLength(1);
    expect(world.clock.monotonicMs()).toBe(0);
  });

  test("waits in the store from its first moment where no worker is, and is taken once", async () => {
    await using world = new NodeWorld();
    const sent: Unit["kind"][] = [];
    const storage: Storage = {
      ...world.store,
      commit: (lane, node, units) => {
        sent.push(...units.map(({ kind }) => kind));
        return world.store.commit(lane, node, units);
      },
    };
    const [without, having] = [await world.open({ storage }), await world.open()];
    await (await ScriptedHost.attach(without.node, { script: ONE_STEP })).close();
    const runId = await world.start(without, "order");
    const row = world.store.tables.runs.get(runId);
    expect(row).toMatchObject({ status: "pending", owner: null, fence: 1 });
    expect(row?.waitingOn).toEqual({ kind: "worker", workflow: "order", version: "1" });
    const bodies = { a: () => undefined };
    await ScriptedHost.attach(having.node, { script: ONE_STEP, bodies });
    const other = await world.start(without, "order");
    await world.clock.settle();
    expect(world.store.tables.runs.get(other)).toMatchObject({ status: "running", fence: 2 });
    expect(sent).toEqual(["start", "start"]);
  });

  test("is followed to its end at the node that started it, as at its own", async () => {
    await using world = new NodeWorld();
    const { store } = world;
    const taken = Promise.withResolvers<undefined>();
    const storage: Storage = {
      ...store,
      take: async (node, due) => {
        await taken.promise;
        return store.take(node, due);
      },
    };
    const [without, having] = [await world.open(), await world.open({ storage })];
    await ScriptedHost.attach(having.node, { script: ONE_STEP });
    await world.clock.advance(10_000);
    const told = endOf(world, without, await world.start(without, "order"));
    // It has read that nobody owns the run, when somebody takes it.
    await world.clock.advance(100);
    taken.resolve(undefined);
    await world.clock.advance(100);
    expect(told.at).toBe(10_120);
  });

  test("begins at once also as the child of a run at a node without a worker", async () => {
    await using world = new NodeWorld();
    const [without, having] = [await world.open(), await world.open()];
    await ScriptedHost.attach(having.node, { script: ONE_STEP });
    const workflow = await world.install(without, [aChildStep("c", "order")]);
    const runId = await world.start(without, workflow);
    await world.clock.settle();
    expect((await world.get(without, runId)).status).toBe("completed");
    expect(world.clock.monotonicMs()).toBe(0);
  });

  test("is told of again when the answer to its start was lost, and begins at once", async () => {
    await using world = new NodeWorld();
    const { store } = world;
    let isLost = false;
    const storage: Storage = {
      ...store,
      commit: async (lane, node, units) => {
        const outcomes = await store.commit(lane, node, units);
        if (isLost || !units.some(({ kind }) => kind === "start")) return outcomes;
        isLost = true;
        throw new MillraceError("storage.unavailable");
      },
    };
    const [without, having] = [await world.open({ storage }), await world.open()];
    await ScriptedHost.attach(having.node, { script: ONE_STEP });
    const runId = await world.start(without, "order");
    await world.clock.settle();
    expect((await world.get(without, runId)).status).toBe("completed");
    expect(world.clock.monotonicMs()).toBeLessThan(100);
  });

  test("goes to a node at which a worker attaches later, at once", async () => {
    await using world = new NodeWorld();
    const [without, having] = [await world.open(), await world.open()];
    await (await ScriptedHost.attach(without.node, { script: ONE_STEP })).close();
    const runId = await world.start(without, "order");
    await world.clock.advance(10_000);
    expect(waitingOn(await world.get(without, runId))).toMatchObject({ kind: "worker" });
    await ScriptedHost.attach(having.node, { script: ONE_STEP });
    await world.clock.settle();
    expect((await world.get(without, runId)).status).toBe("completed");
    expect(world.clock.monotonicMs()).toBe(10_000);
  });

  test("is found within fifteen seconds where no word arrives", async () => {
    await using world = new NodeWorld({ hints: false });
    const [without, having] = [await world.open(), await world.open()];
    await ScriptedHost.attach(having.node, { script: ONE_STEP });
    await world.clock.advance(20_000);
    const runId = await world.start(without, "order");
    await world.clock.advance(15_000);
    expect((await world.get(without, runId)).status).toBe("completed");
  });

  test("is found within a second where nodes know that no word arrives", async () => {
    await using world = new NodeWorld({ hints: false });
    const hints = { ...world.store.hints, travels: false };
    const storage: Storage = { ...world.store, hints };
    const [without, having] = [await world.open({ storage }), await world.open({ storage })];
    await ScriptedHost.attach(having.node, { script: ONE_STEP });
    await world.clock.advance(20_000);
    const runId = await world.start(without, "order");
    await world.clock.advance(1_000);
    expect((await world.get(without, runId)).status).toBe("completed");
  });

  test("stays for others while its node's workers have no slot free, and goes on when one is", async () => {
    await using world = new NodeWorld();
    const [without, having] = [await world.open(), await world.open()];
    const bodies = { a: () => undefined };
    const busy = await ScriptedHost.attach(having.node, {
      script: ONE_STEP,
      bodies,
      offer: { slots: 2 },
    });
    for (let n = 0; n < 5; n++) await world.start(without, "order");
    await world.clock.advance(1_000);
    expect([busy.tasks.length, having.node.metrics().residentRuns]).toEqual([2, 2]);
    const third = await world.open();
    const free = await ScriptedHost.attach(third.node, { script: ONE_STEP });
    await world.clock.settle();
    expect(free.tasks).toHaveLength(3);
    expect(third.node.metrics().runsFinished.completed).toBe(3);
  });

  test("goes on in the slot that the one before it leaves, however many wait", async () => {
    await using world = new NodeWorld();
    const [without, having] = [await world.open(), await world.open()];
    await (await ScriptedHost.attach(without.node, { script: ONE_STEP })).close();
    const count = 250;
    const requests = Array.from({ length: count }, () => aStartRequest("order"));
    await world.clock.run(without.node.startRuns(requests));
    await world.clock.advance(10_000);
    await ScriptedHost.attach(having.node, { script: ONE_STEP, offer: { slots: 3 } });
    await world.clock.settle();
    expect(having.node.metrics().runsFinished.completed).toBe(count);
    expect(world.clock.monotonicMs()).toBe(10_000);
  });

  test("costs nodes without workers nothing, and one with a worker a look in fifteen seconds", async () => {
    await using world = new NodeWorld();
    const reads = { without: 0, having: 0 };
    const { store } = world;
    const countInto = (who: keyof typeof reads): Storage => ({
      ...store,
      read: (query) => {
        reads[who] += query.kind === "awaiting" ? 1 : 0;
        return store.read(query);
      },
    });
    await world.open({ storage: countInto("without") });
    const having = await world.open({ storage: countInto("having") });
    const host = await ScriptedHost.attach(having.node, { script: ONE_STEP });
    await world.clock.advance(60_000);
    expect(reads).toEqual({ without: 0, having: 5 });
    await host.close();
    await world.clock.advance(15_000);
    reads.having = 0;
    await world.clock.advance(60_000);
    expect(reads.having).toBe(0);
  });
});

describe("a node that stops", () => {
  test("tells others of what it hands over, which goes on there at once", async () => {
    await using world = new NodeWorld();
    const gates = [createStepGate(), createStepGate()] as const;
    const first = await world.open({ functions: { a: gates[0].work } });
    await world.open({ functions: { a: gates[1].work } });
    const workflow = await world.install(first, [aCallStep("a")]);
    for (let n = 0; n < 3; n++) await world.start(first, workflow);
    await world.clock.advance(10_000);
    await first.stop(2_000);
    await world.clock.settle();
    expect(gates[1].begun).toHaveLength(3);
    expect(world.clock.monotonicMs()).toBeLessThan(12_200);
    for (const gate of gates) gate.open();
  });

  test("tells of each run as it gives it up, while bodies of others still run, and of the last as well", async () => {
    await using world = new NodeWorld();
    const gates = [createStepGate(), createStepGate()] as const;
    const [mine, theirs] = gates;
    const first = await world.open({ functions: { a: mine.work, b: mine.work } });
    await world.open({ functions: { a: theirs.work, b: theirs.work } });
    const workflow = await world.install(first, [aCallStep("a"), aCallStep("b")]);
    for (let n = 0; n < 2; n++) await world.start(first, workflow);
    await world.clock.advance(10_000);
    const stopped = first.node.stop({ graceMs: 2_000 });
    await world.clock.advance(1_950);
    mine.open();
    await world.clock.settle();
    expect(theirs.begun.map(({ step }) => step)).toEqual(["b"]);
    await world.clock.run(stopped);
    await world.clock.settle();
    expect(theirs.begun.map(({ step }) => step)).toEqual(["b", "a"]);
    for (const gate of gates) gate.open();
  });

  test("hands over without a word what others find by looking", async () => {
    await using world = new NodeWorld({ hints: false });
    const gates = [createStepGate(), createStepGate()] as const;
    const first = await world.open({ functions: { a: gates[0].work } });
    await world.open({ functions: { a: gates[1].work } });
    await world.start(first, await world.install(first, [aCallStep("a")]));
    await first.stop(2_000);
    await world.clock.advance(LOOK_MS);
    expect(gates[1].begun).toHaveLength(1);
    for (const gate of gates) gate.open();
  });
});
