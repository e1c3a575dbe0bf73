import { asJsonText, MAX_FAILURE_BYTES, RetryAfterError, TerminalError } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import {
  anExecutorBench as aBench,
  LIMIT_BYTES,
  OTHER_RUN,
  RUN,
} from "../testkit/executor-bench.ts";
import { createStepGate } from "../testkit/step-gate.ts";
import type { StepContext, StepFunction } from "./step-function.ts";
import type { VirtualClock } from "../testkit/virtual-clock.ts";

describe("InlineExecutor", () => {
  test("gives a function its input and what it may know, and stores what it returns", async () => {
    const bench = aBench((input, { runId, step, attempt, idempotencyKey, input: runInput }) => ({
      input,
      runId,
      step,
      attempt,
      idempotencyKey,
      runInput,
    }));
    const result = await bench.run({ attempt: 3, input: asJsonText('{"a":1}') });
    expect(result).toMatchObject({ ok: true, startedAt: 1_000 });
    expect(result.ok && JSON.parse(result.output)).toEqual({
      input: { a: 1 },
      runId: RUN,
      step: "s1",
      attempt: 3,
      idempotencyKey: `${RUN}/s1`,
      runInput: {},
    });
  });

  test.each<[string, StepFunction, string]>([
    ["returns", () => 1, "work"],
    [
      "throws",
      () => {
        throw new Error("no");
      },
      "work",
    ],
    ["is not registered", () => 1, "nobody"],
  ])("reports in a later turn than it was asked when the function %s", async (_, fn, target) => {
    const bench = aBench(fn);
    bench.begin({ target });
    expect(bench.results).toEqual([]);
    await bench.clock.settle();
    expect(bench.results).toHaveLength(1);
  });

  test("leaves no timer and no body behind when a function has ended", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin();
    await bench.clock.settle();
    expect([bench.executor.living, bench.clock.timers]).toEqual([1, 1]);
    gate.open();
    await bench.clock.settle();
    expect([bench.executor.living, bench.executor.overdue, bench.clock.timers]).toEqual([0, 0, 0]);
    await bench.clock.advance(120_000);
    expect(bench.results).toHaveLength(1);
  });

  test("parses the input anew for each attempt, so that none sees what another has changed", async () => {
    const bench = aBench((input: { list: number[] }, context: StepContext) => {
      const runInput = context.input as { list: number[] };
      input.list.push(2);
      runInput.list.push(3);
      return [input.list, (context.input as { list: number[] }).list];
    });
    const text = asJsonText('{"list":[1]}');
    for (const attempt of [1, 2]) {
      const result = await bench.run({ attempt, input: text, runInput: text });
      expect(result.ok && result.output).toBe("[[1,2],[1]]");
    }
  });

  test("counts what completes, what fails and what nobody waits for", async () => {
    const bench = aBench({
      good: () => 1,
      bad: () => Promise.reject(new Error("no")),
    });
    await bench.run({ target: "good" });
    await bench.run({ target: "bad" });
    bench.begin({ target: "good" }).revoke("lost");
    await bench.clock.settle();
    const { attemptsCompleted, attemptsFailed, attemptsDiscarded } = bench.metrics.counters;
    expect([attemptsCompleted, attemptsFailed, attemptsDiscarded]).toEqual([1, 1, 1]);
  });
});

describe("InlineExecutor, when a function throws", () => {
  const cyclic = new Error("cyclic");
  cyclic.cause = { cause: cyclic };
  const things: [string, unknown][] = [
    ["undefined", undefined],
    ["null", null],
    ["a string", "plain"],
    ["a symbol", Symbol("s")],
    ["a function", () => 1],
    [
      "an object with getters that throw",
      Object.defineProperties(
        {},
        Object.fromEntries(
          ["message", "name", "stack", "cause", "details", "retryable"].map((key) => [
            key,
            {
              enumerable: true,
              get: () => {
                throw new Error(key);
              },
            },
          ]),
        ),
      ),
    ],
    [
      "a proxy that throws at everything",
      new Proxy(
        {},
        {
          get: () => {
            throw undefined;
          },
          has: () => {
            throw null;
          },
        },
      ),
    ],
    ["an error whose cause is a circle", cyclic],
    [
      "an error of 10 MB",
      Object.assign(new Error("m".repeat(10_000_000)), { stack: "s".repeat(10_000_000) }),
    ],
    ["a promise", Promise.resolve(1)],
    ["an object that is no JSON", { id: 1n }],
  ];

  for (const how of ["at once", "later"] as const) {
    test.each(things)(`fails that attempt alone: %s, ${how}`, async (_, thrown) => {
      const other = createStepGate();
      const bench = aBench({
        bad: async () => {
          if (how === "later") await Promise.resolve();
          throw thrown;
        },
        other: other.work,
        good: () => "fine",
      });
      bench.begin({ key: "other", target: "other" });
      bench.begin({ target: "bad", attempt: 2 });
      await bench.clock.settle();
      const [result] = bench.results.splice(0);
      if (result === undefined || result.ok) throw new Error("it did not fail");
      expect(result).toMatchObject({ terminal: false, retryAfterMs: null });
      expect(result.failure).toMatchObject({ code: "step.failed", step: "s1", attempt: 2 });
      expect(Buffer.byteLength(JSON.stringify(result.failure))).toBeLessThanOrEqual(
        MAX_FAILURE_BYTES,
      );
      expect(bench.executor.living).toBe(1);
      other.open("goes on");
      await bench.clock.settle();
      expect(bench.results.map((it) => it.ok && it.output)).toEqual(['"goes on"']);
    });
  }

  test("hears that it should not try again, or not so soon", async () => {
    const bench = aBench({
      terminal: () => Promise.reject(new TerminalError("never")),
      later: () => Promise.reject(new RetryAfterError("busy", 5_000)),
      flag: () => Promise.reject(Object.assign(new Error("no"), { retryable: false })),
    });
    expect(await bench.run({ target: "terminal" })).toMatchObject({
      terminal: true,
      failure: { message: "never", name: "TerminalError" },
    });
    expect(await bench.run({ target: "later" })).toMatchObject({
      terminal: false,
      retryAfterMs: 5_000,
    });
    expect(await bench.run({ target: "flag" })).toMatchObject({ terminal: true });
  });

  test("names the functions that are registered when it is asked for another", async () => {
    const bench = aBench({ charge: () => 1, ship: () => 1 });
    expect(await bench.run({ target: "chargee" })).toMatchObject({
      ok: false,
      terminal: true,
      failure: {
        code: "function.not-found",
        source: "definition",
        message:
          'Step s1 calls function "chargee", which is neither registered nor stored here; did you mean "charge"?',
      },
    });
    expect(await bench.run({ target: "refund" })).toMatchObject({
      failure: { message: expect.stringContaining("registered: charge, ship") as string },
    });
    expect(await aBench({}).run()).toMatchObject({
      failure: { message: expect.stringContaining("none is registered") as string },
    });
  });

  test.each(["toString", "constructor", "__proto__"])(
    "does not take %s of Object for a registered function",
    async (target) => {
      expect(await aBench({}).run({ target })).toMatchObject({
        failure: { code: "function.not-found" },
      });
    },
  );
});

describe("InlineExecutor, when a result cannot be stored", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  let deep: unknown = 1;
  for (let i = 0; i < 10_000; i++) deep = [deep];

  test.each<[string, unknown, RegExp]>([
    ["a BigInt", { total: 1n }, /a BigInt at key "total"/],
    ["a cycle", cycle, /circular/],
    ["NaN", { rate: Number.NaN }, /NaN at key "rate"/],
    ["a function", { next: () => 1 }, /a function at key "next"/],
    ["a symbol", Symbol("s"), /a symbol as the value/],
    // What V8 says of it, or what we say of less deep ones.
    ["a value 10,000 levels deep", deep, /nested deeper than 256 levels|call stack/],
    [
      "a getter that throws",
      Object.defineProperty({}, "a", {
        enumerable: true,
        get: () => {
          throw new Error("gone");
        },
      }),
      /gone/,
    ],
  ])("fails the step and names the problem: %s", async (_, value, problem) => {
    const result = await aBench(() => value).run();
    expect(result).toMatchObject({
      ok: false,
      terminal: true,
      failure: { code: "output.invalid", source: "definition", step: "s1" },
    });
    expect(result.ok ? "" : result.failure.message).toMatch(problem);
    expect(result.ok ? "" : result.failure.message).toMatch(/^Step s1 returned/);
  });

  test("stores null for a function that returns nothing", async () => {
    expect(await aBench(() => undefined).run()).toMatchObject({ ok: true, output: "null" });
  });

  test("fails the attempt when it returns a promise of its own making that throws", async () => {
    class Broken {
      // oxlint-disable-next-line unicorn/no-thenable -- what users may return
      get then(): never {
        throw new Error("no then");
      }
    }
    expect(await aBench(() => new Broken()).run()).toMatchObject({
      ok: false,
      failure: { code: "step.failed", message: "no then" },
    });
  });

  test("names step and size of a result that is too large, in bytes and not in characters", async () => {
    const fits = "x".repeat(LIMIT_BYTES - 2);
    expect(await aBench(() => fits).run()).toMatchObject({ ok: true });
    expect(await aBench(() => `${fits}x`).run()).toMatchObject({
      ok: false,
      terminal: true,
      failure: {
        code: "output.too-large",
        source: "definition",
        message: expect.stringMatching(/^Step s1 returned 401 bytes; the limit is 400/) as string,
      },
    });
    const wide = "€".repeat(133);
    expect(await aBench(() => wide).run()).toMatchObject({
      failure: { message: expect.stringContaining("401 bytes") as string },
    });
  });
});

describe("InlineExecutor, when a function overruns its time", () => {
  test("aborts its signal, fails the attempt, and discards the late result (fault 12)", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin({ timeoutMs: 500 });
    await bench.clock.advance(499);
    expect(gate.begun[0]?.signal.aborted).toBe(false);
    expect(bench.results).toEqual([]);
    await bench.clock.advance(1);
    expect(gate.begun[0]?.signal.aborted).toBe(true);
    expect(gate.begun[0]?.signal.reason).toEqual(new Error("Step s1 overran its time of 500 ms"));
    expect(bench.results).toMatchObject([
      {
        ok: false,
        terminal: false,
        failure: { code: "step.timeout", source: "code", step: "s1", attempt: 1 },
      },
    ]);
    gate.open("too late");
    await bench.clock.settle();
    expect(bench.results).toHaveLength(1);
    expect(bench.metrics.counters.attemptsDiscarded).toBe(1);
  });

  test("tells a function that asks for its signal only afterwards", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin({ timeoutMs: 500 });
    await bench.clock.advance(500);
    const signal = gate.begun[0]?.signal;
    expect([signal?.aborted, String(signal?.reason)]).toEqual([
      true,
      "Error: Step s1 overran its time of 500 ms",
    ]);
  });

  test("counts a body that ignores its signal as overdue until it really ends", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin({ timeoutMs: 500 });
    bench.begin({ timeoutMs: 500, runId: OTHER_RUN });
    expect(bench.executor.overdue).toBe(0);
    await bench.clock.advance(500);
    expect([bench.executor.overdue, bench.executor.living]).toEqual([2, 2]);
    gate.open();
    await bench.clock.settle();
    expect([bench.executor.overdue, bench.executor.living]).toEqual([1, 1]);
    gate.open();
    await bench.clock.settle();
    expect([bench.executor.overdue, bench.executor.living]).toEqual([0, 0]);
  });

  test("lets a function that heeds its signal fail by it, once", async () => {
    const bench = aBench(
      (_, { signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error));
        }),
    );
    bench.begin({ timeoutMs: 500 });
    await bench.clock.advance(600);
    expect(bench.results).toMatchObject([{ ok: false, failure: { code: "step.timeout" } }]);
    expect(bench.executor.overdue).toBe(0);
  });
});

describe("InlineExecutor, while an old body of a step lives", () => {
  test("does not start the same step of the same run until that body has ended", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin({ timeoutMs: 500 });
    await bench.clock.advance(500);
    bench.begin({ attempt: 2 });
    await bench.clock.advance(10_000);
    expect(gate.begun).toHaveLength(1);
    gate.open("late");
    await bench.clock.advance(250);
    expect(gate.begun.map(({ attempt }) => attempt)).toEqual([1, 2]);
    gate.open("in time");
    await bench.clock.settle();
    const [, second] = bench.results;
    // It began when its function began, not when it was asked for.
    expect(second).toMatchObject({ ok: true, output: '"in time"' });
    expect(second?.startedAt).toBeGreaterThan(1_000 + 10_500);
  });

  test("starts it all the same after 30 s, and then counts both bodies", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin({ timeoutMs: 500 });
    await bench.clock.advance(500);
    bench.begin({ attempt: 2 });
    await bench.clock.advance(29_750);
    expect(gate.begun).toHaveLength(1);
    await bench.clock.advance(250);
    expect(gate.begun).toHaveLength(2);
    expect([bench.executor.living, bench.executor.overdue]).toEqual([2, 1]);
  });

  test("gives the second body its whole time", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin({ timeoutMs: 500 });
    await bench.clock.advance(500);
    bench.begin({ attempt: 2, timeoutMs: 1_000 });
    await bench.clock.advance(30_000);
    await bench.clock.advance(900);
    expect(bench.results).toHaveLength(1);
    await bench.clock.advance(100);
    expect(bench.results).toMatchObject([{}, { failure: { code: "step.timeout", attempt: 2 } }]);
  });

  test("starts other steps and other runs at once", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin({ timeoutMs: 500 });
    await bench.clock.advance(500);
    bench.begin({ key: "s2" });
    bench.begin({ runId: OTHER_RUN });
    await bench.clock.settle();
    expect(gate.begun).toHaveLength(3);
  });

  test("waits for a body that was revoked too", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin().revoke("The node lost the run");
    bench.begin({ attempt: 1 });
    await bench.clock.advance(1_000);
    expect(gate.begun).toHaveLength(1);
  });

  test("never starts a body that was revoked while it waited", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin({ timeoutMs: 500 });
    await bench.clock.advance(500);
    bench.begin({ attempt: 2 }).revoke("The node lost the run");
    gate.open();
    await bench.clock.advance(60_000);
    expect(gate.begun).toHaveLength(1);
    expect(bench.results).toHaveLength(1);
    expect([bench.executor.living, bench.executor.overdue, bench.clock.timers]).toEqual([0, 0, 0]);
  });
});

describe("a body of InlineExecutor", () => {
  test("aborts and is never heard of when it is revoked", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    const body = bench.begin({ timeoutMs: 500 });
    const signal = gate.begun[0]?.signal;
    body.revoke("The node lost the run");
    expect(signal?.reason).toEqual(new Error("The node lost the run"));
    expect(bench.executor.overdue).toBe(1);
    gate.open("result");
    await bench.clock.advance(1_000);
    expect(bench.results).toEqual([]);
    expect(bench.executor.overdue).toBe(0);
  });

  test("counts one attempt once when it is revoked, overruns its time and ends late", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin({ timeoutMs: 500 }).revoke("The node lost the run");
    await bench.clock.advance(1_000);
    gate.open();
    await bench.clock.settle();
    const { attemptsCompleted, attemptsFailed, attemptsDiscarded } = bench.metrics.counters;
    expect([attemptsCompleted, attemptsFailed, attemptsDiscarded]).toEqual([0, 0, 1]);
  });

  test.each([0, 100])("sets off no alarm once it is revoked, after %i ms", async (ms) => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    const body = bench.begin({ timeoutMs: 500 });
    if (ms > 0) await bench.clock.advance(ms);
    body.revoke("The node is stopping");
    await bench.clock.settle();
    expect([bench.executor.living, bench.clock.timers]).toEqual([1, 0]);
  });

  test("aborts when it is stopped, and its result still counts", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin().stop("The run is being stopped");
    expect(gate.begun[0]?.signal.aborted).toBe(true);
    gate.open("compensated");
    await bench.clock.settle();
    expect(bench.results).toMatchObject([{ ok: true, output: '"compensated"' }]);
  });

  test("takes no harm from being stopped and revoked after its end", async () => {
    const bench = aBench(() => 1);
    const body = bench.begin();
    await bench.clock.settle();
    body.stop("late");
    body.revoke("late");
    expect(bench.results).toHaveLength(1);
    expect(bench.executor.overdue).toBe(0);
  });
});

describe("InlineExecutor.drain", () => {
  const isDone = async (promise: Promise<void>, clock: VirtualClock): Promise<boolean> => {
    const state = { done: false };
    void promise.then(() => (state.done = true));
    await clock.settle();
    return state.done;
  };

  test("resolves at once when no body lives", async () => {
    const bench = aBench(() => 1);
    expect(await isDone(bench.executor.drain(10_000), bench.clock)).toBe(true);
    expect(bench.clock.timers).toBe(0);
  });

  test("resolves when the last body has ended", async () => {
    const gate = createStepGate();
    const bench = aBench(gate.work);
    bench.begin();
    bench.begin({ key: "s2" });
    await bench.clock.settle();
    const drained = bench.executor.drain(10_000);
    gate.open();
    expect(await isDone(drained, bench.clock)).toBe(false);
    gate.open();
    expect(await isDone(drained, bench.clock)).toBe(true);
    expect(bench.clock.timers).toBe(0);
  });

  test("does not wait for a body that was given up, before or meanwhile", async () => {
    const bench = aBench(createStepGate().work);
    const early = bench.begin();
    const late = bench.begin({ key: "s2" });
    await bench.clock.settle();
    early.revoke("given up");
    const drained = bench.executor.drain(10_000);
    expect(await isDone(drained, bench.clock)).toBe(false);
    late.revoke("given up");
    expect(await isDone(drained, bench.clock)).toBe(true);
    expect(bench.executor.living).toBe(2);
  });

  test("resolves after its grace when a body goes on", async () => {
    const bench = aBench(createStepGate().work);
    bench.begin();
    const drained = bench.executor.drain(10_000);
    await bench.clock.advance(9_999);
    expect(await isDone(drained, bench.clock)).toBe(false);
    await bench.clock.advance(1);
    expect(await isDone(drained, bench.clock)).toBe(true);
    expect(bench.executor.living).toBe(1);
  });
});
