import type { Scenario } from "../bench.ts";
import { runOverRest } from "../server/run-over-rest.ts";
import { measureEngine, toLatencies } from "./engine-load.ts";

export const latency: Scenario = {
  name: "latency",
  async *run(bench) {
    const what = "start to result, one at a time, JSON list";
    bench.progress.stage(`${what}, in process`);
    const inProcess = await measureEngine(bench, { inFlight: 1 });
    const budgets = ["startToResultP50Ms", "startToResultP99Ms"] as const;
    yield* toLatencies(`${what}, in process`, inProcess.latency, budgets);
    bench.progress.stage(`${what}, over REST`);
    const overRest = await runOverRest(bench, { inFlight: 1 });
    yield* toLatencies(`${what}, over REST`, overRest.latency, null);
  },
};
