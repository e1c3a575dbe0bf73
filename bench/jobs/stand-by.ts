import { openEngine } from "../engine/open-engine.ts";
import type { Place } from "../engine/store.ts";
import { stepOne } from "../functions/three-steps.ts";
import type { Meet } from "../jobs.ts";

export interface StandByOrder {
  readonly place: Place;
  /** Runs that it may have in memory. */
  readonly runCount: number;
}

/** A node that starts nothing and takes what falls to it, until it is told to stop. Holding runs is not its way. */
export async function standBy(
  { place, runCount }: StandByOrder,
  _tell: (text: string) => void,
  meet: Meet,
): Promise<void> {
  const functions = { stepOne, hold: (input: unknown) => input };
  await using _opened = await openEngine({ place, functions, maxResidentRuns: runCount });
  await meet();
}
