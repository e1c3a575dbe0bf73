import { AsyncLocalStorage } from "node:async_hooks";
import {
  RetryAfterError,
  TerminalError,
  type BodyResult,
  type StandardSchema,
} from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { StepError } from "./durable-errors.ts";
import { aFieldSchema, aSchema } from "./testkit/a-schema.ts";
import { completed, ScriptedOwner } from "./testkit/scripted-owner.ts";
import { workflow } from "./workflow.ts";
import type { WorkflowContext } from "./workflow-context.ts";

const run = (fn: (ctx: WorkflowContext) => unknown) => workflow("faulty", {}, fn);

async function resultOf(body: () => unknown): Promise<BodyResult> {
  const owner = await ScriptedOwner.start(run((ctx) => ctx.run("step", body)));
  return owner.attempt("step", 2);
}

describe("a step", () => {
  test("has the key of its occurrence when its name comes again", async () => {
    const owner = await ScriptedOwner.start(
      run((ctx) => Promise.all([ctx.run("same", () => 1), ctx.run("same", () => 2)])),
    );
    expect(owner.keys).toEqual(["same", "same#2"]);
    await owner.settle({ "same#2": completed(2), same: completed(1) });
    expect(owner.output).toEqual([1, 2]);
  });

  test("tells its body who it is", async () => {
    const seen: unknown[] = [];
    const owner = await ScriptedOwner.start(
      run((ctx) =>
        ctx.run("step", ({ step, attempt, idempotencyKey, signal }) =>
          seen.push([step, attempt, idempotencyKey === `${ctx.runId}/step`, signal.aborted]),
        ),
      ),
    );
    await owner.attempt("step", 3);
    expect(seen).toEqual([["step", 3, true, false]]);
  });

  test("whose body throws fails as one of the engine's does", async () => {
    const result = await resultOf(() => {
      throw new TypeError("no total");
    });
    expect(result).toMatchObject({
      ok: false,
      terminal: false,
      failure: {
        code: "step.failed",
        name: "TypeError",
        message: "no total",
        step: "step",
        attempt: 2,
      },
    });
  });

  test("says when it may be tried again, or that it may not", async () => {
    const later = await resultOf(() => Promise.reject(new RetryAfterError("busy", 5_000)));
    const never = await resultOf(() => Promise.reject(new TerminalError("no such card")));
    expect(later).toMatchObject({ retryAfterMs: 5_000, terminal: false });
    expect(never).toMatchObject({ retryAfterMs: null, terminal: true });
  });

  test("that returns no JSON fails for good", async () => {
    expect(await resultOf(() => ({ total: 1n }))).toMatchObject({
      terminal: true,
      failure: { code: "output.invalid", source: "definition" },
    });
  });

  test("that failed rejects with its failure, which is the run's if nobody catches it", async () => {
    const caught: unknown[] = [];
    const owner = await ScriptedOwner.start(
      run(async (ctx) => {
        await ctx.run("first", () => 1).catch((error: unknown) => caught.push(error));
        await ctx.run("second", () => 1);
      }),
    );
    await owner.fail("first", { code: "http.status", message: "402", attempt: 3 });
    await owner.fail("second", { code: "step.timeout", message: "too slow", step: "second" });
    expect(caught).toEqual([expect.any(StepError)]);
    expect(caught[0]).toMatchObject({
      code: "http.status",
      step: "first",
      attempts: 3,
      name: "StepError",
    });
    expect(owner.failure).toMatchObject({ code: "step.timeout", step: "second" });
  });

  test("that fails before anybody waits for it breaks nothing", async () => {
    const owner = await ScriptedOwner.start(
      run(async (ctx) => {
        const early = ctx.run("early", () => 1);
        await ctx.sleep("wait", 1);
        return early.catch(() => "caught");
      }),
    );
    await owner.fail("early");
    await owner.complete("wait");
    expect(owner.output).toBe("caught");
  });

  test("is told to stop by its own signal", async () => {
    const reasons: unknown[] = [];
    const owner = await ScriptedOwner.start(
      run((ctx) =>
        ctx.run(
          "step",
          ({ signal }) =>
            new Promise((resolve) =>
              signal.addEventListener("abort", () => {
                reasons.push(signal.reason);
                resolve("stopped");
              }),
            ),
        ),
      ),
    );
    const result = owner.attempt("step");
    owner.host.handle([
      { type: "abort", session: "s1", key: "step", attempt: 1, reason: "too slow" },
    ]);
    expect(await result).toEqual({ ok: true, output: '"stopped"' });
    expect(reasons).toEqual([new Error("too slow")]);
  });

  test("has a name of 1 to 255 plain characters that does not begin with $", async () => {
    for (const name of ["", "x".repeat(256), "a\nb", "$log"]) {
      const owner = await ScriptedOwner.start(run((ctx) => ctx.run(name, () => 1)));
      expect(owner.failure).toMatchObject({ code: "step.invalid", source: "definition" });
    }
  });

  test("cannot stand in the body of another", async () => {
    const owner = await ScriptedOwner.start(
      run((ctx) => ctx.run("outer", () => ctx.run("inner", () => 1))),
    );
    expect(await owner.attempt("outer")).toMatchObject({
      terminal: true,
      failure: { code: "step.nested", source: "definition", step: "outer" },
    });
    expect(owner.keys).toEqual(["outer"]);
  });

  test("cannot stand behind an await in the body of another, if the host is given a scope", async () => {
    const owner = await ScriptedOwner.start(
      run((ctx) =>
        ctx.run("outer", async () => {
          await Promise.resolve();
          return ctx.uuid();
        }),
      ),
      { ports: { bodyScope: new AsyncLocalStorage() } },
    );
    expect(await owner.attempt("outer")).toMatchObject({ failure: { code: "step.nested" } });
  });
});

test("a run that begins inside the body of another is not nested", async () => {
  const ports = { bodyScope: new AsyncLocalStorage() };
  const inner = run((ctx) => ctx.run("own", () => 1));
  let started: ScriptedOwner | undefined;
  const outer = run((ctx) =>
    ctx.run("outer", async () => {
      started = await ScriptedOwner.start(inner, { ports });
    }),
  );
  const owner = await ScriptedOwner.start(outer, { ports });
  await owner.attempt("outer");
  expect(started?.keys).toEqual(["own"]);
});

describe("a function", () => {
  test("that throws fails the run", async () => {
    const owner = await ScriptedOwner.start(
      run(() => {
        throw new RangeError("no stock");
      }),
    );
    expect(owner.failure).toMatchObject({
      code: "run.failed",
      name: "RangeError",
      message: "no stock",
    });
  });

  test("keeps the failure of a step as the cause of its own error", async () => {
    const owner = await ScriptedOwner.start(
      run((ctx) =>
        ctx
          .run("step", () => 1)
          .catch((cause: unknown) => {
            throw new Error("order failed", { cause });
          }),
      ),
    );
    await owner.fail("step", { code: "http.status" });
    expect(owner.failure).toMatchObject({ code: "run.failed", cause: { code: "http.status" } });
  });

  test("that asks for a step after it has returned fails the run", async () => {
    const owner = await ScriptedOwner.start(
      run((ctx) => {
        const late = async (): Promise<void> => {
          for (let i = 0; i < 20; i++) await Promise.resolve();
          await ctx.run("late", () => 1);
        };
        void late();
        return "done";
      }),
    );
    expect(owner.failure).toMatchObject({ code: "step.after-end", step: "late" });
    expect(owner.asked).toEqual([]);
  });

  test("that does not await a step fails the run, which names it", async () => {
    const owner = await ScriptedOwner.start(
      run((ctx) => {
        void ctx.run("forgotten", () => 1);
        return "done";
      }),
    );
    expect(owner.failure).toMatchObject({ code: "step.not-awaited", step: "forgotten" });
  });

  test("need not wait for progress, streams and log lines", async () => {
    const owner = await ScriptedOwner.start(
      run((ctx) => {
        void ctx.setProgress({ percent: 50 });
        void ctx.stream("words").append("hello");
        void ctx.stream("words").append("world");
        ctx.log.warn("odd", { order: 7, big: 1n });
        return "done";
      }),
    );
    expect(owner.output).toBe("done");
    expect(owner.notes("$progress")).toEqual([{ percent: 50 }]);
    expect(owner.notes("$stream/words")).toEqual(["hello", "world"]);
    expect(owner.notes("$log")).toMatchObject([{ level: "warn", message: "odd" }]);
  });

  test("that asks in a loop without waiting fails the run (fault 54)", async () => {
    const endless = run(async (ctx) => {
      for (;;) void ctx.run("again", () => 1);
    });
    const owner = await ScriptedOwner.start(endless, { maxUnsettled: 50 });
    expect(owner.failure).toMatchObject({ code: "run.too-many-operations", source: "definition" });
    expect(owner.asked).toEqual([]);
    await owner.reopen();
    expect(owner.failure?.code).toBe("run.too-many-operations");
  });

  test("may ask for as many as it likes if it waits", async () => {
    const owner = await ScriptedOwner.start(
      run(async (ctx) => {
        for (let i = 0; i < 20; i++) await ctx.setProgress(i);
        return "done";
      }),
      { maxUnsettled: 1 },
    );
    await owner.until(() => owner.end !== null);
    expect(owner.output).toBe("done");
  });

  test("that returns no JSON fails the run", async () => {
    const owner = await ScriptedOwner.start(run(() => ({ fn: () => 1 })));
    expect(owner.failure).toMatchObject({ code: "output.invalid", source: "definition" });
  });

  test("never catches that it waits, is stopped or is closed", async () => {
    const seen: string[] = [];
    const watched = run(async (ctx) => {
      try {
        await ctx.sleep("wait", "1h");
        seen.push("awake");
      } catch {
        seen.push("caught");
      } finally {
        seen.push("finally");
      }
    });
    const owner = await ScriptedOwner.start(watched);
    await owner.reopen();
    owner.stop();
    await owner.quiet();
    owner.host.close();
    expect(owner.end).toEqual({ status: "cancelled" });
    expect(seen).toEqual([]);
  });

  test("rejects at the call what cannot be stored, and what is no duration", async () => {
    const codes: unknown[] = [];
    const note = (error: unknown): number => codes.push((error as StepError).code);
    await ScriptedOwner.start(
      run(async (ctx) => {
        await ctx.invoke("child", "other", { n: 1n }).catch(note);
        await ctx.notify("tell", { event: "x", data: Number.NaN }).catch(note);
        await ctx.sleep("wait", "soon").catch(note);
        await ctx.sleepUntil("until", "some day").catch(note);
        await ctx.run("step", () => 1, { retries: -1 }).catch(note);
        await ctx.notify("tell", { event: "x", runId: "no run" }).catch(note);
      }),
    );
    expect(codes).toEqual([
      "input.invalid",
      "input.invalid",
      "step.invalid",
      "step.invalid",
      "step.invalid",
      "step.invalid",
    ]);
  });
});

describe("schemas", () => {
  const input = aFieldSchema<{ count?: number }, { count: number }>("count", "number", 1);
  const output = aFieldSchema<{ total: number }>("total", "number");

  test("give the function what they make of the input", async () => {
    const typed = workflow("typed", { input, output }, (_ctx, order) => ({ total: order.count }));
    const owner = await ScriptedOwner.start(typed, { input: {} });
    expect(owner.output).toEqual({ total: 1 });
  });

  test("fail a run whose input does not fit, with the issues and without its function", async () => {
    let calls = 0;
    const typed = workflow("typed", { input, onFailure: () => (calls += 1) }, () => (calls += 1));
    const owner = await ScriptedOwner.start(typed, { input: { count: "many" } });
    expect(owner.failure).toMatchObject({
      code: "input.invalid",
      source: "definition",
      details: [{ path: ["count"] }],
    });
    expect(calls).toBe(0);
  });

  test("may take their time", async () => {
    const slow: StandardSchema<number> = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value) => Promise.resolve({ value: Number(value) + 1 }),
      },
    };
    const typed = workflow("typed", { input: slow }, (ctx, n) => ctx.run("step", () => n));
    const owner = await ScriptedOwner.start(typed, { input: 1 });
    await owner.until(() => owner.open.has("step"));
    await owner.perform("step");
    await owner.reopen();
    expect(owner.output).toBe(2);
  });

  test("that throw fail the run", async () => {
    const broken = aSchema<number>(() => {
      throw new Error("no schema");
    });
    const owner = await ScriptedOwner.start(workflow("typed", { input: broken }, () => 1));
    expect(owner.failure?.message).toContain("The schema threw: no schema");
  });

  test("fail a run whose output does not fit", async () => {
    const wrong = { total: "1" } as unknown as { total: number };
    const owner = await ScriptedOwner.start(workflow("typed", { output }, () => wrong));
    expect(owner.failure).toMatchObject({
      code: "output.invalid",
      details: [{ path: ["total"] }],
    });
  });

  test("check the data of an event", async () => {
    const waiting = run((ctx) => ctx.waitForEvent("paid", { schema: output }));
    const good = await ScriptedOwner.start(waiting);
    await good.complete("paid", { total: 3 });
    expect(good.output).toEqual({ total: 3 });
    const bad = await ScriptedOwner.start(waiting);
    await bad.complete("paid", { total: "3" });
    expect(bad.failure).toMatchObject({ code: "event.invalid", step: "paid" });
  });
});
