import { availableParallelism, loadavg, release, totalmem, type } from "node:os";
import { BUDGETS } from "../budgets.ts";
import type { DiskSpeed } from "../disk.ts";
import { holds, isMet, type Measurement } from "../measurement.ts";

/** Everything that a reader needs to judge the numbers; nothing that names the machine or its folders. */
export interface Report {
  readonly date: string;
  readonly node: string;
  readonly sqlite: string;
  readonly cores: number;
  readonly memoryGib: number;
  readonly kernel: string;
  /** Processes that wanted a core in the minute before, on average. */
  readonly loadBefore: number;
  readonly disk: DiskSpeed;
  readonly durability: string;
  readonly isQuick: boolean;
  readonly durationMs: number;
  readonly measurements: readonly Measurement[];
}

export type Machine = Omit<
  Report,
  "disk" | "durability" | "isQuick" | "durationMs" | "measurements"
>;

export function describeMachine(): Machine {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.versions.node,
    sqlite: process.versions["sqlite"] ?? "unknown",
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()}`,
    loadBefore: loadavg()[0] ?? NaN,
  };
}

/** For programs: each number with its durability, its budget and whether that is met. */
export function toJson(report: Report): string {
  const { durability } = report;
  const measurements = report.measurements.map((one) =>
    one.kind === "checked"
      ? { ...one, met: holds(one), durability }
      : {
          ...one,
          budget: one.budget === null ? null : BUDGETS[one.budget],
          met: isMet(one),
          durability,
        },
  );
  return JSON.stringify({ ...report, measurements }, null, 2);
}
