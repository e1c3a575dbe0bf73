import { setTimeout as pause } from "node:timers/promises";
import { createClient } from "@millrace/sdk/client";
import type { Bench, Scenario } from "../bench.ts";
import type { BudgetName } from "../budgets.ts";
import { startMany as startAll } from "../code/start-many.ts";
import type { StartManyReport } from "../jobs/start-many.ts";
import { Client } from "../load/client.ts";
import type { Measured } from "../measurement.ts";
import { medianOf } from "../median.ts";
import { toCount, toDuration } from "../report/numbers.ts";
import { readProgress } from "../server/rest.ts";
import { startServer } from "../server/server.ts";
import { startWorker, toUrl } from "../server/worker.ts";

/** Of the worker over HTTP. */
const SLOTS = 1_000;

export const startMany: Scenario = {
  name: "start-many",
  async *run(bench) {
    const { startItems: itemCount, startRounds: rounds } = bench.sizes;
    const what = `startMany of ${toCount(itemCount)} runs of a code workflow`;
    const inProcess = `${what}, in process`;
    bench.progress.stage(inProcess);
    const embedded = await bench.inPlace((place) =>
      bench.runJob("startMany", { place, itemCount, rounds }),
    );
    yield toRow(bench, inProcess, embedded, "startManyPerSecond");
    const overHttp = `${what}, over HTTP`;
    bench.progress.stage(overHttp);
    yield toRow(bench, overHttp, await measureOverHttp(bench), null);
  },
};

function measureOverHttp(bench: Bench): Promise<StartManyReport> {
  const { startItems, startRounds } = bench.sizes;
  return bench.inPlace(async (place) => {
    await using server = await startServer({ place });
    await using _worker = await startWorker(server, SLOTS);
    using observer = await Client.open({ ...server, connectionCount: 1 });
    const client = createClient({ url: toUrl(server), key: server.key });
    let firstMs = NaN;
    const starts: number[] = [];
    const ends: number[] = [];
    for (let round = 0; round <= startRounds; round++) {
      const from = performance.now();
      await startAll(client, startItems);
      const startMs = performance.now() - from;
      await drained(observer, startItems * (round + 1));
      if (round === 0) {
        firstMs = startMs;
        continue;
      }
      starts.push(startMs);
      ends.push(performance.now() - from);
      bench.progress.update(`round ${round} of ${startRounds}`);
    }
    await client.close();
    return { firstMs, startMs: medianOf(starts), endMs: medianOf(ends) };
  });
}

async function drained(observer: Client, count: number): Promise<void> {
  while ((await readProgress(observer)).finished < count) await pause(50);
}

function toRow(
  { sizes: { startItems, startRounds } }: Bench,
  what: string,
  { firstMs, startMs, endMs }: StartManyReport,
  budget: BudgetName | null,
): Measured {
  const note =
    `${toDuration(startMs)} for one call, median of ${startRounds}, ${toDuration(firstMs)} for the first; ` +
    `${toDuration(endMs)} until the last of the runs has ended`;
  const value = (startItems * 1_000) / startMs;
  return { kind: "measured", what, value, unit: "starts/s", budget, note };
}
