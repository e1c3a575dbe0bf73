import type { Scenario } from "../bench.ts";
import { toCount, toDuration } from "../report/numbers.ts";

export const language: Scenario = {
  name: "language",
  leftOut: { postgres: "it uses no store" },
  async *run(bench) {
    const { graphSteps, graphRounds, windowMs } = bench.sizes;
    const count = toCount(graphSteps);
    bench.progress.stage(`a graph of ${count} steps`);
    const order = { stepCount: graphSteps, rounds: graphRounds, windowMs: windowMs / 5 };
    const cost = await bench.runJob("language", order);
    yield {
      kind: "measured",
      what: `planner, a step of a graph of ${count}, without a store`,
      value: (cost.planMs * 1_000) / graphSteps,
      unit: "µs",
      budget: null,
      note: `${toDuration(cost.planMs)} for all of them, median of ${graphRounds}; to check and compile the graph ${toDuration(cost.compileMs)}`,
    };
    for (const { source, kind, us } of cost.renders) {
      yield {
        kind: "measured",
        what: `${kind} \`${source}\``,
        value: us,
        unit: "µs",
        budget: null,
        note: "one evaluation",
      };
    }
  },
};
