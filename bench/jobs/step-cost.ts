import { toLongList } from "../engine/definitions.ts";
import { installWorkflow, openEngine } from "../engine/open-engine.ts";
import { startAndWait } from "../engine/start-and-wait.ts";
import { medianOf } from "../median.ts";
import type { Place } from "../engine/store.ts";

export interface StepCostOrder {
  readonly place: Place;
  readonly stepCount: number;
  /** One after the other; the first is not counted. */
  readonly runCount: number;
  /** Steps looked at, from step 10 on and up to the last but one. */
  readonly sampleCount: number;
}

export interface StepCost {
  /** Median time of one step, near step 10 and near the end of the list. */
  readonly earlyMs: number;
  readonly lateMs: number;
}

const EARLY_STEP = 10;

/** A step's time is the time from its body's call to the next one's: its result was made durable in between. */
export async function stepCost(
  order: StepCostOrder,
  tell: (text: string) => void,
): Promise<StepCost> {
  const { place, stepCount, runCount, sampleCount } = order;
  let calls: number[] = [];
  const mark = (): null => {
    calls.push(performance.now());
    return null;
  };
  const workflow = toLongList(stepCount);
  const early: number[] = [];
  const late: number[] = [];
  await using opened = await openEngine({ place, functions: { mark } });
  await installWorkflow(opened.engine, workflow);
  for (let run = 0; run <= runCount; run++) {
    calls = [];
    await startAndWait(opened.engine, workflow.id, run);
    if (run === 0) continue;
    early.push(...toGaps(calls.slice(EARLY_STEP - 1, EARLY_STEP + sampleCount)));
    late.push(...toGaps(calls.slice(-sampleCount - 1)));
    tell(`run ${run} of ${runCount}`);
  }
  return { earlyMs: medianOf(early), lateMs: medianOf(late) };
}

const toGaps = (times: readonly number[]): number[] =>
  times.slice(1).map((time, i) => time - (times[i] ?? time));
