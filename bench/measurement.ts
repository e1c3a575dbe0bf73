import { findBudget, type BudgetName } from "./budgets.ts";
import type { StoreName } from "./engine/store.ts";

export const UNITS = [
  "runs/s",
  "requests/s",
  "starts/s",
  "claims/s",
  "statements/min",
  "ms",
  "µs",
  "MB",
  "bytes",
  "ratio",
] as const;
export type Unit = (typeof UNITS)[number];

/** A number, as measured. */
export interface Measured {
  readonly kind: "measured";
  /** What was measured, with its sizes. */
  readonly what: string;
  readonly value: number;
  readonly unit: Unit;
  /** null: the design sets none for this. */
  readonly budget: BudgetName | null;
  /** What helps to read it; empty: nothing. */
  readonly note: string;
}

/** Two numbers that must be equal, however fast anything is. */
export interface Checked {
  readonly kind: "checked";
  readonly what: string;
  readonly found: number;
  readonly expected: number;
  readonly note: string;
}

export type Measurement = Measured | Checked;

/**
 * null: there is no budget. An upper bound of a ratio is compared with the one decimal in which it is given, since two
 * things that cost the same never measure exactly the same.
 */
export function isMet({ value, unit, budget: name }: Measured, store: StoreName): boolean | null {
  const budget = findBudget(name, store);
  if (budget === null) return null;
  const { bound, value: limit } = budget;
  const compared = unit === "ratio" && bound === "at most" ? Math.round(value * 10) / 10 : value;
  return bound === "at least" ? compared >= limit : compared <= limit;
}

export const holds = ({ found, expected }: Checked): boolean => found === expected;
