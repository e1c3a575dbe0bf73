import * as functions from "../functions/three-steps.ts";
import { THREE_STEPS } from "../engine/definitions.ts";
import { installWorkflow, openEngine } from "../engine/open-engine.ts";
import { startAndWait } from "../engine/start-and-wait.ts";
import type { StoreName } from "../engine/store.ts";
import { runClosedLoop, type ClosedLoopReport } from "../load/closed-loop.ts";

export interface ThroughputOrder {
  readonly store: StoreName;
  readonly folder: string;
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly windowMs: number;
  readonly commitDelayMs: number;
}

export interface EngineLoadReport extends ClosedLoopReport {
  readonly commitsPerSecond: number;
  readonly unitsPerCommit: number;
  readonly commitMs: number;
}

/** As many callers as shall be in flight; each starts a run, waits for its result, and starts the next. */
export async function throughput(order: ThroughputOrder): Promise<EngineLoadReport> {
  const { store, folder, commitDelayMs, ...load } = order;
  await using opened = await openEngine({ store, folder, functions, commitDelayMs });
  const { engine } = opened;
  await installWorkflow(engine, THREE_STEPS);
  const startedAt = performance.now();
  const report = await runClosedLoop({
    ...load,
    call: (n) => startAndWait(engine, THREE_STEPS.id, n),
  });
  const seconds = (performance.now() - startedAt) / 1_000;
  const { commits, commitUnits, commitSeconds } = engine.metrics();
  return {
    ...report,
    commitsPerSecond: commits / seconds,
    unitsPerCommit: commitUnits / commits,
    commitMs: (commitSeconds.sum / commits) * 1_000,
  };
}
