/** How much of everything. */
export interface Sizes {
  readonly inFlight: readonly number[];
  readonly warmUpMs: number;
  /** Of a throughput or latency, after the warm-up. */
  readonly windowMs: number;
  /** Added to each commit, one pass each. */
  readonly commitDelaysMs: readonly number[];
  readonly levelMs: number;
  readonly firstLevelPerSecond: number;
  readonly levelStepPerSecond: number;
  readonly listSteps: number;
  readonly listRuns: number;
  readonly stepSamples: number;
  readonly batchItems: number;
  readonly batchRounds: number;
  readonly startItems: number;
  readonly startRounds: number;
  readonly parallelSteps: number;
  readonly parallelRuns: number;
  readonly sequentialSteps: number;
  /** Looked at, at the beginning and at the end of them. */
  readonly sequentialSamples: number;
  readonly sequentialRuns: number;
  /** A journal holds 100,000 entries, of which a wait and what ends it take some. */
  readonly replaySteps: readonly number[];
  readonly replayWakes: number;
  readonly reads: number;
  readonly streams: number;
  readonly graphSteps: number;
  readonly graphRounds: number;
  readonly loopItems: number;
  readonly loopConcurrencies: readonly number[];
  readonly loopRounds: number;
  readonly finishedRuns: number;
  /** Full and empty store are measured in turn, so often each. */
  readonly historyRounds: number;
  readonly sleepers: readonly number[];
  readonly restMs: number;
  readonly startUps: number;
  readonly kills: number;
  readonly killAfterMs: number;
  /** On one database. Two and one are among them. */
  readonly nodeCounts: readonly number[];
  readonly recoveryRuns: number;
  readonly idleMs: number;
  readonly byteRuns: number;
  /** Ascending; the last is compared with the first. */
  readonly dueRuns: readonly number[];
}

export const FULL: Sizes = {
  inFlight: [50, 200, 1_000],
  warmUpMs: 1_500,
  windowMs: 5_000,
  commitDelaysMs: [2, 10],
  levelMs: 3_000,
  firstLevelPerSecond: 1_000,
  levelStepPerSecond: 1_000,
  listSteps: 10_000,
  listRuns: 5,
  stepSamples: 200,
  batchItems: 10_000,
  batchRounds: 5,
  startItems: 10_000,
  startRounds: 5,
  parallelSteps: 1_000,
  parallelRuns: 20,
  sequentialSteps: 10_000,
  sequentialSamples: 1_000,
  sequentialRuns: 3,
  replaySteps: [10, 1_000, 90_000],
  replayWakes: 5,
  reads: 1_000,
  streams: 1_000,
  graphSteps: 1_000,
  graphRounds: 15,
  loopItems: 10_000,
  loopConcurrencies: [1, 100],
  loopRounds: 3,
  finishedRuns: 1_000_000,
  historyRounds: 2,
  sleepers: [100_000, 1_000_000],
  restMs: 5_000,
  startUps: 5,
  kills: 3,
  killAfterMs: 3_000,
  nodeCounts: [1, 2, 4],
  recoveryRuns: 10_000,
  idleMs: 60_000,
  byteRuns: 20_000,
  dueRuns: [1_000, 1_000_000],
};

/** To see whether the benchmark works. Its numbers say nothing. */
export const QUICK: Sizes = {
  inFlight: [50, 200],
  warmUpMs: 200,
  windowMs: 500,
  commitDelaysMs: [2],
  levelMs: 500,
  firstLevelPerSecond: 1_000,
  levelStepPerSecond: 2_000,
  listSteps: 1_000,
  listRuns: 2,
  stepSamples: 50,
  batchItems: 500,
  batchRounds: 2,
  startItems: 2_000,
  startRounds: 1,
  parallelSteps: 1_000,
  parallelRuns: 3,
  sequentialSteps: 2_000,
  sequentialSamples: 200,
  sequentialRuns: 1,
  replaySteps: [10, 1_000, 10_000],
  replayWakes: 2,
  reads: 50,
  streams: 50,
  graphSteps: 1_000,
  graphRounds: 3,
  loopItems: 500,
  loopConcurrencies: [1, 100],
  loopRounds: 1,
  finishedRuns: 20_000,
  historyRounds: 1,
  sleepers: [2_000, 10_000],
  restMs: 200,
  startUps: 1,
  kills: 2,
  killAfterMs: 500,
  nodeCounts: [1, 2, 4],
  recoveryRuns: 500,
  idleMs: 5_000,
  byteRuns: 1_000,
  dueRuns: [1_000, 20_000],
};
