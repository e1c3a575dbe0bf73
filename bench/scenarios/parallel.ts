import type { Scenario } from "../bench.ts";
import { toCount, toDuration } from "../report/numbers.ts";

export const parallel: Scenario = {
  name: "parallel-1000",
  async *run(bench) {
    const { parallelSteps: stepCount, parallelRuns: runCount } = bench.sizes;
    const what = `one code run of ${toCount(stepCount)} parallel steps, in process`;
    bench.progress.stage(what);
    const { ms } = await bench.inPlace((place) =>
      bench.runJob("parallelSteps", { place, stepCount, runCount }),
    );
    const note = `${toDuration(ms / stepCount)} a step; median of ${runCount} runs`;
    yield { kind: "measured", what, value: ms, unit: "ms", budget: null, note };
  },
};
