import type { Scenario } from "../bench.ts";
import { toCount } from "../report/numbers.ts";
import { measureEngine, toLatencies, toThroughput } from "./engine-load.ts";

const IN_FLIGHT = 200;

export const order: Scenario = {
  name: "order",
  async *run(bench) {
    const what =
      "Process Customer Order (schema, templates, invoice and mail to sandboxes), in process";
    const many = `${what}, ${toCount(IN_FLIGHT)} in flight`;
    bench.progress.stage(many);
    yield toThroughput(
      many,
      await measureEngine(bench, { inFlight: IN_FLIGHT, workload: "order" }),
      null,
    );
    const alone = `${what}, one at a time`;
    bench.progress.stage(alone);
    const { latency } = await measureEngine(bench, { inFlight: 1, workload: "order" });
    yield* toLatencies(alone, latency, null);
  },
};
