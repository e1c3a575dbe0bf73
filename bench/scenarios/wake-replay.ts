import type { Scenario } from "../bench.ts";
import { toCount } from "../report/numbers.ts";

export const wakeReplay: Scenario = {
  name: "wake-replay",
  async *run(bench) {
    const { replaySteps, replayWakes: wakeCount } = bench.sizes;
    for (const stepCount of replaySteps) {
      const what = `wake-up of a code run to its next step, after replay of ${toCount(stepCount)} steps`;
      bench.progress.stage(what);
      const { ms } = await bench.inPlace((place) =>
        bench.runJob("wakeReplay", { place, stepCount, wakeCount }),
      );
      const note = `median of ${wakeCount} wake-ups`;
      yield { kind: "measured", what, value: ms, unit: "ms", budget: null, note };
    }
  },
};
