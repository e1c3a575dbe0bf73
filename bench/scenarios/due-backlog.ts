// Whether a node that has fallen behind gets hold of runs as fast as one that has not.
import type { Scenario } from "../bench.ts";
import { toCount, toDuration } from "../report/numbers.ts";

export const dueBacklog: Scenario = {
  name: "due-backlog",
  leftOut: { sqlite: "its rows are made by SQL of PostgreSQL" },
  async *run(bench) {
    const { dueRuns, windowMs } = bench.sizes;
    const rates: number[] = [];
    for (const count of dueRuns) {
      const what = `claims of due runs by one node, ${toCount(count)} due`;
      bench.progress.stage(what);
      const report = await bench.inPlace((place) =>
        bench.runJob("claims", { place, dueRuns: count, windowMs }),
      );
      rates.push(report.perSecond);
      const note = `${toCount(report.claimed)} runs claimed; a find and a take of up to 500 in ${toDuration(report.claimMs)}`;
      const value = report.perSecond;
      yield { kind: "measured", what, value, unit: "claims/s", budget: null, note };
    }
    const [few = NaN, many = NaN] = [rates[0], rates.at(-1)];
    yield {
      kind: "measured",
      what: `claims under ${toCount(dueRuns.at(-1) ?? NaN)} due runs against ${toCount(dueRuns[0] ?? NaN)}`,
      value: many / few,
      unit: "ratio",
      budget: null,
      note: `${toCount(many)} against ${toCount(few)} a second`,
    };
  },
};
