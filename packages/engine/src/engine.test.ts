// The engine as its users have it: `createEngine` on the real SQLite store, by real time.
import { mkdtemp, rm } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import {
  asJsonText,
  DEFAULT_TENANT,
  RetryAfterError,
  TerminalError,
  toTimestamp,
  type JsonValue,
  type Run,
  type RunId,
  type TenantId,
} from "@millrace/protocol";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { describe, expect, test } from "vitest";
import { createEngine, type EngineOptions } from "./engine.ts";
import type { Actor, Engine, StartOutcome, StartRequest } from "./runtime/commands.ts";
import { createStepGate } from "./testkit/step-gate.ts";

const ACTOR: Actor = { key: "key_test", address: "192.0.2.1" };
// A second tenant, which no other place makes.
const OTHER = "other" as TenantId;
const HOUR_MS = 3_600_000;
/** Longer than anything here takes; nothing waits for it in vain. */
const PATIENCE_MS = 60_000;
const PATIENT = { timeout: PATIENCE_MS };

interface World extends AsyncDisposable {
  readonly engine: Engine;
}

/** @param path a file; by default a store in memory */
async function open(options: Partial<EngineOptions> = {}, path?: string): Promise<World> {
  const storage = await createSqliteStorage(path === undefined ? { memory: true } : { path });
  const engine = createEngine({ storage, ...options });
  await engine.start();
  return { engine, [Symbol.asyncDispose]: () => engine.stop({ graceMs: 0 }) };
}

interface Folder extends AsyncDisposable {
  readonly path: string;
}

async function openFolder(): Promise<Folder> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-engine-"));
  return {
    path: join(folder, "store.db"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
}

async function install(
  { engine }: World,
  steps: readonly JsonValue[],
  more: Readonly<Record<string, JsonValue>> = {},
): Promise<string> {
  const definition: JsonValue = { name: "Test", steps, ...more };
  const request = { tenant: DEFAULT_TENANT, definition, id: null, actor: ACTOR };
  const { workflow } = await engine.createWorkflow(request);
  await engine.activateWorkflow(DEFAULT_TENANT, workflow.id, ACTOR);
  return workflow.id;
}

async function tryStart(
  { engine }: World,
  workflow: string,
  input: JsonValue = {},
  more: Partial<StartRequest> = {},
): Promise<StartOutcome> {
  const request = { tenant: DEFAULT_TENANT, workflow, actor: ACTOR, ...more };
  const [outcome] = await engine.startRuns([
    { input: asJsonText(JSON.stringify(input)), ...request },
  ]);
  if (outcome === undefined) throw new Error("no outcome");
  return outcome;
}

async function start(world: World, workflow: string, input: JsonValue = {}): Promise<RunId> {
  const outcome = await tryStart(world, workflow, input);
  if (outcome.kind !== "created") throw new Error(`not created: ${JSON.stringify(outcome)}`);
  return outcome.runId;
}

async function ended({ engine }: World, runId: RunId): Promise<Run> {
  const run = await engine.waitForRun(DEFAULT_TENANT, runId, { timeoutMs: PATIENCE_MS });
  if (run === null || !("finishedAt" in run)) throw new Error(`run ${runId} has not ended`);
  return run;
}

/** Reads the run until it says what it waits for: it is started first, and waits in a commit of its own. */
async function waiting({ engine }: World, runId: RunId): Promise<Run> {
  for (;;) {
    const seen = await engine.getRun(DEFAULT_TENANT, runId);
    if (seen !== null && "waitingOn" in seen && seen.waitingOn !== null) return seen;
  }
}

/** Installs, starts and waits for the end. */
async function run(
  world: World,
  steps: readonly JsonValue[],
  input: JsonValue = {},
  more: Readonly<Record<string, JsonValue>> = {},
): Promise<Run> {
  return ended(world, await start(world, await install(world, steps, more), input));
}

const call = (id: string, more: Readonly<Record<string, JsonValue>> = {}): JsonValue => ({
  id,
  type: "function",
  function: id,
  ...more,
});

const statuses = ({ steps }: Run): readonly string[] =>
  steps.map(({ key, status }) => `${key} ${status}`);

describe("createEngine", PATIENT, () => {
  test("runs steps one after the other, each with the result of the one before", async () => {
    await using world = await open({
      functions: {
        total: ({ items }: { items: number[] }) => ({ total: items.reduce((a, b) => a + b, 0) }),
        tax: async ({ total }: { total: number }) => ({ total: total * 2 }),
      },
    });
    const steps = [
      call("total"),
      call("tax"),
      { id: "label", type: "transform", config: { mapping: { text: "{{result.total}} euros" } } },
    ];
    const done = await run(world, steps, { items: [1, 2, 3] });
    expect(done).toMatchObject({
      status: "completed",
      input: { items: [1, 2, 3] },
      output: { text: "12 euros" },
      trigger: "api",
      cancelRequestedAt: null,
    });
    expect(statuses(done)).toEqual(["total completed", "tax completed", "label completed"]);
  });

  test("takes the branch that its condition chooses, and shows the other as skipped", async () => {
    await using world = await open({ functions: { truck: () => "truck", mail: () => "mail" } });
    const isBig = JSON.parse(`{ "id": "is-big", "type": "condition", "config": {
      "conditions": { "left": "{{input.total}}", "operator": "gte", "right": 1000 },
      "then": ["truck"], "else": ["mail"] } }`) as JsonValue;
    const steps = [isBig, call("truck"), call("mail")];
    const big = await run(world, steps, { total: 1_000 });
    const small = await run(world, steps, { total: 999 });
    expect([big, small]).toMatchObject([{ output: "truck" }, { output: "mail" }]);
    expect(statuses(big)).toEqual(["is-big completed", "truck completed", "mail skipped"]);
    expect(statuses(small)).toEqual(["is-big completed", "truck skipped", "mail completed"]);
  });

  test("waits, and says what a run waits for", async () => {
    await using world = await open({ functions: { after: () => "after" } });
    const wait = (config: JsonValue): JsonValue => ({ id: "w", type: "wait", config });
    const done = await run(world, [wait({ duration: 20 }), call("after")]);
    expect(done).toMatchObject({ status: "completed", output: "after" });
    const past = await run(world, [wait({ until: "2020-01-01T00:00:00Z" }), call("after")]);
    expect(past).toMatchObject({ status: "completed", output: "after" });

    const sleeper = await start(world, await install(world, [wait({ duration: HOUR_MS })]));
    const sleeping = await waiting(world, sleeper);
    expect(sleeping).toMatchObject({ status: "running", waitingOn: { kind: "timer", step: "w" } });
  });

  test("runs a child and goes on with its output; a child that fails fails its step", async () => {
    await using world = await open({
      functions: {
        double: (n: number) => n * 2,
        refuse: () => {
          throw new Error("no stock");
        },
      },
    });
    const child = await install(world, [call("double")], { name: "Double" });
    const bad = await install(world, [call("refuse")], { name: "Refuse" });
    const sub = (workflow: string): JsonValue => ({
      id: "child",
      type: "subworkflow",
      config: { workflow, input: "{{input.n}}" },
    });
    const good = await run(world, [sub(child), call("double")], { n: 3 });
    expect(good).toMatchObject({ status: "completed", output: 12 });
    expect(await run(world, [sub(bad)], { n: 3 })).toMatchObject({
      status: "failed",
      failure: {
        code: "child.failed",
        step: "child",
        cause: { code: "step.failed", message: "no stock" },
      },
    });
  });

  test("fails a run with what its step threw, and starts nothing after it", async () => {
    await using world = await open({
      functions: {
        a: () => {
          throw new TypeError("no total", { cause: new Error("empty order") });
        },
        b: () => 1,
      },
    });
    const failed = await run(world, [call("a"), call("b")]);
    expect(failed).toMatchObject({
      status: "failed",
      failure: {
        code: "step.failed",
        message: "no total",
        name: "TypeError",
        source: "code",
        step: "a",
        attempt: 1,
        cause: { message: "empty order" },
      },
    });
    expect(statuses(failed)).toEqual(["a failed", "b skipped"]);
  });

  test("tries a failed step again as its retries say", async () => {
    await using world = await open({
      functions: {
        flaky: (_, { attempt }) => {
          if (attempt < 3) throw new Error(`no ${attempt}`);
          return attempt;
        },
        later: (_, { attempt }) => {
          if (attempt === 1) throw new RetryAfterError("busy", 1);
          return "later";
        },
        terminal: () => {
          throw new TerminalError("never");
        },
      },
    });
    const retryConfig = { initialDelayMs: 1, factor: 1 };
    const flaky = await run(world, [call("flaky", { retries: 2, retryConfig })]);
    expect(flaky).toMatchObject({ status: "completed", output: 3 });
    expect(flaky.steps[0]?.attempts.map(({ failure }) => failure?.message ?? null)).toEqual([
      "no 1",
      "no 2",
      null,
    ]);
    const later = await run(world, [call("later", { retries: 1 })]);
    expect(later).toMatchObject({ output: "later" });
    const terminal = await run(world, [call("terminal", { retries: 9 })]);
    expect(terminal).toMatchObject({ status: "failed", failure: { attempt: 1 } });
  });

  test("fails a step that overruns its time and a run that overruns its deadline", async () => {
    await using world = await open({
      functions: {
        slow: (_, { signal }) =>
          new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => reject(signal.reason as Error));
          }),
      },
    });
    expect(await run(world, [call("slow", { timeoutMs: 20 })])).toMatchObject({
      failure: { code: "step.timeout", step: "slow" },
    });
    expect(await run(world, [call("slow")], {}, { timeoutMs: 20 })).toMatchObject({
      failure: { code: "run.timeout" },
    });
  });

  test("keeps odd texts and names as they were sent, through the store and back", async () => {
    await using world = await open({ functions: { echo: (input: JsonValue) => input } });
    const text = '{"__proto__":{"x":1},"nul":"a\\u0000b","lone":"\\ud800","é":"é😀","":[]}';
    const input = JSON.parse(text) as JsonValue;
    const done = await run(world, [call("echo")], input);
    if (done.status !== "completed") throw new Error("it did not complete");
    expect(JSON.stringify(done.output)).toBe(JSON.stringify(input));
    const again = await world.engine.getRun(DEFAULT_TENANT, done.id);
    expect(JSON.stringify(again)).toBe(JSON.stringify(done));
  });

  test("fails a step whose result is over a megabyte, with its size", async () => {
    await using world = await open({
      functions: { fits: () => "x".repeat(1_048_574), large: () => "x".repeat(1_048_575) },
    });
    expect((await run(world, [call("fits")])).status).toBe("completed");
    expect(await run(world, [call("large")])).toMatchObject({
      failure: {
        code: "output.too-large",
        message: expect.stringContaining("returned 1048577 bytes; the limit is 1048576") as string,
      },
    });
  });

  test("runs a hundred runs at once, and counts them", async () => {
    await using world = await open({ functions: { a: (n: number) => n, b: (n: number) => n + 1 } });
    const workflow = await install(world, [call("a"), call("b")]);
    const inputs = Array.from({ length: 100 }, (_, i) => i);
    const ids = await Promise.all(inputs.map((n) => start(world, workflow, n)));
    const runs = await Promise.all(ids.map((id) => ended(world, id)));
    expect(runs.map((one) => one.status === "completed" && one.output)).toEqual(
      inputs.map((n) => n + 1),
    );
    expect(world.engine.metrics()).toMatchObject({
      runsStarted: 100,
      runsFinished: { completed: 100, failed: 0, cancelled: 0 },
      attemptsCompleted: 200,
      residentRuns: 0,
      runningBodies: 0,
      queuedUnits: 0,
    });
    expect(world.engine.health()).toEqual({ state: "ready", reason: null });
  });
});

describe("an engine's runs", PATIENT, () => {
  test("start once for one idempotency key, however many ask at once", async () => {
    await using world = await open({ functions: { a: () => 1 } });
    const workflow = await install(world, [call("a")]);
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, () => tryStart(world, workflow, {}, { idempotencyKey: "k" })),
    );
    const ids = outcomes.map((outcome) => (outcome.kind === "rejected" ? "" : outcome.runId));
    expect(new Set(ids).size).toBe(1);
    expect(outcomes.filter(({ kind }) => kind === "created")).toHaveLength(1);
    const other = await tryStart(world, workflow, { n: 2 }, { idempotencyKey: "k" });
    expect(other).toMatchObject({ kind: "existing", runId: ids[0], mismatch: true });
  });

  test("are told to all who wait for them, and shown as they are to those who give up", async () => {
    const gate = createStepGate();
    await using world = await open({ functions: { a: gate.work } });
    const { engine } = world;
    const runId = await start(world, await install(world, [call("a")]));
    const caller = new AbortController();
    const options = { timeoutMs: PATIENCE_MS };
    const waits = [0, 1, 2].map(() => engine.waitForRun(DEFAULT_TENANT, runId, options));
    const givenUp = engine.waitForRun(DEFAULT_TENANT, runId, { ...options, signal: caller.signal });
    caller.abort();
    expect(await givenUp).toMatchObject({ status: "running" });
    expect(await engine.waitForRun(DEFAULT_TENANT, runId, { timeoutMs: 0 })).toMatchObject({
      status: "running",
    });
    expect(await engine.waitForRun(OTHER, runId, options)).toBeNull();
    gate.open("told");
    expect(await Promise.all(waits)).toMatchObject([
      { output: "told" },
      { output: "told" },
      { output: "told" },
    ]);
  });

  test("are listed newest first, page by page, to their own tenant", async () => {
    await using world = await open({ functions: { a: () => 1 } });
    const { engine } = world;
    const workflow = await install(world, [call("a")]);
    const ids: RunId[] = [];
    for (let n = 0; n < 5; n++) ids.push(await start(world, workflow));
    for (const id of ids) await ended(world, id);
    const newestFirst = ids.toSorted().toReversed();
    const first = await engine.listRuns(DEFAULT_TENANT, { before: null, limit: 3 });
    const last = newestFirst[2];
    if (last === undefined) throw new Error("no third run");
    const rest = await engine.listRuns(DEFAULT_TENANT, { before: last, limit: 3 });
    expect([...first, ...rest].map(({ id }) => id)).toEqual(newestFirst);
    expect(first[0]).toMatchObject({ status: "completed", workflowId: workflow, waitingOn: null });
    expect(await engine.listRuns(OTHER, { before: null, limit: 3 })).toEqual([]);
    expect(await engine.getRun(OTHER, last)).toBeNull();
  });

  test("are cancelled: one that runs, one that sleeps, and none that has ended", async () => {
    const gate = createStepGate();
    await using world = await open({ functions: { a: gate.work, b: () => 1 } });
    const { engine } = world;
    const sleep = { id: "w", type: "wait", config: { duration: HOUR_MS } };
    const running = await start(world, await install(world, [call("a")]));
    const sleeping = await start(world, await install(world, [sleep]));
    const { id: over } = await run(world, [call("b")]);
    const requests = [running, sleeping, over].map((runId) => ({
      tenant: DEFAULT_TENANT,
      runId,
      reason: "not needed",
      actor: ACTOR,
    }));
    const outcomes = await engine.cancelRuns(requests);
    gate.open("compensated");
    expect(outcomes).toMatchObject([
      { kind: "requested" },
      { kind: "requested" },
      { kind: "rejected", error: { code: "run.finished" } },
    ]);
    expect((await ended(world, running)).status).toBe("cancelled");
    expect((await ended(world, sleeping)).status).toBe("cancelled");
  });
});

describe("an engine's control writes", PATIENT, () => {
  test("leave a row each in the audit log, newest first, with who asked and from where", async () => {
    await using world = await open();
    const { engine } = world;
    const sleep = { id: "w", type: "wait", config: { duration: HOUR_MS } };
    const workflow = await install(world, [sleep]);
    const runId = await start(world, workflow);
    await engine.cancelRuns([{ tenant: DEFAULT_TENANT, runId, reason: null, actor: ACTOR }]);
    const key = {
      id: "key_new",
      tenant: DEFAULT_TENANT,
      name: "ci",
      hash: "00",
      previous: null,
      scopes: ["runs:read"],
      limits: { read: 1_000, write: 100, execute: null },
      createdAt: toTimestamp(1),
      expiresAt: null,
    };
    await engine.keys.put(key, { key: null, address: null });
    expect(await engine.keys.find("key_new")).toEqual(key);
    expect(await engine.keys.get(OTHER, "key_new")).toBeNull();
    const rows = (await engine.listAudit(DEFAULT_TENANT, 10)).rows;
    expect(rows.map(({ action, target, key: by }) => [action, target, by])).toEqual([
      ["key.create", "key_new", null],
      ["run.cancel", runId, "key_test"],
      ["workflow.activate", workflow, "key_test"],
      ["workflow.create", workflow, "key_test"],
    ]);
    expect(rows[1]?.address).toBe("192.0.2.1");
    expect((await engine.listAudit(OTHER, 10)).rows).toEqual([]);
  });
});

describe("an engine's life", PATIENT, () => {
  test("starts once and stops once, however often it is asked", async () => {
    await using world = await open({ functions: { a: () => 1 } });
    const { engine } = world;
    await Promise.all([engine.start(), engine.start()]);
    const workflow = await install(world, [call("a")]);
    await Promise.all([engine.stop(), engine.stop()]);
    await engine.stop();
    expect(engine.health().state).toBe("stopping");
    expect(await tryStart(world, workflow)).toMatchObject({ error: { code: "engine.stopping" } });
  });

  test("stops although it was never started", async () => {
    const engine = createEngine({ storage: await createSqliteStorage({ memory: true }) });
    expect(engine.health().state).toBe("starting");
    await engine.stop();
  });

  test("goes on in another engine on the same file, which repeats no finished step", async () => {
    await using folder = await openFolder();
    const ran: string[] = [];
    const note = (place: string) => (): number => ran.push(place);
    const begun = Promise.withResolvers<void>();
    const hang = (): Promise<never> => {
      begun.resolve();
      return new Promise(() => undefined);
    };
    const first = await open({ functions: { a: note("first a"), b: hang } }, folder.path);
    const workflow = await install(first, [call("a"), call("b"), call("c")]);
    const runId = await start(first, workflow);
    // So the result of `a` is stored.
    await begun.promise;
    await first.engine.stop({ graceMs: 0 });

    await using second = await open(
      { functions: { a: note("second a"), b: note("second b"), c: note("second c") } },
      folder.path,
    );
    const done = await ended(second, runId);
    expect(done).toMatchObject({ status: "completed", output: 3 });
    expect(ran).toEqual(["first a", "second b", "second c"]);
    expect(done.steps.map(({ status }) => status)).toEqual(["completed", "completed", "completed"]);
  });

  test("keeps workflows, keys of starts and finished runs for the next engine on the file", async () => {
    await using folder = await openFolder();
    const functions = { a: () => "kept" };
    const first = await open({ functions }, folder.path);
    const workflow = await install(first, [call("a")]);
    const outcome = await tryStart(first, workflow, {}, { idempotencyKey: "k" });
    if (outcome.kind !== "created") throw new Error("not created");
    const before = await ended(first, outcome.runId);
    await first.engine.stop();

    await using second = await open({ functions }, folder.path);
    expect(await second.engine.getRun(DEFAULT_TENANT, outcome.runId)).toEqual(before);
    expect(await tryStart(second, workflow, {}, { idempotencyKey: "k" })).toMatchObject({
      kind: "existing",
      runId: outcome.runId,
      status: "completed",
    });
    expect((await second.engine.getWorkflow(DEFAULT_TENANT, "test"))?.id).toBe(workflow);
  });

  test("is refused a file that another engine has open, with that one's process and host", async () => {
    await using folder = await openFolder();
    await using first = await open({}, folder.path);
    await expect(createSqliteStorage({ path: folder.path })).rejects.toMatchObject({
      code: "storage.locked",
      message: expect.stringContaining(`process ${process.pid} on host ${hostname()}`) as string,
    });
    // The first one has not noticed.
    expect(first.engine.health().state).toBe("ready");
    await install(first, [call("a")]);
  });
});
