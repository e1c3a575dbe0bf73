import * as functions from "../functions/three-steps.ts";
import type { ChosenWorkflow } from "../engine/definitions.ts";
import { installWorkflow, openEngine } from "../engine/open-engine.ts";
import { startAndWait } from "../engine/start-and-wait.ts";
import type { Place } from "../engine/store.ts";

export interface ManyOrder {
  readonly place: Place;
  /** Its steps call the functions of three steps. */
  readonly workflow: ChosenWorkflow;
  readonly runCount: number;
  readonly inFlight: number;
}

/** So many runs, from the first start to the last end. */
export async function many(
  { place, workflow, runCount, inFlight }: ManyOrder,
  tell: (text: string) => void,
): Promise<void> {
  await using opened = await openEngine({ place, functions });
  await installWorkflow(opened.engine, workflow);
  let started = 0;
  const caller = async (): Promise<void> => {
    while (started < runCount) {
      started += 1;
      await startAndWait(opened.engine, workflow.id, started);
      if (started % 100 === 0) tell(`${started.toLocaleString("en")} runs`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}
