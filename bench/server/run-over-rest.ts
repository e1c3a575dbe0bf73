import type { Bench } from "../bench.ts";
import { THREE_STEPS } from "../engine/definitions.ts";
import { Client } from "../load/client.ts";
import { runClosedLoop, type ClosedLoopReport } from "../load/closed-loop.ts";
import { installOverRest, startAndWaitOverRest } from "./rest.ts";
import { startServer } from "./server.ts";

/** As many connections as shall be in flight; each request starts a run and waits for its result. */
export function runOverRest(
  bench: Bench,
  { inFlight }: { readonly inFlight: number },
): Promise<ClosedLoopReport> {
  const { warmUpMs, windowMs } = bench.sizes;
  return bench.inFolder(async (folder) => {
    await using server = await startServer({ folder });
    using client = await Client.open({ ...server, connectionCount: inFlight });
    await installOverRest(client, THREE_STEPS);
    return await runClosedLoop({
      inFlight,
      warmUpMs,
      windowMs,
      call: (n) => startAndWaitOverRest(client, THREE_STEPS.id, n),
    });
  });
}
