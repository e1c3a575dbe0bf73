import { workflow } from "@millrace/sdk";
import { openCode } from "../code/open-code.ts";
import type { Place } from "../engine/store.ts";
import { medianOf } from "../median.ts";

export interface SequentialStepsOrder {
  readonly place: Place;
  readonly stepCount: number;
  /** Steps looked at, at the beginning and at the end. */
  readonly sampleCount: number;
  /** One after the other; a first one is not counted. */
  readonly runCount: number;
}

export interface SequentialSteps {
  /** Start to result of one run. */
  readonly ms: number;
  /** Mean time of one step, of the first and of the last that are looked at. */
  readonly firstMs: number;
  readonly lastMs: number;
}

/** A step's time is the time from its body's call to the next one's: its result was made durable in between. */
export async function sequentialSteps(
  order: SequentialStepsOrder,
  tell: (text: string) => void,
): Promise<SequentialSteps> {
  const { place, stepCount, sampleCount, runCount } = order;
  let calls: number[] = [];
  const mark = (): null => {
    calls.push(performance.now());
    return null;
  };
  const long = workflow("sequential", {}, async (ctx) => {
    for (let n = 0; n < stepCount; n++) await ctx.run("step", mark);
  });
  await using code = await openCode({ place, workflows: [long] });
  const found: SequentialSteps[] = [];
  for (let run = 0; run <= runCount; run++) {
    calls = [];
    const from = performance.now();
    await (await code.client.start(long, null)).result();
    const ms = performance.now() - from;
    if (run === 0) continue;
    const firstMs = toMean(calls.slice(0, sampleCount + 1));
    const lastMs = toMean(calls.slice(-sampleCount - 1));
    found.push({ ms, firstMs, lastMs });
    tell(`run ${run} of ${runCount}`);
  }
  const median = (what: keyof SequentialSteps): number => medianOf(found.map((one) => one[what]));
  return { ms: median("ms"), firstMs: median("firstMs"), lastMs: median("lastMs") };
}

const toMean = (times: readonly number[]): number =>
  ((times.at(-1) ?? NaN) - (times[0] ?? NaN)) / (times.length - 1);
