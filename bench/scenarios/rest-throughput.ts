import type { Scenario } from "../bench.ts";
import { toCount, toDuration } from "../report/numbers.ts";
import { runOverRest } from "../server/run-over-rest.ts";

/** The load comes from this process, on the same cores as the server. */
export const restThroughput: Scenario = {
  name: "rest-throughput",
  async *run(bench) {
    for (const inFlight of bench.sizes.inFlight) {
      const what = `three function steps, ${toCount(inFlight)} in flight, over REST`;
      bench.progress.stage(what);
      const { perSecond, latency, serverUs } = await runOverRest(bench, { inFlight });
      const note =
        `request to result p50 ${toDuration(latency.p50Ms)}, p99 ${toDuration(latency.p99Ms)}; ` +
        `processor time of the server: ${toCount(serverUs)} µs a run`;
      yield { kind: "measured", what, value: perSecond, unit: "runs/s", budget: null, note };
    }
  },
};
