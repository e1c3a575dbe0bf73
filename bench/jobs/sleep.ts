import { setTimeout as pause } from "node:timers/promises";
import type { Engine } from "@millrace/engine";
import { SLEEP } from "../engine/definitions.ts";
import { installWorkflow, openEngine } from "../engine/open-engine.ts";
import { toRunId, toStart } from "../engine/start-and-wait.ts";
import type { Place } from "../engine/store.ts";

export interface SleepOrder {
  readonly place: Place;
  /** How many shall sleep at each measurement, ascending. Runs of an earlier job in the same place still sleep. */
  readonly sleepers: readonly number[];
  /** Between the last start and each measurement. */
  readonly restMs: number;
}

export interface SleepReport {
  /** Before the first run. */
  readonly emptyBytes: number;
  /** One a measurement. */
  readonly residentBytes: readonly number[];
}

const BATCH = 1_000;
const BATCHES_IN_FLIGHT = 2;

/** Starts runs that wait for a day, until so many are parked, and looks at this process' memory. */
export async function sleep(order: SleepOrder, tell: (text: string) => void): Promise<SleepReport> {
  const { place, sleepers, restMs } = order;
  await using opened = await openEngine({ place });
  const { engine } = opened;
  await installWorkflow(engine, SLEEP);
  await pause(restMs);
  const emptyBytes = process.memoryUsage.rss();
  const residentBytes: number[] = [];
  let started = 0;
  for (const target of sleepers) {
    const lane = async (): Promise<void> => {
      while (started < target) {
        const size = Math.min(BATCH, target - started);
        const first = started;
        started += size;
        const starts = Array.from({ length: size }, (_, i) => toStart(SLEEP.id, first + i));
        (await engine.startRuns(starts)).forEach(toRunId);
        tell(`${started.toLocaleString("en")} of ${target.toLocaleString("en")} runs`);
      }
    };
    await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, lane));
    await parked(engine);
    await pause(restMs);
    residentBytes.push(process.memoryUsage.rss());
  }
  return { emptyBytes, residentBytes };
}

async function parked(engine: Engine): Promise<void> {
  while (engine.metrics().residentRuns > 0 || engine.metrics().queuedUnits > 0) await pause(10);
}
