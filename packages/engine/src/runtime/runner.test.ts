import {
  asJsonText,
  DEFAULT_TENANT,
  RetryAfterError,
  TerminalError,
  type JsonValue,
  type Run,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aCall, aProgram, completed, operation } from "../testkit/builders.ts";
import type { Program } from "../core/program.ts";
import { graphPrograms } from "../steps/graph-programs.ts";
import type { Storage } from "../storage/storage.ts";
import { hasEntries, HeldCommits } from "../testkit/held-commits.ts";
import {
  aCallStep,
  aStartRequest,
  aWaitStep,
  NodeWorld,
  WORLD_START,
  type Member,
} from "../testkit/node-world.ts";
import { anEventRequest, aRunRequest, ScriptedHost } from "../testkit/scripted-host.ts";
import type { ProgramKind } from "./program-kind.ts";
import { createStepGate } from "../testkit/step-gate.ts";

const HOUR_MS = 3_600_000;

/** Programs that no JSON can say yet: every workflow is this one. */
const only = (create: () => Program): ProgramKind => ({
  parse: (value) => graphPrograms.parse(value),
  compile: () => ({
    create: () => {
      const program = create();
      return {
        begin: () => program.begin(),
        settled: (...args) => program.settled(...args),
        describe: () => [],
      };
    },
    checkInput: (input) => ({ ok: true, input, stripped: [] }),
    timeoutMs: null,
  }),
});

const waitingOn = (run: Run): unknown => ("waitingOn" in run ? run.waitingOn : undefined);

const resident = ({ node }: Member): number => node.metrics().residentRuns;

describe("a run", () => {
  test("gives each step the result of the one before, and ends with the last", async () => {
    await using world = new NodeWorld();
    const add = ({ n }: { n: number }): JsonValue => ({ n: n + 1 });
    const member = await world.open({ functions: { a: add, b: add, c: add } });
    const workflow = await world.install(
      member,
      ["a", "b", "c"].map((id) => aCallStep(id)),
    );
    const runId = await world.start(member, workflow, { input: asJsonText('{"n":1}') });
    await world.clock.settle();
    expect(await world.get(member, runId)).toMatchObject({
      status: "completed",
      output: { n: 4 },
      finishedAt: WORLD_START,
      steps: [{ output: { n: 2 } }, { output: { n: 3 } }, { output: { n: 4 } }],
    });
    expect(world.clock.monotonicMs()).toBe(0);
    expect(resident(member)).toBe(0);
  });

  test("starts no body before the run is durable, and none before the result that it follows from", async () => {
    await using world = new NodeWorld();
    const commits = new HeldCommits(world.store);
    const gate = createStepGate();
    const member = await world.open({
      functions: { a: gate.work, b: gate.work },
      storage: commits.storage,
    });
    const workflow = await world.install(member, [aCallStep("a"), aCallStep("b")]);
    commits.point = () => true;
    const started = world.tryStart(member, workflow);
    await world.clock.settle();
    expect([commits.held.length, gate.begun.length]).toEqual([1, 0]);
    commits.release();
    await started;
    expect(gate.begun).toHaveLength(1);
    commits.point = hasEntries;
    gate.open();
    await world.clock.settle();
    expect([commits.held.length, gate.begun.length]).toEqual([1, 1]);
    commits.release();
    await world.clock.settle();
    expect(gate.begun.map(({ step }) => step)).toEqual(["a", "b"]);
  });

  test("shows the step that runs now, and since when", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: () => 1, b: gate.work } });
    const steps = [aWaitStep("w", 500), aCallStep("a"), aCallStep("b"), aCallStep("c")];
    const runId = await world.start(member, await world.install(member, steps));
    await world.clock.advance(2_000);
    expect((await world.get(member, runId)).steps).toMatchObject([
      { status: "completed" },
      { status: "completed" },
      { status: "running", startedAt: WORLD_START + 500, endedAt: null },
      { status: "pending", startedAt: null },
    ]);
  });

  test("is told to those who wait for it only when its end is durable", async () => {
    await using world = new NodeWorld();
    const commits = new HeldCommits(world.store);
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work }, storage: commits.storage });
    const runId = await world.start(member, await world.install(member, [aCallStep("a")]));
    const seen: string[] = [];
    void member.node
      .waitForRun(DEFAULT_TENANT, runId, { timeoutMs: 60_000 })
      .then((run) => seen.push(run?.status ?? "none"));
    commits.point = () => true;
    gate.open();
    await world.clock.advance(1_500);
    expect(seen).toEqual([]);
    commits.release();
    await world.clock.settle();
    expect(seen).toEqual(["completed"]);
  });

  test("has one unit in flight: what comes meanwhile goes together with the next", async () => {
    await using world = new NodeWorld();
    const commits = new HeldCommits(world.store);
    const gate = createStepGate();
    const keys = ["a", "b", "c", "d"];
    const settled: string[] = [];
    const member = await world.open({
      functions: { work: gate.work },
      storage: commits.storage,
      programs: only(() =>
        aProgram(
          keys.map((key) => operation(key, aCall())),
          (key) => {
            settled.push(key);
            return settled.length === 4 ? [{ kind: "end", outcome: completed(settled) }] : [];
          },
        ),
      ),
    });
    const runId = await world.start(member, await world.install(member, [aWaitStep("x", 0)]));
    expect(gate.begun).toHaveLength(4);
    commits.point = hasEntries;
    gate.open();
    await world.clock.settle();
    for (let n = 0; n < 3; n++) gate.open();
    await world.clock.settle();
    expect(commits.held).toHaveLength(1);
    commits.held.shift()?.letThrough();
    await world.clock.settle();
    const [next] = commits.held;
    expect(next?.units.map((unit) => unit.kind === "run" && unit.entries.length)).toEqual([3]);
    commits.release();
    await world.clock.settle();
    expect(world.store.tables.history.get(runId)?.run.result).toBe('["a","b","c","d"]');
  });
});

describe("a run that waits", () => {
  test("stays in memory for less than a second", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const runId = await world.start(member, await world.install(member, [aWaitStep("w", 999)]));
    await world.clock.advance(998);
    expect(resident(member)).toBe(1);
    await world.clock.advance(1);
    expect(await world.get(member, runId)).toMatchObject({
      status: "completed",
      output: { waited: 999 },
    });
    expect(member.node.metrics().runsTaken).toBe(0);
  });

  test("is given up to the store from a second on", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    await world.start(member, await world.install(member, [aWaitStep("w", 1_000)]));
    await world.clock.settle();
    expect(resident(member)).toBe(0);
  });

  test("says in the store what it waits for, and moves again in time", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const workflow = await world.install(member, [aWaitStep("w", HOUR_MS)]);
    const runId = await world.start(member, workflow);
    await world.clock.settle();
    expect(resident(member)).toBe(0);
    expect(waitingOn(await world.get(member, runId))).toEqual({
      kind: "timer",
      step: "w",
      until: WORLD_START + HOUR_MS,
    });
    await world.clock.advance(HOUR_MS - 1);
    expect((await world.get(member, runId)).status).toBe("running");
    await world.clock.advance(1);
    expect(await world.get(member, runId)).toMatchObject({
      status: "completed",
      finishedAt: WORLD_START + HOUR_MS,
      output: { waited: HOUR_MS },
    });
  });

  test("goes on in another node from its journal, without repeating a step", async () => {
    await using world = new NodeWorld();
    const ran: string[] = [];
    const functions = (place: string): Record<string, () => JsonValue> => ({
      a: () => `a in ${ran.push(place)}`,
      b: () => `b in ${ran.push(place)}`,
    });
    const first = await world.open({ functions: functions("first") });
    const steps = [aCallStep("a"), aWaitStep("w", HOUR_MS), aCallStep("b")];
    const output = { a: "{{steps.a.output}}", b: "{{steps.b.output}}" };
    const runId = await world.start(first, await world.install(first, steps, { output }));
    await world.clock.settle();
    await first.stop();
    const second = await world.open({ functions: functions("second") });
    const run = await world.ended(second, runId, 2 * HOUR_MS);
    expect(run).toMatchObject({ status: "completed", output: { a: "a in 1", b: "b in 2" } });
    expect(ran).toEqual(["first", "second"]);
  });

  test("is given up although it waits shortly while more runs than fit are in memory", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work }, maxResidentRuns: 1 });
    const workflow = await world.install(member, [aCallStep("a"), aWaitStep("w", 500)]);
    const first = await world.start(member, workflow);
    const second = await world.start(member, workflow);
    expect(world.store.tables.runs.get(second)?.status).toBe("pending");
    gate.open();
    await world.clock.advance(2_000);
    gate.open();
    await world.ended(member, first);
    await world.ended(member, second);
    expect(gate.begun).toHaveLength(2);
  });
});

describe("a step that fails", () => {
  const retrying = (retries: number, initialDelayMs = 1_000): JsonValue =>
    aCallStep("a", { retries, retryConfig: { initialDelayMs, factor: 2, maxDelayMs: 60_000 } });

  test("is tried again with growing pauses, and its run completes with the attempt that succeeds", async () => {
    await using world = new NodeWorld();
    const begun: number[] = [];
    const member = await world.open({
      functions: {
        a: (_, { attempt }) => {
          begun.push(world.clock.monotonicMs());
          if (attempt < 4) throw new Error(`no ${attempt}`);
          return attempt;
        },
      },
    });
    const runId = await world.start(member, await world.install(member, [retrying(3)]));
    const run = await world.ended(member, runId);
    expect(run).toMatchObject({ status: "completed", output: 4 });
    expect(run.steps[0]?.attempts.map(({ number, failure }) => [number, failure?.message])).toEqual(
      [
        [1, "no 1"],
        [2, "no 2"],
        [3, "no 3"],
        [4, undefined],
      ],
    );
    const pauses = begun.slice(1).map((at, i) => at - (begun[i] ?? 0));
    // Less up to a quarter, so that what failed together does not come back together.
    for (const [i, full] of [1_000, 2_000, 4_000].entries()) {
      expect(pauses[i]).toBeGreaterThanOrEqual(full * 0.75);
      expect(pauses[i]).toBeLessThanOrEqual(full);
    }
  });

  test("fails its run after the last attempt, with what was thrown", async () => {
    await using world = new NodeWorld();
    const member = await world.open({
      functions: { a: () => Promise.reject(new Error("card declined")) },
    });
    const runId = await world.start(member, await world.install(member, [retrying(1)]));
    expect(await world.ended(member, runId)).toMatchObject({
      status: "failed",
      failure: { code: "step.failed", message: "card declined", step: "a", attempt: 2 },
    });
  });

  test.each<[string, unknown]>([
    ["TerminalError", new TerminalError("never")],
    ["retryable: false", Object.assign(new Error("never"), { retryable: false })],
  ])("is not tried again after %s", async (_, thrown) => {
    await using world = new NodeWorld();
    let attempts = 0;
    const member = await world.open({
      functions: {
        a: () => {
          attempts += 1;
          throw thrown;
        },
      },
    });
    const runId = await world.start(member, await world.install(member, [retrying(5)]));
    expect((await world.ended(member, runId)).status).toBe("failed");
    expect(attempts).toBe(1);
  });

  test("is tried again no sooner than it asked, from the store if that is long", async () => {
    await using world = new NodeWorld();
    const begun: number[] = [];
    const member = await world.open({
      functions: {
        a: (_, { attempt }) => {
          begun.push(world.clock.monotonicMs());
          if (attempt === 1) throw new RetryAfterError("busy", HOUR_MS);
          return "later";
        },
      },
    });
    const runId = await world.start(member, await world.install(member, [retrying(1)]));
    await world.clock.settle();
    expect(resident(member)).toBe(0);
    expect(waitingOn(await world.get(member, runId))).toEqual({
      kind: "retry",
      step: "a",
      until: WORLD_START + HOUR_MS,
      attempt: 2,
    });
    expect(await world.ended(member, runId, 2 * HOUR_MS)).toMatchObject({ output: "later" });
    expect(begun).toEqual([0, HOUR_MS]);
  });

  test("is tried again after it overran its time", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work } });
    const step = aCallStep("a", {
      timeoutMs: 2_000,
      retries: 1,
      retryConfig: { initialDelayMs: 0 },
    });
    const runId = await world.start(member, await world.install(member, [step]));
    await world.clock.advance(2_000);
    expect(gate.begun[0]?.signal.aborted).toBe(true);
    gate.open("too late");
    await world.clock.advance(250);
    gate.open("in time");
    expect(await world.ended(member, runId)).toMatchObject({
      output: "in time",
      steps: [{ attempts: [{ failure: { code: "step.timeout" } }, { failure: null }] }],
    });
  });
});

describe("the deadline of a run", () => {
  test("aborts the body that runs, gives it five seconds, and fails the run", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({ functions: { a: gate.work } });
    const workflow = await world.install(member, [aCallStep("a")], { timeoutMs: 3_000 });
    const runId = await world.start(member, workflow);
    await world.clock.advance(2_999);
    expect(gate.begun[0]?.signal.aborted).toBe(false);
    await world.clock.advance(1);
    expect(gate.begun[0]?.signal.aborted).toBe(true);
    await world.clock.advance(5_000);
    expect(await world.get(member, runId)).toMatchObject({
      status: "failed",
      finishedAt: WORLD_START + 8_000,
      failure: {
        code: "run.timeout",
        message: "The run did not end before its deadline, 2027-01-15T08:00:03.000Z",
      },
    });
  });

  test("fails a run that sleeps in the store, in time", async () => {
    await using world = new NodeWorld();
    const member = await world.open();
    const workflow = await world.install(member, [aWaitStep("w", HOUR_MS)], { timeoutMs: 60_000 });
    const runId = await world.start(member, workflow);
    await world.clock.advance(60_000);
    expect(await world.get(member, runId)).toMatchObject({
      status: "failed",
      finishedAt: WORLD_START + 60_000,
      failure: { code: "run.timeout" },
    });
  });

  test("fails a run that nobody had room for until then, without starting its steps", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const full = await world.open({ maxResidentRuns: 0 });
    const workflow = await world.install(full, [aCallStep("a")], { timeoutMs: 3_000 });
    const runId = await world.start(full, workflow);
    await world.clock.advance(3_000);
    const free = await world.open({ functions: { a: gate.work } });
    expect(await world.ended(free, runId)).toMatchObject({ failure: { code: "run.timeout" } });
    expect(gate.begun).toEqual([]);
  });

  test("does not change a run that has ended before", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions: { a: () => 1 } });
    const workflow = await world.install(member, [aCallStep("a")], { timeoutMs: 3_000 });
    const runId = await world.start(member, workflow);
    await world.clock.advance(10_000);
    expect((await world.get(member, runId)).status).toBe("completed");
  });
});

describe("the limit of a journal", () => {
  const threeSteps = ["a", "b", "c"].map((id) => aCallStep(id));
  const functions = { a: () => 1, b: () => 2, c: () => 3 };

  test("lets a run end that just fits", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions, limits: { journalEntries: 3 } });
    const runId = await world.start(member, await world.install(member, threeSteps));
    expect((await world.ended(member, runId)).status).toBe("completed");
  });

  test("fails a run that goes beyond, and says by how much", async () => {
    await using world = new NodeWorld();
    const member = await world.open({ functions, limits: { journalEntries: 1 } });
    const runId = await world.start(member, await world.install(member, threeSteps));
    expect(await world.ended(member, runId)).toMatchObject({
      status: "failed",
      failure: {
        code: "run.journal-full",
        message: "The run's journal has 2 entries; the limit is 1",
      },
    });
    expect(world.store.tables.runs.size).toBe(0);
  });

  test("is not reached by a step that is tried again and again in vain", async () => {
    await using world = new NodeWorld();
    const member = await world.open({
      functions: { a: () => Promise.reject(new Error("no")) },
      limits: { journalEntries: 5 },
    });
    const step = aCallStep("a", { retries: 100, retryConfig: { initialDelayMs: 0 } });
    const runId = await world.start(member, await world.install(member, [step]));
    expect(await world.ended(member, runId)).toMatchObject({
      failure: { code: "run.journal-full" },
    });
  });
});

/** The world's store, which takes no unit that has this word in it. */
const withoutPoison = ({ store }: NodeWorld): Storage => ({
  ...store,
  commit: (lane, node, units) =>
    JSON.stringify(units).includes("poison")
      ? Promise.reject(new TypeError("cannot be bound"))
      : store.commit(lane, node, units),
});

describe("a run whose entries the store rejects", () => {
  test("fails with the reason and with what was stored before; its neighbours go on", async () => {
    await using world = new NodeWorld();
    const member = await world.open({
      functions: { a: () => "fine", b: (_, { input }) => input },
      storage: withoutPoison(world),
    });
    const workflow = await world.install(member, [aCallStep("a"), aCallStep("b")]);
    // The input is written otherwise than the result that it becomes.
    const inputs = ['"bread"', '"p\\u006fison"', '"butter"'];
    const requests = inputs.map((input) => aStartRequest(workflow, { input: asJsonText(input) }));
    const outcomes = await world.clock.run(member.node.startRuns(requests));
    await world.clock.settle();
    const runs: Run[] = [];
    for (const outcome of outcomes)
      if (outcome.kind === "created") runs.push(await world.get(member, outcome.runId));
    expect(runs).toMatchObject([
      { status: "completed", output: "bread" },
      {
        status: "failed",
        failure: { code: "storage.rejected", source: "definition" },
        steps: [{ status: "completed", output: "fine" }, { status: "cancelled" }],
      },
      { status: "completed", output: "butter" },
    ]);
    expect(resident(member)).toBe(0);
  });

  test("lets go of what it waits for: its child is cancelled, and no event is expected", async () => {
    await using world = new NodeWorld();
    const gate = createStepGate();
    const member = await world.open({
      functions: { slow: gate.work },
      storage: withoutPoison(world),
    });
    const workflow = await world.install(member, [aCallStep("slow")]);
    const host = await ScriptedHost.attach(member.node, {
      script: {
        begin: [
          anEventRequest("paid", "order.paid"),
          {
            kind: "invoke",
            key: "child",
            workflow,
            input: asJsonText("{}"),
            metadata: {},
            onParentEnd: "cancel",
          },
          aRunRequest("bad"),
        ],
      },
      bodies: { bad: () => undefined },
    });
    const runId = await world.start(member, "order");
    await world.clock.settle();
    expect([...world.store.tables.subscriptions.values()]).toMatchObject([{ ended: false }]);
    expect(gate.begun).toHaveLength(1);
    const begun = host.commands.find(({ type }) => type === "attempt");
    if (begun?.type !== "attempt") throw new Error("no body was begun");
    const { session, key, attempt } = begun;
    const result = { ok: true, output: asJsonText('"poison"') } as const;
    host.say({ type: "attempted", session, key, attempt, result });
    const run = await world.ended(member, runId);
    expect(run).toMatchObject({ status: "failed", failure: { code: "storage.rejected" } });
    await world.clock.settle();
    expect([...world.store.tables.subscriptions.values()]).toMatchObject([{ ended: true }]);
    expect(gate.begun[0]?.signal.aborted).toBe(true);
  });
});
