// `architecture.md`, section 8, a column a store: two cores, the store on the same machine, durable, a run is three
// sequential steps. They guide the design; no test asserts them.
import type { StoreName } from "./engine/store.ts";

export interface Budget {
  readonly bound: "at least" | "at most";
  readonly value: number;
}

/** null: the design sets none on this store. */
interface BudgetRow extends Readonly<Record<StoreName, number | null>> {
  readonly bound: Budget["bound"];
}

const BUDGETS = {
  runsPerSecond: { bound: "at least", sqlite: 40_000, postgres: 12_000 },
  startToResultP50Ms: { bound: "at most", sqlite: 0.5, postgres: 2 },
  startToResultP99Ms: { bound: "at most", sqlite: 2, postgres: 8 },
  restStartsPerSecond: { bound: "at least", sqlite: 5_000, postgres: 3_000 },
  /** Of one call of 10,000. Not in the design's table: the aim for bulk starts. */
  startManyPerSecond: { bound: "at least", sqlite: 100_000, postgres: null },
  codeStartToResultP50Ms: { bound: "at most", sqlite: 0.8, postgres: 2.5 },
  codeStartToResultP99Ms: { bound: "at most", sqlite: 2, postgres: 8 },
  lateStepRatio: { bound: "at most", sqlite: 1, postgres: 1 },
  fullStoreRatio: { bound: "at least", sqlite: 0.9, postgres: 0.9 },
  sleepingMegabytes: { bound: "at most", sqlite: 300, postgres: 300 },
  startUpMs: { bound: "at most", sqlite: 1_000, postgres: 1_000 },
  /** Of all runs of a node that was killed, on another node. */
  recoveryMs: { bound: "at most", sqlite: null, postgres: 10_000 },
  /** Of an idle cluster of four. */
  idleStatementsPerMinute: { bound: "at most", sqlite: null, postgres: 60 },
} as const satisfies Readonly<Record<string, BudgetRow>>;

export type BudgetName = keyof typeof BUDGETS;

/** null: there is none. */
export function findBudget(name: BudgetName | null, store: StoreName): Budget | null {
  if (name === null) return null;
  const { bound, [store]: value } = BUDGETS[name];
  return value === null ? null : { bound, value };
}
