import type { Bench } from "../bench.ts";
import { THREE_STEPS } from "../engine/definitions.ts";
import { Client } from "../load/client.ts";
import { runClosedLoop, type ClosedLoopReport } from "../load/closed-loop.ts";
import { installOverRest, readProgress, startAndWaitOverRest } from "./rest.ts";
import { startServer } from "./server.ts";

export interface RestLoadReport extends ClosedLoopReport {
  /** Processor time of the server, all its threads, for one run. */
  readonly serverUs: number;
}

/** As many connections as shall be in flight; each request starts a run and waits for its result. */
export function runOverRest(
  bench: Bench,
  { inFlight }: { readonly inFlight: number },
): Promise<RestLoadReport> {
  const { warmUpMs, windowMs } = bench.sizes;
  return bench.inPlace(async (place) => {
    await using server = await startServer({ place });
    using client = await Client.open({ ...server, connectionCount: inFlight });
    await installOverRest(client, THREE_STEPS);
    const before = await readProgress(client);
    const report = await runClosedLoop({
      inFlight,
      warmUpMs,
      windowMs,
      call: (n) => startAndWaitOverRest(client, THREE_STEPS.id, n),
    });
    const after = await readProgress(client);
    const serverUs = (after.cpuUs - before.cpuUs) / (after.finished - before.finished);
    return { ...report, serverUs };
  });
}
