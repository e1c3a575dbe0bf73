import * as functions from "../functions/three-steps.ts";
import { WORKLOADS, type WorkloadName } from "../engine/workloads.ts";
import { installWorkflow, openEngine } from "../engine/open-engine.ts";
import { startAndWait } from "../engine/start-and-wait.ts";
import type { Meet } from "../jobs.ts";
import type { Place } from "../engine/store.ts";
import { runClosedLoop, type ClosedLoopReport } from "../load/closed-loop.ts";

export interface ThroughputOrder {
  readonly place: Place;
  readonly inFlight: number;
  readonly warmUpMs: number;
  readonly windowMs: number;
  readonly commitDelayMs: number;
  readonly workload: WorkloadName;
}

export interface EngineLoadReport extends ClosedLoopReport {
  readonly unitsPerCommit: number;
  /** Mean. */
  readonly commitMs: number;
  /** Processor time of one run, which says more than its duration where others use the machine. */
  readonly cpu: CpuUse;
}

export interface CpuUse {
  readonly mainThreadUs: number;
  /** The store's threads, and those of Node itself: collection of garbage, compilation. */
  readonly otherThreadsUs: number;
}

/** As many callers as shall be in flight; each starts a run, waits for its result, and starts the next. */
export async function throughput(
  order: ThroughputOrder,
  _tell: (text: string) => void,
  meet: Meet,
): Promise<EngineLoadReport> {
  const { place, commitDelayMs, workload: name, ...load } = order;
  const { workflow, inputOf, actions } = await WORKLOADS[name]();
  await using opened = await openEngine({ place, functions, actions, commitDelayMs });
  const { engine } = opened;
  await installWorkflow(engine, workflow);
  await meet();
  const before = readCpu();
  const report = await runClosedLoop({
    ...load,
    call: (n) => startAndWait(engine, workflow.id, inputOf(n)),
  });
  const after = readCpu();
  const { commits, commitUnits, commitSeconds, runsFinished } = engine.metrics();
  const perRun = (what: keyof CpuUse): number =>
    (after[what] - before[what]) / runsFinished.completed;
  return {
    ...report,
    unitsPerCommit: commitUnits / commits,
    commitMs: (commitSeconds.sum / commits) * 1_000,
    cpu: {
      mainThreadUs: perRun("mainThreadUs"),
      otherThreadsUs: perRun("otherThreadsUs"),
    },
  };
}

function readCpu(): CpuUse {
  const all = process.cpuUsage();
  const main = process.threadCpuUsage();
  const mainThreadUs = main.user + main.system;
  return { mainThreadUs, otherThreadsUs: all.user + all.system - mainThreadUs };
}
