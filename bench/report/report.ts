import { availableParallelism, loadavg, release, totalmem, type } from "node:os";
import type { StoreDescription } from "../bench.ts";
import { findBudget } from "../budgets.ts";
import type { DiskSpeed } from "../disk.ts";
import { holds, isMet, type Measurement } from "../measurement.ts";

/** Everything that a reader needs to judge the numbers; nothing that names the machine or its folders. */
export interface Report {
  readonly date: string;
  readonly node: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  /** Processes that wanted a core in the minute before, on average. */
  readonly loadBefore: number;
  readonly disk: DiskSpeed;
  readonly store: StoreDescription;
  /** Scenarios that make no sense on this store, each with the reason. */
  readonly leftOut: readonly string[];
  readonly isQuick: boolean;
  readonly durationMs: number;
  readonly measurements: readonly Measurement[];
}

export type Machine = Omit<
  Report,
  "disk" | "store" | "leftOut" | "isQuick" | "durationMs" | "measurements"
>;

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    loadBefore: loadavg()[0] ?? NaN,
  };
}

/** For programs: each number with its durability, its budget and whether that is met. */
export function toJson(report: Report): string {
  const { name, durability } = report.store;
  const measurements = report.measurements.map((one) =>
    one.kind === "checked"
      ? { ...one, met: holds(one), durability }
      : {
          ...one,
          budget: findBudget(one.budget, name),
          met: isMet(one, name),
          durability,
        },
  );
  return JSON.stringify({ ...report, measurements }, null, 2);
}
