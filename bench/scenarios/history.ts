import type { Scenario } from "../bench.ts";
import { toCount } from "../report/numbers.ts";
import { measureEngine } from "./engine-load.ts";
import { BUDGETED_IN_FLIGHT } from "./throughput.ts";

/** Empty and full in turn, so that what else the machine does meets both. */
export const history: Scenario = {
  name: "history",
  async *run(bench) {
    const { finishedRuns, historyRounds } = bench.sizes;
    const inFlight = BUDGETED_IN_FLIGHT;
    const folder = await bench.filledStore();
    const empty: number[] = [];
    const full: number[] = [];
    for (let round = 1; round <= historyRounds; round++) {
      const times = `round ${round} of ${historyRounds}`;
      bench.progress.stage(`${inFlight} in flight, empty store, ${times}`);
      empty.push((await measureEngine(bench, { inFlight })).perSecond);
      bench.progress.stage(`${inFlight} in flight, full store, ${times}`);
      full.push((await measureEngine(bench, { inFlight, folder })).perSecond);
    }
    yield {
      kind: "measured",
      what: `throughput with ${toCount(finishedRuns)} finished runs in the store, against empty`,
      value: meanOf(full) / meanOf(empty),
      unit: "ratio",
      budget: "fullStoreRatio",
      note:
        `${toCount(meanOf(full))} against ${toCount(meanOf(empty))} runs/s, ${inFlight} in flight; ` +
        "filled through the storage port",
    };
  },
};

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
