import { workflow } from "@millrace/sdk";
import { createWorker } from "@millrace/sdk/worker";
import { describe, expect, test } from "vitest";
import { createTestEngine } from "./create-test-engine.ts";
import { forEachCrash } from "./for-each-crash.ts";

const ship = workflow("ship", {}, (ctx, parcel: string) =>
  ctx.run("label", () => `label of ${parcel}`),
);

const order = workflow("order", { retries: 1 }, async (ctx, input: { total: number }) => {
  const charge = await ctx.run("charge", () => `charged ${input.total}`);
  ctx.log.info("charged");
  await ctx.sleep("settle", "3 days");
  const label = await ctx.invoke("ship", ship, "a book");
  return { charge, label };
});

const RESULT = { charge: "charged 40", label: "label of a book" };

const batch = {
  name: "Batch",
  steps: [
    { id: "read", type: "function", function: "read" },
    { id: "pause", type: "wait", config: { duration: 3_600_000 } },
    { id: "write", type: "function", function: "write" },
  ],
};

describe("crashes", () => {
  test("before a commit lose what a body has done, so it runs again", async () => {
    await using engine = await createTestEngine({
      workflows: [order, ship],
      stubs: { charge: () => "charged 40" },
      crashes: [{ step: "charge", at: "before-commit" }],
    });
    const run = await engine.start(order, { total: 40 });
    expect(await run.result()).toEqual(RESULT);
    const [first, second, ...more] = engine.calls("charge");
    expect([first?.attempt, second?.attempt, more]).toEqual([1, 1, []]);
    expect(second?.idempotencyKey).toBe(first?.idempotencyKey);
    expect(engine.crashes).toEqual([{ step: "charge", at: "before-commit" }]);
  });

  test("after a commit lose nothing, so nothing runs again", async () => {
    await using engine = await createTestEngine({
      workflows: [order, ship],
      stubs: { charge: () => "charged 40" },
    });
    engine.crashAt({ step: "charge", at: "after-commit" });
    const run = await engine.start(order, { total: 40 });
    expect(await run.result()).toEqual(RESULT);
    expect(engine.calls("charge")).toHaveLength(1);
    expect(engine.crashes).toHaveLength(1);
  });

  test("happen once, and at the attempt that was named", async () => {
    await using engine = await createTestEngine({
      workflows: [order, ship],
      stubs: {
        charge: (_: null, { attempt }) => {
          if (attempt === 1) throw new Error("declined");
          return "charged 40";
        },
      },
      crashes: [{ step: "charge", at: "before-commit", attempt: 2 }],
    });
    const run = await engine.start(order, { total: 40 });
    expect(await run.result()).toEqual(RESULT);
    expect(engine.calls("charge").map(({ attempt }) => attempt)).toEqual([1, 2, 2]);
  });

  test("let another process take over when the lease of the dead one is over", async () => {
    await using engine = await createTestEngine({ workflows: [order, ship], startAt: 0 });
    engine.crashAt({ step: "charge", at: "after-commit" });
    const run = await engine.start(order, { total: 40 });
    await run.expectSteps(["charge"]);
    await engine.advance("8s");
    expect((await run.journal()).map(({ step }) => step)).toEqual(["charge"]);
    await engine.advance("2s");
    expect((await run.journal()).map(({ step }) => step)).toEqual(["charge", "settle"]);
  });

  test("at any moment lose no acknowledged start", async () => {
    await using engine = await createTestEngine({ workflows: [order, ship] });
    const starting = engine.start(order, { total: 40 });
    engine.crash();
    const run = await starting;
    engine.crash();
    await engine.advance("1 day");
    engine.crash();
    engine.crash();
    expect(await run.result()).toEqual(RESULT);
    const { items } = await engine.client.runs.list({ workflow: "order" }).page();
    expect(items).toHaveLength(1);
  });

  test("give a client's feed no gap and no double", async () => {
    await using engine = await createTestEngine({ workflows: [order, ship] });
    engine.crashAt({ step: "settle", at: "after-commit" });
    const run = await engine.start(order, { total: 40 });
    const heard: (number | null)[] = [];
    const hear = async (): Promise<void> => {
      for await (const { sequence } of run.events()) if (sequence !== null) heard.push(sequence);
    };
    const hearing = hear();
    await run.result();
    await hearing;
    expect(heard).toEqual(Array.from(heard, (_, i) => i + 1));
    expect(heard.length).toBeGreaterThan(4);
    expect(engine.crashes).toHaveLength(1);
  });

  test("leave workers of other makers attached", async () => {
    await using engine = await createTestEngine();
    const worker = createWorker({
      engine,
      workflows: [order, ship],
      functions: { read: () => 1, write: () => 2 },
    });
    await worker.start();
    const run = await engine.start(order, { total: 40 });
    engine.crash();
    expect(await run.result()).toEqual(RESULT);
    expect(worker.status).toMatchObject({ state: "attached", error: null });
    await worker.stop();
  });

  test("show code that does not ask for the same things again", async () => {
    let starts = 0;
    const forgetful = workflow("forgetful", {}, async (ctx) => {
      starts += 1;
      return ctx.run(`start-${starts}`, () => starts);
    });
    const parent = workflow("parent", {}, (ctx) => ctx.invoke("ask", forgetful, {}));
    await using engine = await createTestEngine({
      workflows: [forgetful, parent],
      crashes: [{ step: "start-1", at: "after-commit" }],
    });
    const run = await engine.start(parent, {});
    await expect(run.result()).rejects.toThrow(
      /waits at step "ask" for its child run_\w+, which was set aside, since its journal and its code disagree: .*start-1/,
    );
  });

  test("tell bodies of the dead process to stop, and count them no more", async () => {
    const told = Promise.withResolvers<string>();
    let calls = 0;
    const slow = workflow("slow", {}, (ctx) =>
      ctx.run("wait", ({ signal }) => {
        calls += 1;
        if (calls > 1) return "second";
        return new Promise<string>((resolve) => {
          signal.addEventListener("abort", () => {
            told.resolve("stopped");
            resolve("first");
          });
        });
      }),
    );
    await using engine = await createTestEngine({ workflows: [slow] });
    const run = await engine.start(slow, {});
    engine.crash();
    expect(await told.promise).toBe("stopped");
    expect(await run.result()).toBe("second");
    expect(calls).toBe(2);
  });

  test("set a run aside whose steps crash again and again", async () => {
    const crashes = Array.from(
      { length: 5 },
      () => ({ step: "charge", at: "before-commit" }) as const,
    );
    await using engine = await createTestEngine({ workflows: [order, ship], crashes });
    const run = await engine.start(order, { total: 40 });
    await expect(run.result()).rejects.toThrow("the engine crashed again and again");
  });
});

describe("forEachCrash", () => {
  test("crashes at each step of a code workflow in turn, and of its child", async () => {
    const crashes = await forEachCrash({ workflows: [order, ship] }, async (engine) => {
      const run = await engine.start(order, { total: 40 });
      expect(await run.result()).toEqual(RESULT);
      await run.expectSteps(["charge", "settle", "ship"]);
    });
    expect(crashes.map(({ step, at }) => `${step} ${at}`)).toEqual(
      ["charge", "settle", "label", "ship"].flatMap((step) => [
        `${step} before-commit`,
        `${step} after-commit`,
      ]),
    );
  });

  test("crashes at each step of a JSON workflow in turn", async () => {
    const toOptions = (): object => ({
      workflows: [batch],
      stubs: { read: () => 1, write: () => 2 },
    });
    const crashes = await forEachCrash(toOptions, async (engine, crash) => {
      const run = await engine.start("Batch");
      expect(await run.result()).toBe(2);
      const isAgain = crash?.step === "write" && crash.at === "before-commit";
      expect(engine.calls("write")).toHaveLength(isAgain ? 2 : 1);
    });
    expect(crashes).toHaveLength(6);
  });

  test("names the crash with which a test fails", async () => {
    // A crash loses what a function keeps beside its steps.
    let seen = 0;
    const careless = workflow("careless", {}, async (ctx) => {
      await ctx.run("look", () => {
        seen += 1;
      });
      return ctx.run("tell", () => seen);
    });
    const toOptions = (): { workflows: [typeof careless] } => {
      seen = 0;
      return { workflows: [careless] };
    };
    const trying = forEachCrash(toOptions, async (engine) => {
      const run = await engine.start(careless, {});
      expect(await run.result()).toBe(1);
    });
    await expect(trying).rejects.toThrow(
      /^With a crash at step "look", attempt 1, before-commit: .*expected 2 to be 1/,
    );
  });

  test("refuses a test in which no step ends", async () => {
    await expect(forEachCrash({}, async () => undefined)).rejects.toThrow("No step has ended");
  });

  test("says that a crash did not happen", async () => {
    const once = async (
      engine: Parameters<Parameters<typeof forEachCrash>[1]>[0],
      crash: unknown,
    ) => {
      const run = await engine.start(order, { total: 40 });
      if (crash === null) await run.result();
      else await run.cancel();
    };
    await expect(forEachCrash({ workflows: [order, ship] }, once)).rejects.toThrow(
      'With a crash at step "settle", attempt 1, before-commit: the crash did not happen',
    );
  });
});
