import type { Scenario } from "../bench.ts";
import type { EngineLoadReport } from "../jobs/throughput.ts";
import { toCount } from "../report/numbers.ts";
import { measureEngine } from "./engine-load.ts";
import { BUDGETED_IN_FLIGHT } from "./throughput.ts";

/** Empty and full in turn, so that what else the machine does meets both. */
export const history: Scenario = {
  name: "history",
  async *run(bench) {
    const { finishedRuns, historyRounds } = bench.sizes;
    const inFlight = BUDGETED_IN_FLIGHT;
    const place = await bench.filledStore();
    const empty: EngineLoadReport[] = [];
    const full: EngineLoadReport[] = [];
    for (let round = 1; round <= historyRounds; round++) {
      const times = `round ${round} of ${historyRounds}`;
      bench.progress.stage(`${inFlight} in flight, empty store, ${times}`);
      empty.push(await measureEngine(bench, { inFlight }));
      bench.progress.stage(`${inFlight} in flight, full store, ${times}`);
      full.push(await measureEngine(bench, { inFlight, place }));
    }
    const rate = { full: meanOf(full, toRate), empty: meanOf(empty, toRate) };
    const us = { full: meanOf(full, toProcessorUs), empty: meanOf(empty, toProcessorUs) };
    yield {
      kind: "measured",
      what: `throughput with ${toCount(finishedRuns)} finished runs in the store, against empty`,
      value: rate.full / rate.empty,
      unit: "ratio",
      budget: "fullStoreRatio",
      note:
        `${toCount(rate.full)} against ${toCount(rate.empty)} runs/s, ${inFlight} in flight; ` +
        `processor time a run: ${toCount(us.full)} against ${toCount(us.empty)} µs`,
    };
  },
};

const toRate = ({ perSecond }: EngineLoadReport): number => perSecond;
const toProcessorUs = ({ cpu }: EngineLoadReport): number => cpu.mainThreadUs + cpu.otherThreadsUs;

const meanOf = (
  reports: readonly EngineLoadReport[],
  read: (report: EngineLoadReport) => number,
): number => reports.reduce((sum, report) => sum + read(report), 0) / reports.length;
