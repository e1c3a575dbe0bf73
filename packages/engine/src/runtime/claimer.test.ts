import {
  asJsonText,
  DEFAULT_TENANT,
  MillraceError,
  type NodeId,
  type Priority,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { Storage } from "../storage/storage.ts";
import {
  aCallStep,
  aChildStep,
  aStartRequest,
  aWaitStep,
  NodeWorld,
  type Member,
} from "../testkit/node-world.ts";
import { anEnd, aRunRequest, ScriptedHost } from "../testkit/scripted-host.ts";
import { createStepGate } from "../testkit/step-gate.ts";
import { graphPrograms } from "../steps/graph-programs.ts";
import type { ProgramKind } from "./program-kind.ts";

const HOUR_MS = 3_600_000;

/** A node that holds no runs: what it starts waits in the store. */
const openFull = (world: NodeWorld): Promise<Member> => world.open({ maxResidentRuns: 0 });

const fences = (world: NodeWorld): number[] =>
  world.store.tables.runs.values().map(({ fence }) => fence);

describe("a node with room", () => {
  test("owns the run that it starts from its first moment", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work } });
    await world.start(member, await world.install(member, [aCallStep("a")]));
    expect(fences(world)).toEqual([1]);
    expect(member.node.metrics().runsTaken).toBe(0);
  });

  test("takes at once what another node had no room for", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const full = await openFull(world);
    const workflow = await world.install(full, [aCallStep("a")]);
    await world.open({ functions: { a: gate.work } });
    await world.clock.advance(100);
    await world.start(full, workflow);
    await world.clock.settle();
    expect(gate.begun).toHaveLength(1);
    expect(world.clock.monotonicMs()).toBe(100);
  });

  test("takes what is due in its first moment", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const full = await openFull(world);
    await world.start(full, await world.install(full, [aCallStep("a")]));
    await world.open({ functions: { a: gate.work } });
    await world.clock.settle();
    expect(gate.begun).toHaveLength(1);
    expect(world.clock.monotonicMs()).toBe(0);
  });

  test("takes a sleeping run when it is due, and not when it looks next", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await world.start(member, await world.install(member, [aWaitStep("w", 12_345)]));
    await world.clock.advance(12_344);
    expect((await world.get(member, runId)).status).toBe("running");
    await world.clock.advance(1);
    expect((await world.get(member, runId)).status).toBe("completed");
  });

  test("takes a thousand due runs without pausing between batches (fault 40)", async () => {
    await using world = new NodeWorld();
    const full = await openFull(world);
    const workflow = await world.install(full, [aCallStep("a")]);
    const requests = Array.from({ length: 1_200 }, () => aStartRequest(workflow));
    await world.clock.run(full.node.startRuns(requests));
    const before = world.clock.monotonicMs();
    const member = await world.open({ functions: { a: () => 1 }, maxResidentRuns: 5_000 });
    await world.clock.advance(0);
    await world.clock.settle();
    expect(world.clock.monotonicMs() - before).toBe(0);
    expect(member.node.metrics()).toMatchObject({
      runsTaken: 1_200,
      runsFinished: { completed: 1_200 },
    });
  });

  test("finds its place in the order of priority, then of time", async () => {
    await using world = new NodeWorld();
    const order: string[] = [];
    const full = await openFull(world);
    const workflow = await world.install(full, [aCallStep("a")]);
    for (const [name, priority] of [
      ["low", 3],
      ["first normal", 1],
      ["urgent", 0],
      ["second normal", 1],
    ] as const satisfies readonly [string, Priority][]) {
      await world.start(full, workflow, { priority, input: asJsonText(JSON.stringify(name)) });
      await world.clock.advance(10);
    }
    const member = await world.open({
      functions: { a: (_, { input }) => order.push(JSON.stringify(input)) },
      maxResidentRuns: 1,
    });
    await world.clock.advance(5_000);
    expect(order).toEqual(['"urgent"', '"first normal"', '"second normal"', '"low"']);
    expect(member.node.metrics().residentRuns).toBe(0);
  });

  test("lets no new run overtake those that wait", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work }, maxResidentRuns: 1 });
    const workflow = await world.install(member, [aCallStep("a")]);
    for (let n = 0; n < 3; n++) {
      await world.start(member, workflow);
      await world.clock.advance(10);
    }
    const [, second] = world.store.tables.runs.values();
    gate.open();
    await world.clock.settle();
    // There is room now, but somebody waits for it.
    await world.start(member, workflow);
    await world.clock.advance(1_000);
    expect(gate.begun.map(({ runId }) => runId)[1]).toBe(second?.id);
  });
});

describe("a node that has found more than it could take", () => {
  test("owns no new run at once although it has room again, until it has caught up", async () => {
    // It does not look again in the moment in which a run has ended.
    await using world = new NodeWorld({ hints: false });
    const gate = createStepGate();
    const full = await openFull(world);
    const workflow = await world.install(full, [aCallStep("a")]);
    for (let n = 0; n < 5; n++) await world.start(full, workflow);
    const member = await world.open({ functions: { a: gate.work }, maxResidentRuns: 2 });
    await world.clock.settle();
    gate.open();
    await world.clock.settle();
    const runId = await world.start(member, workflow);
    expect(world.store.tables.runs.get(runId)).toMatchObject({ owner: null, status: "pending" });
    for (let n = 0; n < 6; n++) {
      await world.clock.advance(1_000);
      gate.open();
    }
    await world.clock.advance(1_000);
    await world.start(member, workflow);
    expect(fences(world)).toEqual([1]);
    gate.open();
  });
});

describe("a node without room", () => {
  test("takes no more runs than it may hold", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work }, maxResidentRuns: 3 });
    const workflow = await world.install(member, [aCallStep("a")]);
    for (let n = 0; n < 10; n++) await world.start(member, workflow);
    await world.clock.advance(5_000);
    expect(gate.begun).toHaveLength(3);
    for (let n = 0; n < 10; n++) {
      gate.open();
      await world.clock.advance(1_000);
      expect(member.node.metrics().residentRuns).toBeLessThanOrEqual(3);
    }
    expect(member.node.metrics().runsFinished.completed).toBe(10);
  });

  test("takes no more runs while a hundred bodies outlive their time, says so, and goes on when they end", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work, b: () => "fine" } });
    const stubborn = await world.install(member, [aCallStep("a", { timeoutMs: 1_000 })]);
    const requests = Array.from({ length: 100 }, () => aStartRequest(stubborn));
    await world.clock.run(member.node.startRuns(requests));
    expect(member.node.health()).toEqual({ state: "ready", reason: null });
    await world.clock.advance(1_000);
    expect(member.node.health()).toEqual({
      state: "ready",
      reason: "100 step bodies outlived their time; this node takes no more runs until they end",
    });
    const runId = await world.start(member, await world.install(member, [aCallStep("b")]));
    await world.clock.advance(5_000);
    expect((await world.get(member, runId)).status).toBe("pending");
    gate.open();
    await world.clock.advance(1_000);
    expect((await world.get(member, runId)).status).toBe("completed");
    expect(member.node.health().reason).toBeNull();
  });
});

describe("a take whose answer is lost", () => {
  test("is asked for again until it is known, and takes each run once", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const full = await openFull(world);
    const runId = await world.start(full, await world.install(full, [aCallStep("a")]));
    let lost = 0;
    const storage: Storage = {
      ...world.store,
      take: async (node, due) => {
        const held = await world.store.take(node, due);
        if (lost++ < 5) throw new MillraceError("storage.unavailable");
        return held;
      },
    };
    await world.open({ functions: { a: gate.work }, storage });
    await world.clock.advance(500);
    expect(gate.begun).toHaveLength(1);
    expect(world.store.tables.runs.get(runId)?.fence).toBe(2);
  });

  test("is not taken up by a node that was declared dead meanwhile", async () => {
    await using world = new NodeWorld();
    const gates = [createStepGate(), createStepGate()] as const;
    const full = await openFull(world);
    await world.start(full, await world.install(full, [aCallStep("a")]));
    const answer = Promise.withResolvers<void>();
    let isCutOff = false;
    const storage: Storage = {
      ...world.store,
      beat: (node) =>
        isCutOff
          ? Promise.reject(new MillraceError("storage.unavailable"))
          : world.store.beat(node),
      take: async (node, due) => {
        const held = await world.store.take(node, due);
        isCutOff = true;
        await answer.promise;
        return held;
      },
    };
    const slow = await world.open({ functions: { a: gates[0].work }, storage });
    await world.open({ functions: { a: gates[1].work } });
    await world.clock.advance(10_000);
    expect(gates[1].begun).toHaveLength(1);
    isCutOff = false;
    // It hears that it is dead, joins as a new node, and only then hears what the old one has taken.
    await world.clock.advance(2_500);
    answer.resolve();
    await world.clock.advance(2_500);
    expect(gates[0].begun).toEqual([]);
    expect(slow.node.metrics().residentRuns).toBe(0);
    gates[1].open();
  });
});

describe("a run that is found in two ways at once", () => {
  test("is taken once: a second take would be given it again, under the same fence", async () => {
    await using world = new NodeWorld();
    const { store } = world;
    const answered = Promise.withResolvers<undefined>();
    let takes = 0;
    const storage: Storage = {
      ...store,
      take: async (node, due) => {
        takes += 1;
        const held = await store.take(node, due);
        await answered.promise;
        return held;
      },
    };
    const full = await openFull(world);
    const member = await world.open({ storage });
    const script = { begin: [aRunRequest("a")] };
    const bodies = { a: () => undefined };
    const host = await ScriptedHost.attach(member.node, { script, bodies });
    const runId = await world.start(full, "order");
    await world.clock.advance(100);
    const row = store.tables.runs.get(runId);
    if (row === undefined) throw new Error("no run");
    const { tenant, shard, workflowId: workflow, workflowVersion: version } = row;
    const run = { tenant, shard, runId, fence: row.fence - 1 };
    const node = "node_other" as NodeId;
    const tell = async (): Promise<void> => {
      store.hints.tell(null, { kind: "awaiting", run, node, workflow, version });
      await world.clock.settle();
    };
    await tell();
    answered.resolve(undefined);
    await world.clock.settle();
    await tell();
    expect([takes, host.tasks.length, member.node.metrics().residentRuns]).toEqual([1, 1, 1]);
  });
});

describe("a node whose hints are all lost", () => {
  test("finds runs, messages, children and their replies by looking (fault 23)", async () => {
    await using world = new NodeWorld({ hints: false });
    const gate = createStepGate();
    const full = await openFull(world);
    const member = await world.open({ functions: { a: gate.work, b: () => "done" } });
    const child = await world.install(full, [aCallStep("a")]);
    const parent = await world.install(full, [aChildStep("c", child), aCallStep("b")]);
    const runId = await world.start(full, parent);
    const cancelled = await world.start(full, child);
    await world.clock.advance(10_000);
    expect(gate.begun).toHaveLength(2);
    await world.cancel(full, cancelled);
    await world.clock.advance(1_000);
    gate.open();
    gate.open();
    expect(await world.ended(member, cancelled)).toMatchObject({ status: "cancelled" });
    expect(await world.ended(member, runId)).toMatchObject({ output: "done" });
  });
});

describe("a find that fails", () => {
  test("is logged and repeated, and no run is lost by it", async () => {
    await using world = new NodeWorld();
    let failures = 3;
    const storage: Storage = {
      ...world.store,
      findDue: (shards, limit) =>
        failures-- > 0
          ? Promise.reject(new MillraceError("storage.unavailable"))
          : world.store.findDue(shards, limit),
    };
    const full = await openFull(world);
    const runId = await world.start(full, await world.install(full, [aCallStep("a")]));
    const member = await world.open({ functions: { a: () => 1 }, storage });
    expect(await world.ended(member, runId, 10_000)).toMatchObject({ status: "completed" });
    expect(failures).toBeLessThan(0);
    // Once for all of them, see `service.ts`.
    const told = member.logged.filter(({ message }) => message.includes("claimer failed"));
    expect(told).toHaveLength(1);
  });
});

describe("a run whose version of its workflow cannot be read", () => {
  test.each([
    ["is not in the catalog", null],
    ["is no JSON", "{"],
    ["is of a later release", '{"name":"Test","steps":[{"id":"w","type":"of-a-later-release"}]}'],
  ])(
    "is set aside when it %s, does not hold up others, and goes on when that is mended",
    async (_, damaged) => {
      await using world = new NodeWorld();
      const first = await world.open();
      const workflow = await world.install(first, [aWaitStep("w", 5_000)], { output: "mended" });
      const healthy = await world.install(first, [aWaitStep("w", 5_000)], { output: "healthy" });
      const runId = await world.start(first, workflow);
      const other = await world.start(first, healthy);
      await world.clock.settle();
      await first.stop();
      const { catalog } = world.store;
      const good = await catalog.get(DEFAULT_TENANT, "workflow-version", `${workflow}#1`);
      if (good === null) throw new Error("no version");
      if (damaged === null) await catalog.delete(DEFAULT_TENANT, good.kind, good.id, 1);
      else await catalog.put([{ ...good, expectedRevision: 1, body: asJsonText(damaged) }], null);

      const second = await world.open();
      expect(await world.ended(second, other, 10_000)).toMatchObject({ output: "healthy" });
      expect(await world.get(second, runId)).toMatchObject({
        status: "running",
        waitingOn: { kind: "divergence", step: null },
      });
      expect(second.node.metrics().residentRuns).toBe(0);

      const expectedRevision = damaged === null ? null : 2;
      await catalog.put([{ ...good, expectedRevision }], null);
      expect(await world.ended(second, runId, HOUR_MS)).toMatchObject({ output: "mended" });
    },
  );
});

describe("a run that cannot be taken up", () => {
  test("is set aside by name where a row of it cannot be read, and the others go on", async () => {
    await using world = new NodeWorld();
    const { store } = world;
    const full = await openFull(world);
    const workflow = await world.install(full, [aCallStep("a")]);
    const [bad, good] = [await world.start(full, workflow), await world.start(full, workflow)];
    const unreadable = "journal entry 3 cannot be read: it is damaged";
    let isMended = false;
    const storage: Storage = {
      ...store,
      take: async (node, due) => {
        const held = await store.take(node, due);
        return held.map((one) =>
          one.run.id === bad && !isMended ? { ...one, journal: [], inbox: [], unreadable } : one,
        );
      },
    };
    const member = await world.open({ storage, functions: { a: () => 1 } });
    await world.clock.settle();
    expect((await world.get(member, good)).status).toBe("completed");
    expect(await world.get(member, bad)).toMatchObject({
      status: "running",
      waitingOn: { kind: "divergence", step: null, message: `Of run ${bad}, ${unreadable}` },
    });
    isMended = true;
    expect(await world.ended(member, bad, 61_000)).toMatchObject({ status: "completed" });
  });

  test("is set aside where its program throws, and the others go on", async () => {
    await using world = new NodeWorld();
    const full = await openFull(world);
    const workflow = await world.install(full, [aCallStep("a")]);
    const input = asJsonText('"bad"');
    const [bad, good] = [
      await world.start(full, workflow, { input }),
      await world.start(full, workflow),
    ];
    const programs: ProgramKind = {
      parse: (value) => graphPrograms.parse(value),
      compile: (...args) => {
        const compiled = graphPrograms.compile(...args);
        const create: typeof compiled.create = (head) => {
          if (head.input === input) throw new TypeError("a mistake");
          return compiled.create(head);
        };
        return { ...compiled, create };
      },
    };
    const member = await world.open({ programs, functions: { a: () => 1 } });
    await world.clock.settle();
    expect(member.node.metrics()).toMatchObject({
      runsFinished: { completed: 1 },
      residentRuns: 0,
    });
    const { tables } = world.store;
    expect(tables.history.has(good)).toBe(true);
    expect(tables.runs.get(bad)?.waitingOn).toMatchObject({
      kind: "divergence",
      message: `Run ${bad} cannot be taken up: a mistake`,
    });
  });
});

describe("runs that are too much for one call", () => {
  test("are taken one after the other, without a pause", async () => {
    await using world = new NodeWorld();
    const { store } = world;
    const full = await openFull(world);
    const workflow = await world.install(full, [aCallStep("a")]);
    for (let n = 0; n < 5; n++) await world.start(full, workflow);
    const before = world.clock.monotonicMs();
    const taken: number[] = [];
    const storage: Storage = {
      ...store,
      take: async (node, due) => {
        const held = await store.take(node, due.slice(0, 2));
        taken.push(held.length);
        return held;
      },
    };
    const gate = createStepGate();
    await world.open({ storage, functions: { a: gate.work } });
    await world.clock.advance(0);
    expect(gate.begun).toHaveLength(5);
    expect(taken).toEqual([2, 2, 1]);
    expect(world.clock.monotonicMs()).toBe(before);
  });

  test("are all taken also where they wait for a worker", async () => {
    await using world = new NodeWorld();
    const { store } = world;
    const script = { begin: [anEnd()] };
    const full = await openFull(world);
    await (await ScriptedHost.attach(full.node, { script })).close();
    for (let n = 0; n < 5; n++) await world.start(full, "order");
    const take: Storage["take"] = (node, due) => store.take(node, due.slice(0, 2));
    const member = await world.open({ storage: { ...store, take } });
    await ScriptedHost.attach(member.node, { script });
    await world.clock.settle();
    expect(member.node.metrics().runsFinished.completed).toBe(5);
  });
});
