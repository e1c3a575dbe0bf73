// `architecture.md`, section 8, the column "embedded": two cores, the store on the same machine, durable, a run is
// three sequential steps. They guide the design; no test asserts them.

export interface Budget {
  readonly bound: "at least" | "at most";
  readonly value: number;
}

export const BUDGETS = {
  runsPerSecond: { bound: "at least", value: 40_000 },
  startToResultP50Ms: { bound: "at most", value: 0.5 },
  startToResultP99Ms: { bound: "at most", value: 2 },
  restStartsPerSecond: { bound: "at least", value: 5_000 },
  /** Of one call of 10,000. Not in the design's table: the aim for bulk starts. */
  startManyPerSecond: { bound: "at least", value: 100_000 },
  codeStartToResultP50Ms: { bound: "at most", value: 0.8 },
  codeStartToResultP99Ms: { bound: "at most", value: 2 },
  lateStepRatio: { bound: "at most", value: 1 },
  fullStoreRatio: { bound: "at least", value: 0.9 },
  sleepingMegabytes: { bound: "at most", value: 300 },
  startUpMs: { bound: "at most", value: 1_000 },
} as const satisfies Readonly<Record<string, Budget>>;

export type BudgetName = keyof typeof BUDGETS;
