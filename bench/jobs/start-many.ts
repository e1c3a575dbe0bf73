import { setTimeout as pause } from "node:timers/promises";
import type { Engine } from "@millrace/engine";
import { openCode } from "../code/open-code.ts";
import { threeSteps } from "../code/three-steps.ts";
import { startMany as startAll } from "../code/start-many.ts";
import type { Place } from "../engine/store.ts";
import { medianOf } from "../median.ts";

export interface StartManyOrder {
  readonly place: Place;
  readonly itemCount: number;
  readonly rounds: number;
}

export interface StartManyReport {
  /** From the call to the outcomes. */
  readonly startMs: number;
  /** The same of the first call, which nothing has warmed up. */
  readonly firstMs: number;
  /** From the call to the end of the last run. */
  readonly endMs: number;
}

/** Each round begins when the runs of the one before have ended. The first stands apart. */
export async function startMany(
  { place, itemCount, rounds }: StartManyOrder,
  tell: (text: string) => void,
): Promise<StartManyReport> {
  await using code = await openCode({ place, workflows: [threeSteps] });
  let firstMs = NaN;
  const starts: number[] = [];
  const ends: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const from = performance.now();
    await startAll(code.client, itemCount);
    const startMs = performance.now() - from;
    await drained(code.engine, itemCount * (round + 1));
    if (round === 0) {
      firstMs = startMs;
      continue;
    }
    starts.push(startMs);
    ends.push(performance.now() - from);
    tell(`round ${round} of ${rounds}`);
  }
  return { firstMs, startMs: medianOf(starts), endMs: medianOf(ends) };
}

async function drained(engine: Engine, count: number): Promise<void> {
  for (;;) {
    const { completed, failed, cancelled } = engine.metrics().runsFinished;
    if (failed + cancelled > 0) throw new Error(`${failed + cancelled} runs did not complete`);
    if (completed >= count) return;
    await pause(5);
  }
}
