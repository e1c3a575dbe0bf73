import type { Scenario } from "../bench.ts";
import { toCount, toDuration } from "../report/numbers.ts";

export const loop: Scenario = {
  name: "loop",
  async *run(bench) {
    const { loopItems, loopConcurrencies, loopRounds } = bench.sizes;
    for (const concurrency of loopConcurrencies) {
      const what = `loop of ${toCount(loopItems)} items, ${toCount(concurrency)} at a time, a function each`;
      bench.progress.stage(what);
      const { ms } = await bench.inPlace((place) =>
        bench.runJob("loop", { place, itemCount: loopItems, concurrency, rounds: loopRounds }),
      );
      const note = `${toDuration(ms / loopItems)} an item; median of ${loopRounds} runs`;
      yield { kind: "measured", what, value: ms, unit: "ms", budget: null, note };
    }
  },
};
