import {
  ActionError,
  asJsonText,
  DEFAULT_TENANT,
  MillraceError,
  RetryAfterError,
  toTimestamp,
  type Action,
  type ActionContext,
  type FunctionCaller,
  type StoredFunction,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { anExecutorBench, RUN } from "../testkit/executor-bench.ts";
import { createStepGate, type StepGate } from "../testkit/step-gate.ts";
import { hintAt } from "./callables.ts";
import type { StepContext } from "./step-function.ts";

const STORED: StoredFunction = {
  name: "charge",
  target: { kind: "http", url: "https://example.com/charge", headers: { authorization: "secret" } },
  createdAt: toTimestamp(1),
  updatedAt: toTimestamp(1),
};

const findCharge = (_: string, name: string): Promise<StoredFunction | null> =>
  Promise.resolve(name === STORED.name ? STORED : null);

const gated =
  ({ work }: StepGate): Action =>
  async (input, context) =>
    // A gate only keeps what it gets, for the test to look at.
    work(input, context as unknown as StepContext);

const echo: FunctionCaller = (target, input) => Promise.resolve({ url: target.url, input });

describe("an action", () => {
  test("gets its input and what it may know, and its result is stored", async () => {
    const bench = anExecutorBench(
      {},
      {
        actions: {
          "shop.order": (input, { signal, ...context }: ActionContext) =>
            Promise.resolve({ input, context, isAborted: signal.aborted }),
        },
      },
    );
    const result = await bench.run({
      executor: "action",
      target: "shop.order",
      attempt: 2,
      input: asJsonText('{"n":1}'),
    });
    expect(result.ok && JSON.parse(result.output)).toEqual({
      input: { n: 1 },
      context: {
        tenant: DEFAULT_TENANT,
        runId: RUN,
        step: "s1",
        attempt: 2,
        idempotencyKey: `${RUN}/s1`,
      },
      isAborted: false,
    });
  });

  test("is not found among functions, nor a function among actions", async () => {
    const bench = anExecutorBench({ "a.b": () => 1 }, { actions: { "c.d": async () => 1 } });
    expect(await bench.run({ executor: "action", target: "a.b" })).toMatchObject({
      failure: { code: "action.not-found" },
    });
    expect(await bench.run({ executor: "function", target: "c.d" })).toMatchObject({
      failure: { code: "function.not-found" },
    });
  });

  test.each(["stripe.createInvoic", "toString", "__proto__"])(
    "that nobody has fails the step for good: %s",
    async (target) => {
      const bench = anExecutorBench({}, { actions: { "stripe.createInvoice": async () => 1 } });
      expect(await bench.run({ executor: "action", target })).toMatchObject({
        ok: false,
        terminal: true,
        failure: {
          code: "action.not-found",
          source: "definition",
          step: "s1",
          message: expect.stringContaining("stripe.createInvoice") as string,
        },
      });
    },
  );

  test("that overruns its time is aborted, and its late result is discarded", async () => {
    const gate = createStepGate();
    const bench = anExecutorBench({}, { actions: { slow: gated(gate) } });
    bench.begin({ executor: "action", target: "slow", timeoutMs: 500 });
    await bench.clock.advance(500);
    expect(gate.begun[0]?.signal.aborted).toBe(true);
    gate.open("late");
    await bench.clock.settle();
    expect(bench.results).toMatchObject([{ failure: { code: "step.timeout" } }]);
  });

  test("does not begin again while an old body of its step lives", async () => {
    const gate = createStepGate();
    const bench = anExecutorBench({}, { actions: { slow: gated(gate) } });
    bench.begin({ executor: "action", target: "slow" }).revoke("lost");
    bench.begin({ executor: "action", target: "slow", attempt: 2 });
    await bench.clock.advance(1_000);
    expect(gate.begun).toHaveLength(1);
    gate.open();
    await bench.clock.advance(1_000);
    expect(gate.begun).toHaveLength(2);
  });

  test("says what went wrong in its own code, who is to blame, and when to come back", async () => {
    const thrown = new ActionError("http.status", "503 from example.com", {
      source: "infrastructure",
      retryAfterMs: 7_000,
      details: { status: 503 },
    });
    const bench = anExecutorBench({}, { actions: { "http.get": () => Promise.reject(thrown) } });
    expect(await bench.run({ executor: "action", target: "http.get" })).toMatchObject({
      ok: false,
      terminal: false,
      retryAfterMs: 7_000,
      failure: {
        code: "http.status",
        source: "infrastructure",
        message: "503 from example.com",
        details: { status: 503 },
        step: "s1",
        attempt: 1,
      },
    });
  });
});

describe("a stored function", () => {
  test("is called where it is stored, with the step's input", async () => {
    const bench = anExecutorBench({}, { callFunction: echo, findStored: findCharge });
    const result = await bench.run({ target: "charge", input: asJsonText('{"total":7}') });
    expect(result.ok && JSON.parse(result.output)).toEqual({
      url: "https://example.com/charge",
      input: { total: 7 },
    });
  });

  test("gets the key that is the same for every attempt, and the tenant", async () => {
    let seen: ActionContext | undefined;
    const bench = anExecutorBench(
      {},
      {
        findStored: findCharge,
        callFunction: (_, __, context) => {
          seen = context;
          return Promise.resolve(1);
        },
      },
    );
    await bench.run({ target: "charge", attempt: 3 });
    expect(seen).toMatchObject({
      tenant: DEFAULT_TENANT,
      runId: RUN,
      attempt: 3,
      idempotencyKey: `${RUN}/s1`,
    });
  });

  test("gives way to one of its name that is registered in code", async () => {
    const bench = anExecutorBench(
      { charge: () => "from code" },
      { callFunction: echo, findStored: () => Promise.reject(new Error("never asked")) },
    );
    expect(await bench.run({ target: "charge" })).toMatchObject({ output: '"from code"' });
  });

  test("fails for good where nobody can call it, and says how that is mended", async () => {
    const bench = anExecutorBench({}, { findStored: findCharge });
    expect(await bench.run({ target: "charge" })).toMatchObject({
      ok: false,
      terminal: true,
      failure: {
        code: "function.not-callable",
        source: "definition",
        message: expect.stringContaining("`callFunction`") as string,
      },
    });
  });

  test("is looked for until the store answers, and its time begins only then", async () => {
    let failures = 30;
    const gate = createStepGate();
    const bench = anExecutorBench(
      {},
      {
        callFunction: (_, input, context) => gated(gate)(input, context),
        findStored: (tenant, name) =>
          failures-- > 0
            ? Promise.reject(new MillraceError("storage.unavailable"))
            : findCharge(tenant, name),
      },
    );
    bench.begin({ target: "charge", timeoutMs: 1_000 });
    await bench.clock.advance(3_000);
    expect([gate.begun.length, bench.results]).toEqual([1, []]);
    await bench.clock.advance(999);
    expect(bench.results).toEqual([]);
    await bench.clock.advance(1);
    expect(bench.results).toMatchObject([{ failure: { code: "step.timeout" } }]);
  });

  test("fails its attempt, to be tried again, when the store answers with something else", async () => {
    const bench = anExecutorBench(
      {},
      {
        callFunction: echo,
        findStored: () => Promise.reject(new MillraceError("storage.failed", "the disk is gone")),
      },
    );
    expect(await bench.run({ target: "charge" })).toMatchObject({
      ok: false,
      terminal: false,
      failure: {
        code: "storage.failed",
        source: "infrastructure",
        message: expect.stringContaining("the disk is gone") as string,
      },
    });
  });

  test("is not called for an attempt that nobody wants any more when it is found", async () => {
    let isCalled = false;
    const callFunction: FunctionCaller = () => {
      isCalled = true;
      return Promise.resolve(1);
    };
    const bench = anExecutorBench({}, { callFunction, findStored: findCharge });
    bench.begin({ target: "charge" }).revoke("lost");
    bench.begin({ target: "charge", key: "s2" }).stop("The run is being stopped");
    await bench.clock.settle();
    expect(isCalled).toBe(false);
    expect(bench.results).toMatchObject([{ failure: { code: "step.cancelled", step: "s2" } }]);
  });

  test("may ask to be tried later, as any function", async () => {
    const callFunction: FunctionCaller = () => Promise.reject(new RetryAfterError("busy", 5_000));
    const bench = anExecutorBench({}, { callFunction, findStored: findCharge });
    expect(await bench.run({ target: "charge" })).toMatchObject({ retryAfterMs: 5_000 });
  });
});

describe("hintAt", () => {
  test.each([
    ["", [], "none is registered"],
    ["chagre", ["charge", "ship"], 'did you mean "charge"?'],
    ["nothing-like-it", ["charge", "ship"], "registered: charge, ship"],
    [
      "nothing-like-it",
      Array.from({ length: 22 }, (_, n) => `f${n}`),
      "registered: f0, f1, f2, f3, f4, f5, f6, f7, f8, f9, f10, f11, f12, f13, f14, f15, f16, f17, f18, f19 and 2 more",
    ],
  ])("says for %j among %j: %s", (name, known, hint) => {
    expect(hintAt(name, known)).toBe(hint);
  });
});

describe("an interceptor", () => {
  test("is asked before all else, and says what is called", async () => {
    const asked: string[] = [];
    const bench = anExecutorBench(
      { work: () => "real", other: () => "real" },
      {
        intercept: ({ executor, target }) => {
          asked.push(`${executor} ${target}`);
          return target === "other" ? undefined : ({ task }) => `instead of ${task.key}`;
        },
      },
    );
    expect(await bench.run()).toMatchObject({ ok: true, output: '"instead of s1"' });
    expect(await bench.run({ target: "other" })).toMatchObject({ ok: true, output: '"real"' });
    expect(await bench.run({ executor: "code", target: "s1" })).toMatchObject({ ok: true });
    expect(await bench.run({ executor: "action", target: "a.b" })).toMatchObject({ ok: true });
    expect(asked).toEqual(["function work", "function other", "code s1", "action a.b"]);
  });

  test("fails the attempt with what its callable throws", async () => {
    const bench = anExecutorBench(
      {},
      {
        intercept: () => () => {
          throw new Error("declined");
        },
      },
    );
    expect(await bench.run()).toMatchObject({ ok: false, failure: { message: "declined" } });
  });
});
