import { setTimeout as pause } from "node:timers/promises";
import { workflow, type WorkflowContext } from "@millrace/sdk";
import type { Worker } from "@millrace/sdk/worker";
import { openCode } from "../code/open-code.ts";
import type { Place } from "../engine/store.ts";
import { medianOf } from "../median.ts";

export interface WakeReplayOrder {
  readonly place: Place;
  /** What a replay goes through. */
  readonly stepCount: number;
  /** Of the same run, one after the other; a first one is not counted. */
  readonly wakeCount: number;
}

/** Steps that are asked for together, so that the journal is soon there. Replay hears one at a time all the same. */
const TOGETHER = 100;

/** From the signal that wakes a run, which is not in memory, to the body of its next step. */
export async function wakeReplay(
  { place, stepCount, wakeCount }: WakeReplayOrder,
  tell: (text: string) => void,
): Promise<{ readonly ms: number }> {
  let arrive: (at: number) => void = () => undefined;
  const arrival = (): Promise<number> =>
    new Promise((resolve) => {
      arrive = resolve;
    });
  const mark = (): void => arrive(performance.now());
  const sleeper = workflow("sleeper", {}, async (ctx) => {
    await fillJournal(ctx, stepCount);
    await ctx.run("filled", mark);
    for (let wake = 0; wake <= wakeCount; wake++) {
      await ctx.waitForEvent("wake");
      await ctx.run("next", mark);
    }
  });
  await using code = await openCode({ place, workflows: [sleeper] });
  const filled = arrival();
  const run = await code.client.start(sleeper, null);
  await filled;
  const times: number[] = [];
  for (let wake = 0; wake <= wakeCount; wake++) {
    await parked(code.worker);
    const arrived = arrival();
    const from = performance.now();
    await run.signal("wake");
    const ms = (await arrived) - from;
    if (wake === 0) continue;
    times.push(ms);
    tell(`wake ${wake} of ${wakeCount}`);
  }
  await run.result();
  return { ms: medianOf(times) };
}

async function fillJournal(ctx: WorkflowContext, stepCount: number): Promise<void> {
  for (let from = 0; from < stepCount; from += TOGETHER) {
    const length = Math.min(TOGETHER, stepCount - from);
    await Promise.all(Array.from({ length }, () => ctx.run("step", () => null)));
  }
}

/** Only the store has it: nothing of it is in memory. */
async function parked(worker: Worker): Promise<void> {
  while (worker.status.sessions > 0) await pause(1);
}
