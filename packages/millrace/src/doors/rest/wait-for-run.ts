import { MillraceError, type Run, type RunId } from "@millrace/protocol";
import type { AuthorizedCall, Services } from "../../route.ts";

/**
 * The run when it has ended, or as it is after `timeoutMs`, or when the caller hangs up or the server stops.
 *
 * @throws {MillraceError} run.not-found
 */
export async function waitForRun(
  call: AuthorizedCall,
  { engine, stopping }: Services,
  runId: RunId,
  timeoutMs: number,
): Promise<Run> {
  const signal = AbortSignal.any([call.request.signal, stopping]);
  const run = await engine.waitForRun(call.caller.tenant, runId, { timeoutMs, signal });
  if (run === null) throw new MillraceError("run.not-found", "Run not found");
  return run;
}
