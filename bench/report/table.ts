// The rows of a report, for the terminal and for the page.
import type { StoreDescription } from "../bench.ts";
import { findBudget } from "../budgets.ts";
import type { LatencySummary } from "../load/latencies.ts";
import { holds, isMet, type Measured, type Measurement } from "../measurement.ts";
import { toAmount, toCount, toDuration } from "./numbers.ts";
import type { Report } from "./report.ts";

const TITLES = ["Scenario", "Value", "Budget", "Met", "Durability", "Note"] as const;

/** One text a column, as `TITLES` has them. */
type Row = readonly string[];

export function toRows({ measurements, store }: Report): readonly Row[] {
  return [TITLES, ...measurements.map((one) => toRow(one, store))];
}

function toRow(one: Measurement, store: StoreDescription): Row {
  const { what, note } = one;
  return [what, toValue(one), toBudget(one, store), toMet(one, store), store.durability, note];
}

export const toValue = (one: Measurement): string =>
  one.kind === "checked" ? toCount(one.found) : toAmount(one.value, one.unit);

function toBudget(one: Measurement, store: StoreDescription): string {
  if (one.kind === "checked") return `= ${toCount(one.expected)}`;
  const budget = findBudget(one.budget, store.name);
  if (budget === null) return "";
  const { bound, value } = budget;
  return `${bound === "at least" ? "≥" : "≤"} ${toLimit(value, one.unit)}`;
}

/** As the design states it, not rounded. */
function toLimit(value: number, unit: Measured["unit"]): string {
  if (unit === "ratio") return value.toFixed(1);
  const text = Number.isInteger(value) ? toCount(value) : String(value);
  return `${text} ${unit}`;
}

function toMet(one: Measurement, store: StoreDescription): string {
  const met = one.kind === "checked" ? holds(one) : isMet(one, store.name);
  return met === null ? "" : met ? "yes" : "**no**";
}

/** What stands above the table. */
export function toContext(report: Report): readonly string[] {
  const { date, node, store, cores, memoryGib, kernel, loadBefore, disk, durationMs } = report;
  const seconds = Math.round(durationMs / 1_000);
  const lines = [
    `Measured on ${date} in ${seconds} s. Node ${node}, ${store.version}; ${cores} cores, ` +
      `${memoryGib} GiB of memory, ${kernel}; load before: ${loadBefore.toFixed(1)}.`,
    `The disk, bare: a write of 8 KB takes ${toPercentiles(disk.fdatasync)} with fdatasync, ` +
      `${toPercentiles(disk.fsync)} with fsync. ${FLUSHES[store.name]}`,
    ...(store.settings === null ? [] : [`Set for the machine: ${store.settings}.`]),
    ...(report.leftOut.length === 0 ? [] : [`Left out: ${report.leftOut.join("; ")}.`]),
  ];
  return report.isQuick ? [...lines, "Small sizes, for trying: these numbers say nothing."] : lines;
}

const FLUSHES: Readonly<Record<StoreDescription["name"], string>> = {
  sqlite: "The SQLite in Node calls fsync.",
  postgres: "PostgreSQL calls fdatasync.",
};

const toPercentiles = ({ p50Ms, p99Ms }: LatencySummary): string =>
  `p50 ${toDuration(p50Ms)} and p99 ${toDuration(p99Ms)}`;

/** For a terminal. Durability is the same in all rows, so it stands above them; notes go below their row. */
export function drawTable(report: Report): string {
  const [titles = [], ...rows] = toRows(report).map((row) => row.slice(0, 4).map(plain));
  const widths = titles.map((title, i) =>
    Math.max(title.length, ...rows.map((row) => row[i]?.length ?? 0)),
  );
  const draw = (row: Row): string =>
    row
      .map((text, i) => (i === 0 ? text.padEnd(widths[i] ?? 0) : text.padStart(widths[i] ?? 0)))
      .join("  ")
      .trimEnd();
  const rule = "─".repeat(widths.reduce((sum, width) => sum + width + 2, -2));
  const drawn = rows.flatMap((row, i) => {
    const note = report.measurements[i]?.note ?? "";
    return note === "" ? [draw(row)] : [draw(row), `    ${note}`];
  });
  const durability = `Durability of every number: ${report.store.durability}.`;
  return [...toContext(report), durability, "", draw(titles), rule, ...drawn, ""].join("\n");
}

const plain = (text: string): string => text.replaceAll("**", "");
