import { CRASH_MOMENTS } from "@millrace/engine/testing";
import type { Crash } from "./crash-plan.ts";
import { openWorldEngine, type TestEngine, type WorldEngine } from "./create-test-engine.ts";
import type { TestEngineOptions } from "./test-engine-options.ts";

/**
 * Runs a test once without a crash, and then once with a crash at each moment at which an attempt of a step ended there,
 * before that was stored and after. What holds without a crash must hold with each.
 *
 * @param options a function makes them anew each time, with stubs that remember nothing
 * @param test its engine is opened and closed for it; `crash` null: the first time
 * @returns the crashes that were tried
 * @throws {Error} what the test throws, behind the name of the crash; no step has ended; a crash did not happen
 *
 * @example
 * await forEachCrash({ workflows: [order] }, async (engine) => {
 *   const run = await engine.start(order, { total: 40 });
 *   assert.equal(await run.result(), "sent");
 * });
 */
export async function forEachCrash(
  options: TestEngineOptions | (() => TestEngineOptions),
  test: (engine: TestEngine, crash: Crash | null) => Promise<unknown>,
): Promise<readonly Crash[]> {
  const toOptions = typeof options === "function" ? options : () => options;
  const crashes = await findCrashes(toOptions(), test);
  if (crashes.length === 0) throw new Error("No step has ended in this test: nothing can crash");
  for (const crash of crashes) {
    const own = toOptions();
    const planned = { ...own, crashes: [...(own.crashes ?? []), crash] };
    try {
      await withEngine(planned, async (engine) => {
        await test(engine, crash);
        if (!engine.crashes.includes(crash)) throw new Error("the crash did not happen");
      });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      const { step, at, attempt } = crash;
      throw new Error(`With a crash at step "${step}", attempt ${attempt}, ${at}: ${reason}`, {
        cause: error,
      });
    }
  }
  return crashes;
}

function findCrashes(
  options: TestEngineOptions,
  test: (engine: TestEngine, crash: null) => Promise<unknown>,
): Promise<readonly Crash[]> {
  return withEngine(options, async (engine) => {
    await test(engine, null);
    return engine.stored.flatMap(({ step, attempt }) =>
      CRASH_MOMENTS.map((at): Crash => ({ step, attempt, at })),
    );
  });
}

async function withEngine<T>(
  options: TestEngineOptions,
  use: (engine: WorldEngine) => Promise<T>,
): Promise<T> {
  await using engine = await openWorldEngine(options);
  return await use(engine);
}
