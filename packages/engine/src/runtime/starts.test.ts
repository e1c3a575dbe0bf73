import {
  asJsonText,
  DEFAULT_TENANT,
  MillraceError,
  shardOf,
  type RunId,
  type TenantId,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { MemoryStorage } from "../storage/memory/memory-storage.ts";
import type { Storage, Unit } from "../storage/storage.ts";
import type { StartOutcome, StartRequest } from "./commands.ts";
import {
  aCallStep,
  ACTOR,
  aStartRequest,
  aWaitStep,
  NodeWorld,
  WORLD_START,
  type Member,
} from "../testkit/node-world.ts";

// A second tenant, which no other place makes.
const OTHER = "other" as TenantId;
const DAY_MS = 24 * 60 * 60 * 1_000;

interface Bench extends AsyncDisposable {
  readonly world: NodeWorld;
  readonly member: Member;
  readonly workflow: string;
  start(more?: Partial<StartRequest>): Promise<StartOutcome>;
}

/** A node with one active workflow, whose runs wait for ever. */
async function aBench(storage?: (store: MemoryStorage) => Storage): Promise<Bench> {
  const world = new NodeWorld();
  const member = await world.open(storage === undefined ? {} : { storage: storage(world.store) });
  const workflow = await world.install(member, [aWaitStep("w", 100 * DAY_MS)]);
  return {
    world,
    member,
    workflow,
    start: (more) => world.tryStart(member, workflow, more),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}

const key = (idempotencyKey: string, input = "{}"): Partial<StartRequest> => ({
  idempotencyKey,
  input: asJsonText(input),
});

const idOf = (outcome: StartOutcome): RunId | string =>
  outcome.kind === "rejected" ? outcome.error.code : outcome.runId;
const countRuns = (world: NodeWorld): number =>
  world.store.tables.runs.size + world.store.tables.history.size;

describe("a start", () => {
  test("answers with the run that it made, which is stored then", async () => {
    await using bench = await aBench();
    const outcome = await bench.start({ input: asJsonText('{"n":1}'), metadata: { team: "a" } });
    expect(outcome).toMatchObject({ kind: "created", workflowVersion: 1 });
    expect(outcome.kind === "created" && outcome.workflowId).toBe(bench.workflow);
    const row = bench.world.store.tables.runs.get(idOf(outcome) as RunId);
    expect(row).toMatchObject({
      tenant: DEFAULT_TENANT,
      trigger: "api",
      priority: 1,
      input: '{"n":1}',
      metadata: '{"team":"a"}',
      caller: ACTOR.key,
      parent: null,
      retryOf: null,
      depth: 0,
      createdAt: WORLD_START,
      deadlineAt: null,
      shard: shardOf(idOf(outcome)),
    });
  });

  test("records trigger and priority that were asked for", async () => {
    await using bench = await aBench();
    const outcome = await bench.start({ trigger: "manual", priority: 0 });
    const row = bench.world.store.tables.runs.get(idOf(outcome) as RunId);
    expect(row).toMatchObject({ trigger: "manual", priority: 0 });
  });

  test("gives the run the deadline of its workflow", async () => {
    await using bench = await aBench();
    const { world, member } = bench;
    const hurried = await world.install(member, [aWaitStep("w", DAY_MS)], { timeoutMs: 5_000 });
    const runId = await world.start(member, hurried);
    expect(world.store.tables.runs.get(runId)?.deadlineAt).toBe(WORLD_START + 5_000);
  });

  test("finds the workflow by its slug", async () => {
    await using bench = await aBench();
    expect(await bench.world.tryStart(bench.member, "test")).toMatchObject({
      kind: "created",
      workflowId: bench.workflow,
    });
  });

  test("is refused for a workflow that there is not, and for another tenant's", async () => {
    await using bench = await aBench();
    const unknown = await bench.world.tryStart(bench.member, "nobody");
    const foreign = await bench.start({ tenant: OTHER });
    expect([idOf(unknown), idOf(foreign)]).toEqual(["workflow.not-found", "workflow.not-found"]);
    expect(countRuns(bench.world)).toBe(0);
  });

  test("is refused for a draft, and says so", async () => {
    await using bench = await aBench();
    const { workflow } = await bench.member.node.createWorkflow({
      tenant: DEFAULT_TENANT,
      definition: { name: "Draft", steps: [aWaitStep("w", 1)] },
      id: null,
      actor: ACTOR,
    });
    expect(await bench.world.tryStart(bench.member, workflow.id)).toMatchObject({
      kind: "rejected",
      error: {
        code: "workflow.not-active",
        message: "Workflow must be active to run. Current status: draft",
      },
    });
  });

  test("gives each request of a batch its own outcome, in the same order", async () => {
    await using bench = await aBench();
    const { world, member, workflow } = bench;
    const requests = [workflow, "nobody", workflow].map((name) => aStartRequest(name));
    const outcomes = await world.clock.run(member.node.startRuns(requests));
    expect(outcomes.map(({ kind }) => kind)).toEqual(["created", "rejected", "created"]);
    expect(await world.clock.run(member.node.startRuns([]))).toEqual([]);
  });

  test("is refused before the node has started and after it has stopped", async () => {
    await using world = new NodeWorld();
    const member = world.prepare();
    const early = await world.tryStart(member, "any");
    await world.clock.run(member.node.start());
    await member.stop();
    const late = await world.tryStart(member, "any");
    expect([idOf(early), idOf(late)]).toEqual(["engine.stopping", "engine.stopping"]);
  });
});

describe("the checks of a start", () => {
  test.each<[string, Partial<StartRequest>, string]>([
    ["an empty key", { idempotencyKey: "" }, "idempotencyKey: Must not be empty"],
    ["a key of 256 characters", { idempotencyKey: "k".repeat(256) }, "at most 255"],
    ["a key with NUL", { idempotencyKey: "a\u0000" }, "control characters"],
    ["a key with a lone surrogate", { idempotencyKey: "\uD800" }, "lone surrogate"],
    ["an empty name", { metadata: { "": "x" } }, "Must not be empty"],
    ["a name with a line feed", { metadata: { "a\nb": "x" } }, "control characters"],
    ["a value of 513 bytes", { metadata: { a: "x".repeat(513) } }, "metadata.a: Must be at most"],
    ["a value of 513 bytes in 171 characters", { metadata: { a: "€".repeat(171) } }, "512 bytes"],
    [
      "65 names",
      { metadata: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`k${i}`, ""])) },
      "at most 64 keys, received 65",
    ],
  ])("refuse %s", async (_, more, problem) => {
    await using bench = await aBench();
    const outcome = await bench.start(more);
    expect(idOf(outcome)).toBe("request.invalid");
    expect(outcome.kind === "rejected" && outcome.error.message).toContain(problem);
    expect(outcome.kind === "rejected" && outcome.error.issues).toHaveLength(1);
    expect(countRuns(bench.world)).toBe(0);
  });

  test("accept what is just within the limits", async () => {
    await using bench = await aBench();
    const entries = Array.from({ length: 64 }, (_, i) => [`k${i}`, "x".repeat(512)]);
    const metadata = Object.fromEntries(entries) as Record<string, string>;
    const outcome = await bench.start({ metadata, idempotencyKey: "k".repeat(255) });
    expect(outcome.kind).toBe("created");
    const run = await bench.world.get(bench.member, idOf(outcome) as RunId);
    expect(run.metadata).toEqual(metadata);
  });

  test("keep a name __proto__ and a value that is no well-formed text", async () => {
    await using bench = await aBench();
    const metadata = JSON.parse('{"__proto__":"x","a":"\\ud800"}') as Record<string, string>;
    const outcome = await bench.start({ metadata });
    const run = await bench.world.get(bench.member, idOf(outcome) as RunId);
    expect(JSON.stringify(run.metadata)).toBe(JSON.stringify(metadata));
  });

  test("measure the input in bytes", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ limits: { payloadBytes: 100 } });
    const workflow = await world.install(member, [aWaitStep("w", DAY_MS)]);
    const start = async (text: string): Promise<string> =>
      (await world.tryStart(member, workflow, { input: asJsonText(JSON.stringify(text)) })).kind;
    expect(await start("x".repeat(98))).toBe("created");
    expect(await start("€".repeat(33))).toBe("rejected");
    const outcome = await world.tryStart(member, workflow, {
      input: asJsonText(`"${"x".repeat(99)}"`),
    });
    expect(outcome).toMatchObject({
      error: {
        code: "payload.too-large",
        message: "The input has 101 bytes; the limit is 100",
      },
    });
  });
});

describe("an idempotency key", () => {
  test("gives the same run to a start that is repeated with the same payload", async () => {
    await using bench = await aBench();
    const first = await bench.start(key("k", '{"n":1}'));
    const second = await bench.start(key("k", '{"n":1}'));
    expect(second).toEqual({
      kind: "existing",
      runId: idOf(first),
      workflowId: bench.workflow,
      workflowVersion: 1,
      status: "running",
      mismatch: false,
    });
    expect(countRuns(bench.world)).toBe(1);
  });

  test("says so when the payload is another one, and starts nothing", async () => {
    await using bench = await aBench();
    const first = await bench.start(key("k", '{"n":1}'));
    const second = await bench.start(key("k", '{"n":2}'));
    expect(second).toMatchObject({ kind: "existing", runId: idOf(first), mismatch: true });
    expect(countRuns(bench.world)).toBe(1);
  });

  test("gives one run to 100 starts at once, through two nodes (fault 43)", async () => {
    await using bench = await aBench();
    const other = await bench.world.open();
    const request = aStartRequest(bench.workflow, key("k"));
    const batches = [bench.member, other].flatMap(({ node }) =>
      Array.from({ length: 10 }, () => node.startRuns(Array.from({ length: 5 }, () => request))),
    );
    const outcomes = (await bench.world.clock.run(Promise.all(batches))).flat();
    expect(outcomes).toHaveLength(100);
    expect(new Set(outcomes.map(idOf)).size).toBe(1);
    expect(outcomes.filter(({ kind }) => kind === "created")).toHaveLength(1);
    expect(countRuns(bench.world)).toBe(1);
    const { runsStarted } = bench.member.node.metrics();
    expect(runsStarted + other.node.metrics().runsStarted).toBe(1);
  });

  test("stands for its run whatever name a later start asks for", async () => {
    await using bench = await aBench();
    const first = await bench.start(key("k"));
    expect(await bench.start({ ...key("k"), name: "invoice 1" })).toMatchObject({
      kind: "existing",
      runId: idOf(first),
    });
    const named = await bench.start({ ...key("other"), name: "invoice 2" });
    for (const name of ["invoice 2", "invoice 3", "invoice 4"]) {
      expect(await bench.start({ ...key("other"), name })).toMatchObject({
        kind: "existing",
        runId: idOf(named),
      });
    }
    expect(countRuns(bench.world)).toBe(2);
  });

  test("is one for each workflow and each tenant", async () => {
    await using bench = await aBench();
    const { world, member } = bench;
    const second = await world.install(member, [aWaitStep("w", DAY_MS)]);
    const outcomes = [await bench.start(key("k")), await world.tryStart(member, second, key("k"))];
    expect(new Set(outcomes.map(idOf)).size).toBe(2);
  });

  test("is forgotten a day after the first start, and decides the shard of each of its runs", async () => {
    await using bench = await aBench();
    const { world, workflow } = bench;
    const first = await bench.start(key("k"));
    // While no node lives, a day passes at once.
    await bench.member.stop();
    await world.clock.advance(DAY_MS - 1_000);
    const member = await world.open();
    expect(idOf(await world.tryStart(member, workflow, key("k")))).toBe(idOf(first));
    await world.clock.advance(1_000);
    const next = await world.tryStart(member, workflow, key("k"));
    expect(next.kind).toBe("created");
    expect(shardOf(idOf(next))).toBe(shardOf(idOf(first)));
  });

  test("finds its run after that has ended", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: { a: () => 1 } });
    const workflow = await world.install(member, [aCallStep("a")]);
    const runId = await world.start(member, workflow, key("k"));
    await world.ended(member, runId);
    expect(await world.tryStart(member, workflow, key("k"))).toMatchObject({
      kind: "existing",
      runId,
      status: "completed",
    });
  });

  test("is looked at before the workflow's status", async () => {
    await using bench = await aBench();
    const { world, member, workflow } = bench;
    const first = await bench.start(key("k", "1"));
    const head = await world.store.catalog.get(DEFAULT_TENANT, "workflow", workflow);
    if (head === null) throw new Error("no workflow");
    const body = asJsonText('{"status":"paused","version":1}');
    await world.store.catalog.put([{ ...head, expectedRevision: head.revision, body }], null);
    // Through a cache that is stale, through one that is not, and through none.
    const stranger = await world.open();
    for (const one of [member, member, stranger]) {
      const again = await world.tryStart(one, workflow, key("k", "1"));
      expect(again).toMatchObject({ kind: "existing", runId: idOf(first), mismatch: false });
    }
    expect(await world.tryStart(member, workflow, key("k", "2"))).toMatchObject({
      kind: "existing",
      mismatch: true,
    });
    expect(idOf(await world.tryStart(member, workflow, key("new")))).toBe("workflow.not-active");
  });
});

describe("a start on a store in trouble", () => {
  /** A store whose starts a test answers as it likes. */
  const withStarts =
    (
      answer: (
        units: readonly Unit[],
        store: () => ReturnType<Storage["commit"]>,
      ) => ReturnType<Storage["commit"]>,
    ) =>
    (store: MemoryStorage): Storage => ({
      ...store,
      commit: (lane, node, units) => {
        const forward = (): ReturnType<Storage["commit"]> => store.commit(lane, node, units);
        return units.some((unit) => unit.kind === "start") ? answer(units, forward) : forward();
      },
    });

  test("is created although the first answer of the store was lost, and once (fault 20)", async () => {
    let lost = 0;
    await using bench = await aBench(
      withStarts(async (_, forward) => {
        const outcomes = await forward();
        if (lost++ < 3) throw new MillraceError("storage.unavailable");
        return outcomes;
      }),
    );
    const outcome = await bench.start(key("k"));
    expect(outcome.kind).toBe("created");
    expect(lost).toBe(4);
    expect(countRuns(bench.world)).toBe(1);
    // The node that owns it since its start moves it.
    expect(await bench.world.get(bench.member, idOf(outcome) as RunId)).toMatchObject({
      waitingOn: { kind: "timer" },
    });
  });

  test("is created also when another node has run it to its end before the answer came", async () => {
    await using world = new NodeWorld();
    let lost = 0;
    const storage: Storage = {
      ...world.store,
      commit: async (lane, node, units) => {
        const outcomes = await world.store.commit(lane, node, units);
        if (units.some((unit) => unit.kind === "start") && lost++ < 5)
          throw new MillraceError("storage.unavailable");
        return outcomes;
      },
    };
    const full = await world.open({ storage, maxResidentRuns: 0 });
    const other = await world.open({ functions: { a: () => 7 } });
    const workflow = await world.install(full, [aCallStep("a")]);
    const outcome = await world.tryStart(full, workflow, key("k"));
    expect(lost).toBe(6);
    expect(outcome.kind).toBe("created");
    expect(await world.get(other, idOf(outcome) as RunId)).toMatchObject({ output: 7 });
  });

  test("is refused with 503 at once when there is no space, and works again afterwards", async () => {
    let full = true;
    await using bench = await aBench(
      withStarts((_, forward) =>
        full ? Promise.reject(new MillraceError("storage.full")) : forward(),
      ),
    );
    const refused = await bench.start(key("k"));
    expect(refused).toMatchObject({ error: { code: "storage.full", entry: { status: 503 } } });
    expect(bench.world.clock.monotonicMs()).toBeLessThan(1_000);
    full = false;
    expect((await bench.start(key("k"))).kind).toBe("created");
    expect(countRuns(bench.world)).toBe(1);
  });

  test("says after ten seconds that it may have started, and repeating it finds the run", async () => {
    let silent = true;
    await using bench = await aBench(
      withStarts(async (_, forward) => {
        const outcomes = await forward();
        if (silent) throw new MillraceError("storage.unavailable");
        return outcomes;
      }),
    );
    const before = bench.world.clock.monotonicMs();
    expect(idOf(await bench.start(key("k")))).toBe("storage.outcome-unknown");
    expect(bench.world.clock.monotonicMs() - before).toBeLessThan(11_000);
    silent = false;
    const again = await bench.start(key("k"));
    expect(again).toMatchObject({ kind: "existing", mismatch: false });
    expect(countRuns(bench.world)).toBe(1);
  });

  test("is refused alone when the store rejects it", async () => {
    await using bench = await aBench(
      withStarts((units, forward) =>
        units.some((unit) => unit.kind === "start" && unit.run.input === '"bad"')
          ? Promise.reject(new MillraceError("storage.rejected", "no such text"))
          : forward(),
      ),
    );
    const requests = ["1", '"bad"', "3"].map((input) =>
      aStartRequest(bench.workflow, { input: asJsonText(input) }),
    );
    const outcomes = await bench.world.clock.run(bench.member.node.startRuns(requests));
    expect(outcomes.map(({ kind }) => kind)).toEqual(["created", "rejected", "created"]);
    expect(outcomes.map(idOf)[1]).toBe("storage.rejected");
    expect(countRuns(bench.world)).toBe(2);
  });
});
