import type { Scenario } from "../bench.ts";
import { THREE_STEPS } from "../engine/definitions.ts";
import { Client } from "../load/client.ts";
import { medianOf } from "../median.ts";
import { toCount, toDuration } from "../report/numbers.ts";
import { installOverRest, startBatchOverRest } from "../server/rest.ts";
import { startServer } from "../server/server.ts";

export const restBatch: Scenario = {
  name: "rest-batch",
  async *run(bench) {
    const { batchItems, batchRounds } = bench.sizes;
    const what = `starts over REST in batches of ${toCount(batchItems)}, each with an idempotency key`;
    bench.progress.stage(what);
    const times = await bench.inPlace(async (place) => {
      await using server = await startServer({ place });
      using client = await Client.open({ ...server, connectionCount: 1 });
      await installOverRest(client, THREE_STEPS);
      const all: number[] = [];
      for (let round = 0; round < batchRounds; round++) {
        const from = performance.now();
        await startBatchOverRest(client, THREE_STEPS.id, batchItems, `batch-${round}`);
        all.push(performance.now() - from);
      }
      return all;
    });
    const ms = medianOf(times);
    yield {
      kind: "measured",
      what,
      value: (batchItems * 1_000) / ms,
      unit: "requests/s",
      budget: null,
      note: `items, not requests: ${toDuration(ms)} for one batch, median of ${batchRounds}, while the runs of earlier ones are worked off`,
    };
  },
};
