import type { EngineMetrics } from "./commands.ts";

const COMMIT_BOUNDS = [
  0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1,
] as const;

/** Grown in place by the services. */
interface Counters {
  runsStarted: number;
  readonly runsFinished: { completed: number; failed: number; cancelled: number };
  attemptsCompleted: number;
  attemptsFailed: number;
  attemptsDiscarded: number;
  commits: number;
  commitUnits: number;
  commitFailures: number;
  runsTaken: number;
  runsReaped: number;
  runsPruned: number;
  runsLost: number;
}

export interface Metrics {
  readonly counters: Counters;
  observeCommit(seconds: number): void;
  /** The counters with what only the node knows. */
  snapshot(
    gauges: Pick<EngineMetrics, "residentRuns" | "runningBodies" | "queuedUnits">,
  ): EngineMetrics;
}

export function createMetrics(): Metrics {
  const counts = Array.from({ length: COMMIT_BOUNDS.length + 1 }, () => 0);
  let sum = 0;
  const counters: Counters = {
    runsStarted: 0,
    runsFinished: { completed: 0, failed: 0, cancelled: 0 },
    attemptsCompleted: 0,
    attemptsFailed: 0,
    attemptsDiscarded: 0,
    commits: 0,
    commitUnits: 0,
    commitFailures: 0,
    runsTaken: 0,
    runsReaped: 0,
    runsPruned: 0,
    runsLost: 0,
  };
  return {
    counters,
    observeCommit(seconds) {
      const found = COMMIT_BOUNDS.findIndex((bound) => seconds <= bound);
      const index = found < 0 ? COMMIT_BOUNDS.length : found;
      counts[index] = (counts[index] ?? 0) + 1;
      sum += seconds;
    },
    snapshot: (gauges) => ({
      ...counters,
      ...gauges,
      runsFinished: { ...counters.runsFinished },
      commitSeconds: { bounds: COMMIT_BOUNDS, counts: [...counts], sum },
    }),
  };
}
