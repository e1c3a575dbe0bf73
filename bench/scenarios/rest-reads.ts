// What it costs to look at runs where there are many.
import type { Bench, Scenario } from "../bench.ts";
import { Client } from "../load/client.ts";
import { Latencies } from "../load/latencies.ts";
import type { Measured } from "../measurement.ts";
import { toCount, toDuration } from "../report/numbers.ts";
import { startServer } from "../server/server.ts";

const OK = 200;

export const restReads: Scenario = {
  name: "rest-reads",
  async *run(bench) {
    const place = await bench.filledStore();
    await using server = await startServer({ place });
    using client = await Client.open({ ...server, connectionCount: 1 });
    const { body } = await client.call({ method: "GET", path: "/api/v1/runs?limit=100" });
    // The API's own shape.
    const { data } = JSON.parse(body) as { readonly data: readonly { readonly id: string }[] };
    const ids = data.map(({ id }) => id);
    const paths: readonly (readonly [what: string, path: (n: number) => string])[] = [
      ["list 50 runs", () => "/api/v1/runs?limit=50"],
      ["list 50 failed runs, of which there are none", () => "/api/v1/runs?limit=50&status=failed"],
      ["get a run", (n) => `/api/v1/runs/${ids[n % ids.length] ?? ""}`],
    ];
    for (const [what, path] of paths) yield await measure(bench, client, what, path);
  },
};

async function measure(
  bench: Bench,
  client: Client,
  what: string,
  path: (n: number) => string,
): Promise<Measured> {
  const full = `${what}, p99, ${toCount(bench.sizes.finishedRuns)} runs in the store`;
  bench.progress.stage(full);
  const latencies = new Latencies();
  for (let n = 0; n < bench.sizes.reads; n++) {
    const from = performance.now();
    const { status } = await client.call({ method: "GET", path: path(n) });
    if (status !== OK) throw new Error(`${path(n)} was answered with ${status}`);
    latencies.record(performance.now() - from);
  }
  const { p50Ms, p99Ms, count } = latencies.summarize();
  const note = `over REST, one at a time; p50 ${toDuration(p50Ms)}, ${toCount(count)} requests`;
  return { kind: "measured", what: full, value: p99Ms, unit: "ms", budget: null, note };
}
