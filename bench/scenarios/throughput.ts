import type { Scenario } from "../bench.ts";
import { toCount } from "../report/numbers.ts";
import { measureEngine, toThroughput } from "./engine-load.ts";

/** The number of runs in flight for which there is a budget. */
export const BUDGETED_IN_FLIGHT = 200;

export const throughput: Scenario = {
  name: "throughput",
  async *run(bench) {
    for (const inFlight of bench.sizes.inFlight) {
      const what = `three function steps, ${toCount(inFlight)} in flight, in process`;
      bench.progress.stage(what);
      const budget = inFlight === BUDGETED_IN_FLIGHT ? "runsPerSecond" : null;
      yield toThroughput(what, await measureEngine(bench, { inFlight }), budget);
    }
  },
};
