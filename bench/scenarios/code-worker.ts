import { createClient } from "@millrace/sdk/client";
import type { Bench, Scenario } from "../bench.ts";
import { threeSteps } from "../code/three-steps.ts";
import { Client } from "../load/client.ts";
import { runClosedLoop, type ClosedLoopReport } from "../load/closed-loop.ts";
import { toCount, toDuration } from "../report/numbers.ts";
import { startAndWaitOverRest } from "../server/rest.ts";
import { startServer, type Server } from "../server/server.ts";
import { startWorker, toUrl } from "../server/worker.ts";
import { toLatencies } from "./engine-load.ts";

const IN_FLIGHT = 200;
const WHERE = "code workflow of three steps in one worker over HTTP";

/** Three processes share the cores: the server, the worker, and the load. */
export const codeWorker: Scenario = {
  name: "code-worker",
  async *run(bench) {
    const what = `${WHERE}, ${toCount(IN_FLIGHT)} in flight`;
    bench.progress.stage(what);
    const { perSecond, latency } = await withWorker(bench, (server) => measureMany(bench, server));
    const note = `request to result p50 ${toDuration(latency.p50Ms)}, p99 ${toDuration(latency.p99Ms)}`;
    yield { kind: "measured", what, value: perSecond, unit: "runs/s", budget: null, note };
    const single = `start to result(), one at a time, ${WHERE}`;
    bench.progress.stage(single);
    const alone = await withWorker(bench, (server) => measureOne(bench, server));
    yield* toLatencies(single, alone.latency, null);
  },
};

function withWorker<T>(bench: Bench, use: (server: Server) => Promise<T>): Promise<T> {
  return bench.inPlace(async (place) => {
    await using server = await startServer({ place });
    await using _worker = await startWorker(server, IN_FLIGHT);
    return await use(server);
  });
}

/** By the load's own client, which leaves more of the cores to what is measured. */
async function measureMany(bench: Bench, server: Server): Promise<ClosedLoopReport> {
  const { warmUpMs, windowMs } = bench.sizes;
  using client = await Client.open({ ...server, connectionCount: IN_FLIGHT });
  return await runClosedLoop({
    inFlight: IN_FLIGHT,
    warmUpMs,
    windowMs,
    call: (n) => startAndWaitOverRest(client, threeSteps.name, n),
  });
}

/** By the client that applications use: one request starts, another one waits. */
async function measureOne(bench: Bench, server: Server): Promise<ClosedLoopReport> {
  const { warmUpMs, windowMs } = bench.sizes;
  const client = createClient({ url: toUrl(server), key: server.key });
  const call = async (n: number): Promise<void> => {
    const run = await client.start(threeSteps, { n });
    await run.result();
  };
  const report = await runClosedLoop({ inFlight: 1, warmUpMs, windowMs, call });
  await client.close();
  return report;
}
