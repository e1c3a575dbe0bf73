import type { Scenario } from "../bench.ts";
import { toCount, toDuration } from "../report/numbers.ts";

export const sequential: Scenario = {
  name: "sequential-10000",
  async *run(bench) {
    const { sequentialSteps: stepCount, sequentialSamples, sequentialRuns } = bench.sizes;
    const what = `one code run of ${toCount(stepCount)} sequential steps, in process`;
    bench.progress.stage(what);
    const order = { stepCount, sampleCount: sequentialSamples, runCount: sequentialRuns };
    const { ms, firstMs, lastMs } = await bench.inPlace((place) =>
      bench.runJob("sequentialSteps", { place, ...order }),
    );
    const runs = `median of ${sequentialRuns} runs`;
    const note = `${toDuration(ms / stepCount)} a step; ${runs}`;
    yield { kind: "measured", what, value: ms, unit: "ms", budget: null, note };
    const samples = toCount(sequentialSamples);
    yield {
      kind: "measured",
      what: `the same: a step of the last ${samples} against one of the first ${samples}`,
      value: lastMs / firstMs,
      unit: "ratio",
      budget: "lateStepRatio",
      note: `mean ${toDuration(lastMs)} against ${toDuration(firstMs)}; ${runs}`,
    };
  },
};
