import { workflow } from "@millrace/sdk";
import { openCode } from "../code/open-code.ts";
import type { Place } from "../engine/store.ts";
import { medianOf } from "../median.ts";

export interface ParallelStepsOrder {
  readonly place: Place;
  readonly stepCount: number;
  /** One after the other; a first one is not counted. */
  readonly runCount: number;
}

/** Start to result of a run that asks for all its steps at once. */
export async function parallelSteps(
  { place, stepCount, runCount }: ParallelStepsOrder,
  tell: (text: string) => void,
): Promise<{ readonly ms: number }> {
  const many = workflow("parallel", {}, async (ctx) => {
    const steps = Array.from({ length: stepCount }, (_, n) => ctx.run("step", () => n));
    return (await Promise.all(steps)).length;
  });
  await using code = await openCode({ place, workflows: [many] });
  const times: number[] = [];
  for (let run = 0; run <= runCount; run++) {
    const from = performance.now();
    const count = await (await code.client.start(many, null)).result();
    if (count !== stepCount) throw new Error(`a run has ${count} steps, not ${stepCount}`);
    if (run === 0) continue;
    times.push(performance.now() - from);
    tell(`run ${run} of ${runCount}`);
  }
  return { ms: medianOf(times) };
}
