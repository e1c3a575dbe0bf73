import type { Scenario } from "../bench.ts";
import { toCount, toDuration } from "../report/numbers.ts";

export const stepCost: Scenario = {
  name: "step-cost",
  async *run(bench) {
    const { listSteps, listRuns, stepSamples } = bench.sizes;
    const order = { stepCount: listSteps, runCount: listRuns, sampleCount: stepSamples };
    const last = toCount(listSteps);
    bench.progress.stage(`a list of ${last} function steps`);
    const cost = await bench.inPlace((place) => bench.runJob("stepCost", { place, ...order }));
    yield {
      kind: "measured",
      what: `cost of step ${last} against step 10`,
      value: cost.lateMs / cost.earlyMs,
      unit: "ratio",
      budget: "lateStepRatio",
      note:
        `median ${toDuration(cost.lateMs)} against ${toDuration(cost.earlyMs)}; ` +
        `${toCount(stepSamples)} steps each in ${listRuns} runs`,
    };
  },
};
