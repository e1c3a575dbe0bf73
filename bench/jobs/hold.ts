// The node that is killed, and the node that takes over.
import { HOLD } from "../engine/definitions.ts";
import { installWorkflow, openEngine } from "../engine/open-engine.ts";
import { toRunId, toStart } from "../engine/start-and-wait.ts";
import type { Place } from "../engine/store.ts";
import { stepOne } from "../functions/three-steps.ts";
import type { Meet } from "../jobs.ts";

export interface HoldOrder {
  readonly place: Place;
  readonly runCount: number;
}

const BATCH = 1_000;

/** Starts runs whose second step never ends. Ready when each of them is there; it does not go on by itself. */
export async function hold(
  { place, runCount }: HoldOrder,
  tell: (text: string) => void,
  meet: Meet,
): Promise<void> {
  const all = Promise.withResolvers<void>();
  let held = 0;
  const holdForEver = (): Promise<never> => {
    held += 1;
    tell(`${held.toLocaleString("en")} of ${runCount.toLocaleString("en")} runs are held`);
    if (held === runCount) all.resolve();
    return new Promise(() => {});
  };
  const functions = { stepOne, hold: holdForEver };
  await using opened = await openEngine({ place, functions, maxResidentRuns: runCount + BATCH });
  await installWorkflow(opened.engine, HOLD);
  for (let first = 0; first < runCount; first += BATCH) {
    const length = Math.min(BATCH, runCount - first);
    const starts = Array.from({ length }, (_, n) => toStart(HOLD.id, first + n));
    (await opened.engine.startRuns(starts)).forEach(toRunId);
  }
  await all.promise;
  await meet();
}
