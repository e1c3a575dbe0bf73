// What a client does, whichever way it reaches its engine.
import type { JsonValue } from "@millrace/protocol";
import {
  MillraceError,
  RunCancelledError,
  RunFailedError,
  type StartOutcome,
  type WatchedEvent,
  type WorkflowRef,
} from "@millrace/sdk/client";
import { workflow } from "@millrace/sdk";
import { createWorker } from "@millrace/sdk/worker";
import { describe, expect, test } from "vitest";
import { waitFor } from "./deadline.ts";
import type { OpenClientWorld } from "./open-client-world.ts";

const DOUBLE: JsonValue = {
  id: "wf_double",
  name: "Double",
  inputSchema: {
    type: "object",
    properties: { n: { type: "number" } },
    required: ["n"],
  },
  steps: [
    { id: "twice", type: "transform", config: { mapping: { of: "{{input.n | times: 2}}" } } },
  ],
  output: "{{steps.twice.output.of}}",
};
const SLEEP: JsonValue = {
  id: "wf_sleep",
  name: "Sleep",
  steps: [{ id: "pause", type: "wait", config: { duration: 3_600_000 } }],
};
const OTHER_SLEEP: JsonValue = { ...(SLEEP as object), id: "wf_other_sleep", name: "Other" };
const CALL: JsonValue = {
  id: "wf_call",
  name: "Call",
  steps: [{ id: "work", type: "function", function: "work" }],
};

const Double: WorkflowRef<{ n: number }, number> = { name: "wf_double" };

/** Of what must be rejected. */
async function faultOf(promise: Promise<unknown>): Promise<MillraceError> {
  const thrown: unknown = await promise.then(
    () => new Error("it was not rejected"),
    (error: unknown) => error,
  );
  if (MillraceError.is(thrown)) return thrown;
  throw thrown;
}

const idOf = (outcome: StartOutcome<unknown> | undefined): string =>
  outcome !== undefined && "run" in outcome ? outcome.run.id : "";

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function clientSuite(open: OpenClientWorld): void {
  startSuite(open);
  endSuite(open);
  manySuite(open);
  followSuite(open);
  workflowSuite(open);
  codeSuite(open);
}

function startSuite(open: OpenClientWorld): void {
  describe("a start", () => {
    test("gives a handle whose result is the output", async () => {
      await using world = await open();
      await world.install(DOUBLE);
      const run = await world.client.start(Double, { n: 21 });
      expect(await run.result()).toBe(42);
      expect(await run.status()).toBe("completed");
      expect(await world.client.run(run.id).result()).toBe(42);
    });

    test("keeps what its options say", async () => {
      await using world = await open();
      await world.install(SLEEP);
      const run = await world.client.start("sleep", undefined, {
        metadata: { team: "billing" },
        workspace: "orders",
        userId: "ada",
        priority: 0,
        timeout: "2 days",
      });
      expect(await run.get()).toMatchObject({
        id: run.id,
        workflowId: "wf_sleep",
        input: {},
        metadata: { team: "billing" },
        workspace: "orders",
        user: "ada",
        trigger: "api",
        parent: null,
        retryOf: null,
        cancelRequestedAt: null,
      });
    });

    test("is one run for each key", async () => {
      await using world = await open();
      await world.install(DOUBLE);
      const [one, two] = [
        await world.client.start(Double, { n: 1 }, { idempotencyKey: "k" }),
        await world.client.start(Double, { n: 1 }, { idempotencyKey: "k" }),
      ];
      expect(two.id).toBe(one.id);
      const fault = await faultOf(world.client.start(Double, { n: 2 }, { idempotencyKey: "k" }));
      expect(fault.code).toBe("idempotency.mismatch");
      expect(fault.message).toContain(one.id);
    });

    test("may choose a name, by which its run is found while nobody else has it (fault 46)", async () => {
      await using world = await open();
      await world.install(SLEEP);
      const start = (options: object): Promise<{ readonly id: string }> =>
        world.client.start("sleep", {}, { runId: "order 7/a", ...options });
      const first = await start({});
      expect(await world.client.run("order 7/a").get()).toMatchObject({
        id: first.id,
        name: "order 7/a",
      });
      const fault = await faultOf(start({}));
      expect(fault.code).toBe("run.exists");
      expect(fault.message).toContain(first.id);
      expect((await start({ onConflict: "existing" })).id).toBe(first.id);
      const options = { runId: "order 7/a", onConflict: "existing" } as const;
      const again = await world.client.startMany([{ workflow: "sleep", input: {}, options }]);
      expect(again.map(({ kind }) => kind)).toEqual(["existing"]);
      expect(await world.client.run("order 7/a").cancel()).toBe(true);
      await expect(world.client.run(first.id).result()).rejects.toThrow("was cancelled");
      const second = await start({});
      expect(second.id).not.toBe(first.id);
      expect(await world.client.run("order 7/a").get()).toMatchObject({ id: second.id });
      expect((await faultOf(start({ runId: first.id }))).code).toBe("request.invalid");
    });

    test("may say to which run it belongs", async () => {
      await using world = await open();
      await world.install(SLEEP);
      const metadata = { team: "billing" };
      const run = await world.client.start("sleep", {}, { metadata, parent: "order-7" });
      expect((await run.get()).metadata).toEqual({ team: "billing", parentRunId: "order-7" });
    });

    test("takes the key that the workflow's author made of the input", async () => {
      await using world = await open();
      await world.install(DOUBLE);
      const settings = { idempotencyKey: (input: { n: number }) => `n-${input.n}` };
      const keyed: WorkflowRef<{ n: number }, number> = { ...Double, settings };
      const [one, two] = [
        await world.client.start(keyed, { n: 1 }),
        await world.client.start(keyed, { n: 1 }),
      ];
      expect(two.id).toBe(one.id);
      expect((await world.client.start(keyed, { n: 2 })).id).not.toBe(one.id);
    });

    test("that begins later is pending until then", async () => {
      await using world = await open();
      await world.install(DOUBLE);
      const soon = await world.client.start(Double, { n: 1 }, { delay: 1 });
      const late = await world.client.start(Double, { n: 2 }, { delay: "1 h" });
      const dated = await world.client.start(Double, { n: 3 }, { startAt: "2100-01-01T00:00:00Z" });
      expect(await soon.result()).toBe(2);
      expect(await late.get()).toMatchObject({ status: "pending", startedAt: null });
      expect(await dated.status()).toBe("pending");
      expect(await late.cancel()).toBe(true);
      await expect(late.result()).rejects.toThrow(RunCancelledError);
    });

    test("of an instant that is past begins now", async () => {
      await using world = await open();
      await world.install(DOUBLE);
      const run = await world.client.start(Double, { n: 1 }, { startAt: new Date(0) });
      expect(await run.result()).toBe(2);
    });

    test("fails its run at the deadline of its own", async () => {
      await using world = await open();
      await world.install(SLEEP);
      const run = await world.client.start("sleep", {}, { timeout: 1 });
      const error: unknown = await run.result().catch((thrown: unknown) => thrown);
      expect(RunFailedError.is(error) && error.failure.code).toBe("run.timeout");
    });

    test.each<[string, unknown, RegExp]>([
      ["a function", { charge: () => 1 }, /"charge"/],
      ["a BigInt", { total: 1n }, /"total"/],
      ["NaN", { rate: NaN }, /"rate"/],
    ])("refuses an input with %s, and names the key", async (_, input, named) => {
      await using world = await open();
      await world.install(DOUBLE);
      const fault = await faultOf(world.client.start("double", input));
      expect(fault.code).toBe("input.invalid");
      expect(fault.message).toMatch(named);
      expect(await collect(world.client.runs.list())).toEqual([]);
    });

    test("refuses an input that its server's schema does not take", async () => {
      await using world = await open();
      await world.install(DOUBLE);
      const fault = await faultOf(world.client.start("double", { n: "one" }));
      expect(fault.code).toBe("input.invalid");
      expect(fault.issues).toMatchObject([{ path: ["n"] }]);
    });

    test("asks the schema of its workflow first, which may take its time", async () => {
      await using world = await open();
      const strict: WorkflowRef<{ n: number }, number> = {
        name: "nobody-has-this",
        input: {
          "~standard": {
            version: 1,
            vendor: "test",
            validate: (value) =>
              Promise.resolve({
                issues: [{ message: `not ${JSON.stringify(value)}`, path: [{ key: "n" }] }],
              }),
          },
        },
      };
      const fault = await faultOf(world.client.start(strict, { n: 1 }));
      expect([fault.code, fault.issues]).toEqual([
        "input.invalid",
        [{ path: ["n"], message: 'not {"n":1}' }],
      ]);
    });

    test("names a workflow that does not exist, or is not active", async () => {
      await using world = await open();
      expect((await faultOf(world.client.start("nothing"))).code).toBe("workflow.not-found");
      await world.client.workflows.create(DOUBLE);
      const fault = await faultOf(world.client.start(Double, { n: 1 }));
      expect(fault.code).toBe("workflow.not-active");
    });

    test("refuses options that make no sense", async () => {
      await using world = await open();
      await world.install(DOUBLE);
      const codeOf = async (options: object): Promise<string> =>
        (await faultOf(world.client.start(Double, { n: 1 }, options))).code;
      expect(await codeOf({ delay: "soon" })).toBe("option.invalid");
      expect(await codeOf({ delay: 1, startAt: 1 })).toBe("option.invalid");
      expect(await codeOf({ startAt: "tomorrow" })).toBe("option.invalid");
      expect(await codeOf({ idempotencyKey: "" })).toBe("request.invalid");
      expect(await codeOf({ timeout: 0 })).toBe("request.invalid");
    });
  });
}

function endSuite(open: OpenClientWorld): void {
  describe("a run", () => {
    test("that failed rejects its result with the failure", async () => {
      const work = (): never => {
        throw new Error("card declined");
      };
      await using world = await open({ work });
      await world.install(CALL);
      const run = await world.client.start("call");
      const error: unknown = await run.result().catch((thrown: unknown) => thrown);
      expect(RunFailedError.is(error) && [error.runId, error.failure]).toEqual([
        run.id,
        { code: "step.failed", message: "card declined", source: "code", step: "work" },
      ]);
    });

    test("that was cancelled says so", async () => {
      await using world = await open();
      await world.install(SLEEP);
      const run = await world.client.start("sleep");
      expect(await run.cancel("wrong order")).toBe(true);
      const error: unknown = await run.result().catch((thrown: unknown) => thrown);
      expect(RunCancelledError.is(error) && error.runId).toBe(run.id);
      expect(await run.cancel()).toBe(false);
      expect(await world.client.runs.cancel(run.id)).toBe(false);
    });

    test("that does not exist is not found", async () => {
      await using world = await open();
      const unknown = "run_01JD0Q8Y7C1V0Z0G0000000000";
      for (const id of [unknown, "anything"]) {
        expect((await faultOf(world.client.run(id).result())).code).toBe("run.not-found");
        expect((await faultOf(world.client.run(id).status())).code).toBe("run.not-found");
        const events = collect(world.client.run(id).events());
        expect((await faultOf(events)).code).toBe("run.not-found");
        expect(await world.client.runs.get(id)).toBeNull();
        expect(await world.client.run(id).cancel()).toBe(false);
      }
    });

    test("is waited for until the caller gives up", async () => {
      await using world = await open();
      await world.install(SLEEP);
      const run = await world.client.start("sleep");
      const giveUp = new AbortController();
      const result = run.result({ signal: giveUp.signal });
      giveUp.abort(new Error("no more"));
      await expect(result).rejects.toThrow("no more");
      expect(await run.status()).toBe("running");
    });

    test("that failed is retried from where it failed", async () => {
      let calls = 0;
      const work = (): string => {
        calls += 1;
        if (calls === 1) throw new Error("not yet");
        return "done";
      };
      await using world = await open({ work });
      await world.install({ ...(CALL as object), output: "{{steps.work.output}}" });
      const run = await world.client.start("call");
      await expect(run.result()).rejects.toThrow(RunFailedError);
      const next = await world.client.runs.retry(run.id);
      expect(await next.result()).toBe("done");
      expect((await next.get()).retryOf).toBe(run.id);
    });
  });
}

function manySuite(open: OpenClientWorld): void {
  describe("many", () => {
    test("starts 10,000 runs, and rejects the one that is wrong (fault 47)", async () => {
      await using world = await open();
      await world.install(DOUBLE);
      const items = Array.from({ length: 10_000 }, (_, n) => ({ input: { n } }));
      const bad = { input: { n: "x" } as unknown as { n: number } };
      const outcomes = await world.client.startMany(Double, items.with(7_000, bad));
      expect(outcomes).toHaveLength(10_000);
      expect(outcomes[7_000]).toMatchObject({ kind: "rejected", error: { code: "input.invalid" } });
      expect(outcomes.filter(({ kind }) => kind === "created")).toHaveLength(9_999);
      expect(new Set(outcomes.map(idOf)).size).toBe(10_000);
      const last = outcomes.at(-1);
      expect(last !== undefined && "run" in last && (await last.run.result())).toBe(19_998);
    });

    test("starts runs of several workflows, with an outcome for each in its place", async () => {
      await using world = await open();
      await world.install(DOUBLE);
      await world.install(SLEEP);
      const keyed = { idempotencyKey: "k" };
      const first = await world.client.start(Double, { n: 0 }, keyed);
      const outcomes = await world.client.startMany([
        { workflow: Double, input: { n: 1 } },
        { workflow: "nothing", input: {} },
        { workflow: "sleep", input: {} },
        { workflow: Double, input: { n: 0 }, options: keyed },
        { workflow: Double, input: { n: 5 }, options: keyed },
        { workflow: Double, input: { n: 1n } },
        { workflow: "wf_double", input: { n: 2 } },
      ]);
      expect(outcomes.map((it) => [it.kind, "error" in it ? it.error.code : null])).toEqual([
        ["created", null],
        ["rejected", "workflow.not-found"],
        ["created", null],
        ["existing", null],
        ["conflict", "idempotency.mismatch"],
        ["rejected", "input.invalid"],
        ["created", null],
      ]);
      expect([idOf(outcomes[3]), idOf(outcomes[4])]).toEqual([first.id, first.id]);
      const [one, , , , , , last] = outcomes;
      expect(one?.kind === "created" && (await one.run.result())).toBe(2);
      expect(last?.kind === "created" && (await last.run.result())).toBe(4);
    });

    test("starts nothing for no items, and refuses more than 10,000", async () => {
      await using world = await open();
      expect(await world.client.startMany([])).toEqual([]);
      const items = Array.from({ length: 10_001 }, () => ({ input: {} }));
      const fault = await faultOf(world.client.startMany("double", items));
      expect(fault.code).toBe("request.too-large");
    });

    test("reads lists page by page, as far as somebody reads", async () => {
      await using world = await open();
      await world.install(SLEEP);
      const items = Array.from({ length: 7 }, (_, n) => ({
        input: {},
        options: { metadata: { half: n % 2 === 0 ? "even" : "odd" } },
      }));
      const ids = (await world.client.startMany("sleep", items)).map(idOf);
      const list = world.client.runs.list({ workflow: "sleep", limit: 3 });
      const newestFirst = ids.toSorted().toReversed();
      expect((await collect(list)).map(({ id }) => id)).toEqual(newestFirst);
      const page = await list.page();
      expect(page.items.map(({ id }) => id)).toEqual(newestFirst.slice(0, 3));
      const odd = world.client.runs.list({ metadata: { half: "odd" }, status: "running" });
      expect(await collect(odd)).toHaveLength(3);
      expect(await collect(world.client.runs.list({ status: "completed" }))).toEqual([]);
    });
  });

  describe("cancelling many", () => {
    const SELECTORS = [
      ["ids", 2],
      ["workflow", 3],
      ["idStartsWith", 1],
      ["metadata", 1],
      ["all", 4],
    ] as const;
    test.each(SELECTORS)("by %s asks those alone, and a dry run nobody", async (by, count) => {
      await using world = await open();
      await world.install(SLEEP);
      await world.install(OTHER_SLEEP);
      const { client } = world;
      const runs = [
        await client.start("sleep", {}, { metadata: { order: "7" } }),
        await client.start("sleep"),
        await client.start("sleep"),
        await client.start("other"),
      ];
      const [a, b] = runs.map(({ id }) => id);
      const filters = {
        ids: { ids: [a ?? "", b ?? "", "run_01JD0Q8Y7C1V0Z0G0000000000", "x"] },
        workflow: { workflow: "sleep" },
        idStartsWith: { idStartsWith: a?.slice(0, -1) ?? "" },
        metadata: { metadata: { order: "7" } },
        all: { all: true },
      } as const;
      expect(await client.cancel(filters[by], { dryRun: true })).toEqual({ count });
      const asked = async (): Promise<number> =>
        (await Promise.all(runs.map((run) => run.get()))).filter(
          ({ cancelRequestedAt }) => cancelRequestedAt !== null,
        ).length;
      expect(await asked()).toBe(0);
      expect(await client.cancel(filters[by], { reason: "wrong" })).toEqual({ count });
      expect(await asked()).toBe(count);
    });

    test("goes on until all that matched were asked", async () => {
      await using world = await open();
      await world.install(SLEEP);
      const items = Array.from({ length: 2_500 }, () => ({ input: {} }));
      await world.client.startMany("sleep", items);
      expect(await world.client.cancel({ all: true })).toEqual({ count: 2_500 });
    });

    test.each<[string, object]>([
      ["nothing", {}],
      ["two filters", { all: true, workflow: "sleep" }],
      ["no text", { idStartsWith: "" }],
      ["no metadata", { metadata: {} }],
    ])("refuses %s", async (_, filter) => {
      await using world = await open();
      expect((await faultOf(world.client.cancel(filter))).code).toBe("request.invalid");
    });

    test("names a workflow that does not exist", async () => {
      await using world = await open();
      const fault = await faultOf(world.client.cancel({ workflow: "nothing" }));
      expect(fault.code).toBe("workflow.not-found");
    });
  });
}

const TIMES = new Set(["at", "startedAt", "completedAt", "until", "retryAt"]);

/** Without times. */
const timeless = (event: WatchedEvent): unknown =>
  JSON.parse(
    JSON.stringify(event, (key, value: unknown) =>
      TIMES.has(key) && typeof value === "string" ? "…" : value,
    ),
  );

function followSuite(open: OpenClientWorld): void {
  describe("following a run", () => {
    const FLOW: JsonValue = {
      id: "wf_flow",
      name: "Flow",
      steps: [
        { id: "pause", type: "wait", config: { duration: 20 } },
        { id: "work", type: "function", function: "work", errorHandling: { strategy: "continue" } },
      ],
      output: "done",
    };
    const work = (): never => {
      throw new Error("no answer");
    };

    test("tells all of it in order, in the same words", async () => {
      await using world = await open({ work });
      await world.install(FLOW);
      const run = await world.client.start("flow");
      await run.result().catch(() => undefined);
      const events = await collect(run.events());
      expect(events.map(timeless)).toEqual([
        {
          sequence: 1,
          type: "step.waiting",
          data: {
            sequence: 1,
            at: "…",
            stepId: "pause",
            waitingFor: { kind: "timer", until: "…" },
          },
        },
        {
          sequence: 2,
          type: "step.completed",
          data: {
            sequence: 2,
            at: "…",
            stepId: "pause",
            attempt: expect.any(Number) as number,
            startedAt: "…",
            completedAt: "…",
            output: expect.anything() as unknown,
          },
        },
        {
          sequence: 3,
          type: "step.failed",
          data: {
            sequence: 3,
            at: "…",
            stepId: "work",
            attempt: 1,
            startedAt: "…",
            error: { code: "step.failed", message: "no answer", source: "code", step: "work" },
            retryAt: null,
          },
        },
        { sequence: 4, type: "run.completed", data: { output: "done" } },
      ]);
      expect((await collect(run.events({ after: 3 }))).map(({ sequence }) => sequence)).toEqual([
        4,
      ]);
      expect(await collect(run.events({ after: 4 }))).toEqual([]);
    });

    test("ends when its reader stops, and leaves the run alone", async () => {
      await using world = await open({ work });
      await world.install(SLEEP);
      const run = await world.client.start("sleep");
      for await (const { type } of run.events()) {
        expect(type).toBe("step.waiting");
        break;
      }
      const giveUp = new AbortController();
      const heard: string[] = [];
      for await (const { type } of run.events({ signal: giveUp.signal })) {
        heard.push(type);
        giveUp.abort();
      }
      expect(heard).toEqual(["step.waiting"]);
      expect(await run.status()).toBe("running");
    });
  });
}

function workflowSuite(open: OpenClientWorld): void {
  describe("workflows", () => {
    test("are made, changed, paused and archived", async () => {
      await using world = await open();
      const { workflows } = world.client;
      const made = await workflows.create(DOUBLE);
      const about = { id: "wf_double", slug: "double", name: "Double", kind: "graph" };
      expect(made).toEqual({ ...about, status: "draft", version: 1 });
      expect(await workflows.activate("double")).toEqual({ ...made, status: "active" });
      const changed = { ...(DOUBLE as object), description: "by two", expectedVersion: 1 };
      expect(await workflows.replace("double", changed)).toMatchObject({ version: 2 });
      expect((await faultOf(workflows.replace("double", changed))).code).toBe("workflow.changed");
      expect(await workflows.pause("double")).toMatchObject({ status: "paused" });
      expect(await workflows.resume("double")).toMatchObject({ status: "active" });
      await workflows.archive("double");
      expect(await workflows.get("double")).toMatchObject({ status: "archived" });
    });

    test("are found and listed", async () => {
      await using world = await open();
      const { workflows } = world.client;
      for (const definition of [DOUBLE, SLEEP, CALL]) await workflows.create(definition);
      expect(await workflows.get("nothing")).toBeNull();
      const all = await collect(workflows.list({ limit: 2 }));
      expect(all.map(({ id }) => id)).toEqual(["wf_call", "wf_double", "wf_sleep"]);
      expect(await collect(workflows.list({ search: "dou" }))).toHaveLength(1);
      expect(await collect(workflows.list({ status: "active" }))).toEqual([]);
      const fault = await faultOf(collect(workflows.list({ status: "asleep" })));
      expect(fault.code).toBe("request.invalid");
    });

    test("with mistakes are refused with all of them", async () => {
      await using world = await open();
      const wrong: JsonValue = { name: "", steps: [{ id: "a", type: "nothing" }] };
      const fault = await faultOf(world.client.workflows.create(wrong));
      expect(fault.code).toBe("definition.invalid");
      expect(fault.issues.length).toBeGreaterThan(1);
    });
  });
}

const APPROVAL = workflow("approval", {}, async (ctx, input: string) => {
  const said = ctx.stream("said");
  await said.append(`${input}?`);
  await ctx.stream("said-elsewhere").append("not here");
  const answer = await ctx.waitForEvent<{ readonly ok: boolean }>("answer", { event: input });
  await said.append(answer);
  return { order: input, isApproved: answer?.ok ?? false };
});

function codeSuite(open: OpenClientWorld): void {
  describe("a code workflow", () => {
    test("is started with any JSON, hears a signal and an event, and streams", async () => {
      await using world = await open();
      const worker = createWorker({ engine: world.engine, workflows: [APPROVAL] });
      await worker.start();
      const { client } = world;
      const run = await client.start(APPROVAL, "order-1");
      const stream = run.stream("said");
      expect(await stream.next()).toEqual({ done: false, value: { offset: 0, value: "order-1?" } });
      const waiters = await eventually(async () => {
        const found = await client.getWaiters({ eventId: "order-1" });
        return found.length > 0 ? found : null;
      });
      expect(waiters).toMatchObject([{ runId: run.id, step: "answer", until: null }]);
      const told = await client.notify({ eventId: "order-1", eventData: { ok: true } });
      expect(told.runIds).toEqual([run.id]);
      expect(await run.result()).toEqual({ order: "order-1", isApproved: true });
      expect(await collect(stream)).toEqual([{ offset: 1, value: { ok: true } }]);
      expect(await collect(run.stream("said", { offset: 1 }))).toHaveLength(1);
      expect(await collect(run.stream("nothing"))).toEqual([]);

      const [outcome] = await client.startMany(APPROVAL, [{ input: "order-2" }]);
      if (outcome?.kind !== "created") throw new Error("it was not created");
      expect(await outcome.run.signal("order-2", { ok: false })).toMatchObject({
        runIds: [outcome.run.id],
      });
      expect(await outcome.run.result()).toEqual({ order: "order-2", isApproved: false });
      expect((await faultOf(outcome.run.signal("order-2"))).code).toBe("run.finished");
      await worker.stop({ graceMs: 0 });
    });
  });
}

/** For what gives no signal: who waits for an event is known a moment after the run does. */
async function eventually<T>(look: () => Promise<T | null>): Promise<T> {
  return waitFor("it", async () => (await look()) ?? undefined);
}
