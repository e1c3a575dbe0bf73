import type { Bench, Scenario } from "../bench.ts";
import type { ClosedLoopReport } from "../load/closed-loop.ts";
import { toDuration } from "../report/numbers.ts";
import { toLatencies } from "./engine-load.ts";

const IN_FLIGHT = 200;
const PROCESSES = 2;

const PLACES = [
  {
    place: "in process",
    processCount: 0,
    budget: "runsPerSecond",
    budgets: ["codeStartToResultP50Ms", "codeStartToResultP99Ms"],
  },
  {
    place: `in ${PROCESSES} child processes`,
    processCount: PROCESSES,
    budget: null,
    budgets: null,
  },
] as const;

export const code: Scenario = {
  name: "code",
  async *run(bench) {
    for (const { place, processCount, budget, budgets } of PLACES) {
      const what = `code workflow of three steps, ${IN_FLIGHT} in flight, ${place}`;
      bench.progress.stage(what);
      const { perSecond, latency } = await measure(bench, IN_FLIGHT, processCount);
      const note = `start to result p50 ${toDuration(latency.p50Ms)}, p99 ${toDuration(latency.p99Ms)}`;
      yield { kind: "measured", what, value: perSecond, unit: "runs/s", budget, note };
      const single = `start to result, one at a time, code workflow of three steps, ${place}`;
      bench.progress.stage(single);
      yield* toLatencies(single, (await measure(bench, 1, processCount)).latency, budgets);
    }
  },
};

function measure(bench: Bench, inFlight: number, processCount: number): Promise<ClosedLoopReport> {
  const { warmUpMs, windowMs } = bench.sizes;
  return bench.inPlace((place) =>
    bench.runJob("code", { place, inFlight, warmUpMs, windowMs, processCount }),
  );
}
