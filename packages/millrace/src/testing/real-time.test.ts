import { workflow } from "@millrace/sdk";
import { pbkdf2 } from "node:crypto";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createTestEngine } from "./create-test-engine.ts";

const derive = promisify(pbkdf2);

/** As long as another thread needs, whatever the timers of this one say. */
async function askThread(rounds = 1_000): Promise<number> {
  const key = await derive("ada", "salt", rounds, 42, "sha256");
  return key.length;
}

afterEach(() => {
  vi.useRealTimers();
});

describe("code that takes real time", () => {
  test("is waited for in the body of a step, and time stands still meanwhile", async () => {
    const asking = workflow("asking", { stepTimeout: "1s" }, async (ctx) => {
      const answer = await ctx.run("ask", () => askThread());
      await ctx.sleep("rest", "365 days");
      return answer;
    });
    await using engine = await createTestEngine({ workflows: [asking], startAt: 0 });
    const run = await engine.start(asking, {});
    await engine.advance("1 day");
    await run.expectSteps(["ask"]);
    expect((await run.journal())[0]).toMatchObject({ endedAt: "1970-01-01T00:00:00.000Z" });
    expect(await run.result()).toBe(42);
  });

  test("is waited for before steps are compared", async () => {
    // Longer than the turns that a look at the run takes.
    const asking = workflow("asking", {}, (ctx) => ctx.run("ask", () => askThread(300_000)));
    await using engine = await createTestEngine({ workflows: [asking], patienceMs: 30_000 });
    const run = await engine.start(asking, {});
    await expect(run.expectSteps(["ask"])).resolves.toBeUndefined();
  });

  test("is waited for in functions of JSON workflows", async () => {
    await using engine = await createTestEngine({
      workflows: [{ name: "Read", steps: [{ id: "read", type: "function", function: "read" }] }],
      functions: { read: async () => (await readFile(import.meta.filename, "utf8")).length > 0 },
    });
    expect(await (await engine.start("Read")).result()).toBe(true);
  });

  test("is waited for where a function awaits what is not durable", async () => {
    const careless = workflow("careless", {}, async (ctx) => {
      const answer = await askThread();
      return ctx.run("tell", () => answer);
    });
    await using engine = await createTestEngine({ workflows: [careless] });
    expect(await (await engine.start(careless, {})).result()).toBe(42);
  });

  test("is named when it does not end", async () => {
    const gate = Promise.withResolvers<string>();
    const stuck = workflow("stuck", {}, (ctx) => ctx.run("wait", () => gate.promise));
    await using engine = await createTestEngine({ workflows: [stuck], patienceMs: 20 });
    const run = await engine.start(stuck, {});
    const message = `Time cannot move: step "wait" of run ${run.id} has not ended in 20 ms of real time`;
    await expect(run.result()).rejects.toThrow(message);
    await expect(engine.advance("1 day")).rejects.toThrow(message);
    gate.resolve("open");
    expect(await run.result()).toBe("open");
  });

  test("is named when it is a function outside of its steps", async () => {
    const gate = Promise.withResolvers<string>();
    const stuck = workflow("stuck", {}, () => gate.promise);
    await using engine = await createTestEngine({ workflows: [stuck], patienceMs: 20 });
    const run = await engine.start(stuck, {});
    await expect(run.result()).rejects.toThrow(
      `the function of run ${run.id}, which awaits what is not durable, has not ended in 20 ms of real time. Await in a step what takes long, and stub`,
    );
    gate.resolve("open");
    expect(await run.result()).toBe("open");
  });

  test("does not need the timers of the test, which may be false ones", async () => {
    vi.useFakeTimers();
    const nap = workflow("nap", {}, async (ctx) => {
      await ctx.sleep("nap", "90 days");
      return ctx.run("ask", () => askThread());
    });
    await using engine = await createTestEngine({ workflows: [nap] });
    expect(await (await engine.start(nap, {})).result()).toBe(42);
  });
});
