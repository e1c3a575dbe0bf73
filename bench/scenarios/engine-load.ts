// Runs of three function steps in one engine process, as several scenarios measure them.
import type { Bench } from "../bench.ts";
import type { Place } from "../engine/store.ts";
import type { BudgetName } from "../budgets.ts";
import type { WorkloadName } from "../engine/workloads.ts";
import type { EngineLoadReport } from "../jobs/throughput.ts";
import type { LatencySummary } from "../load/latencies.ts";
import type { Measured } from "../measurement.ts";
import { toCount, toDuration } from "../report/numbers.ts";

export interface EngineLoad {
  readonly inFlight: number;
  /** Default: a new one, removed afterwards. */
  readonly place?: Place;
  /** Added to each commit. Default 0. */
  readonly commitDelayMs?: number;
  /** Default: three function steps. */
  readonly workload?: WorkloadName;
}

export function measureEngine(bench: Bench, load: EngineLoad): Promise<EngineLoadReport> {
  const { warmUpMs, windowMs } = bench.sizes;
  const { inFlight, commitDelayMs = 0, workload = "threeSteps" } = load;
  const run = (place: Place): Promise<EngineLoadReport> =>
    bench.runJob("throughput", { place, inFlight, warmUpMs, windowMs, commitDelayMs, workload });
  return load.place === undefined ? bench.inPlace(run) : run(load.place);
}

/** A row of runs per second. */
export function toThroughput(
  what: string,
  report: EngineLoadReport,
  budget: BudgetName | null,
): Measured {
  const { perSecond, latency, unitsPerCommit, commitMs, cpu } = report;
  const note = [
    `start to result p50 ${toDuration(latency.p50Ms)}, p99 ${toDuration(latency.p99Ms)}`,
    `a commit carries ${toCount(unitsPerCommit)} units in ${toDuration(commitMs)}`,
    `processor time a run: ${toCount(cpu.mainThreadUs)} µs main thread, ${toCount(cpu.otherThreadsUs)} µs others`,
  ].join("; ");
  return { kind: "measured", what, value: perSecond, unit: "runs/s", budget, note };
}

/** Two rows: p50 and p99. */
export function toLatencies(
  what: string,
  latency: LatencySummary,
  budgets: readonly [p50: BudgetName, p99: BudgetName] | null,
): readonly Measured[] {
  const { count, p50Ms, p99Ms, maxMs } = latency;
  return [
    {
      kind: "measured",
      what: `${what}, p50`,
      value: p50Ms,
      unit: "ms",
      budget: budgets?.[0] ?? null,
      note: `${toCount(count)} runs`,
    },
    {
      kind: "measured",
      what: `${what}, p99`,
      value: p99Ms,
      unit: "ms",
      budget: budgets?.[1] ?? null,
      note: `longest ${toDuration(maxMs)}`,
    },
  ];
}
