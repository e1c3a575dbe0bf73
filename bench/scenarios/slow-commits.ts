import type { Scenario } from "../bench.ts";
import { toCount } from "../report/numbers.ts";
import { measureEngine, toLatencies, toThroughput } from "./engine-load.ts";

/** What the engine makes of a store that is further away: a network, or a disk with a slow flush. */
export const slowCommits: Scenario = {
  name: "slow-commits",
  async *run(bench) {
    for (const commitDelayMs of bench.sizes.commitDelaysMs) {
      const slower = `each commit ${commitDelayMs} ms slower`;
      for (const inFlight of bench.sizes.inFlight) {
        const what = `three function steps, ${toCount(inFlight)} in flight, in process, ${slower}`;
        bench.progress.stage(what);
        yield toThroughput(what, await measureEngine(bench, { inFlight, commitDelayMs }), null);
      }
      const what = `start to result, one at a time, in process, ${slower}`;
      bench.progress.stage(what);
      const { latency } = await measureEngine(bench, { inFlight: 1, commitDelayMs });
      yield* toLatencies(what, latency, null);
    }
  },
};
