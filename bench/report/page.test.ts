import { describe, expect, test } from "vitest";
import type { Measurement } from "../measurement.ts";
import type { StoreDescription } from "../bench.ts";
import { fillPage } from "./page.ts";
import type { Report } from "./report.ts";

const LATENCY = { count: 1, p50Ms: 0.08, p99Ms: 1.2, maxMs: 6 };

const SQLITE: StoreDescription = {
  name: "sqlite",
  version: "SQLite 3.53.4",
  durability: "SQLite WAL, synchronous=FULL",
  settings: null,
};

const POSTGRES: StoreDescription = {
  name: "postgres",
  version: "PostgreSQL 18.4",
  durability: "PostgreSQL, fsync on",
  settings: "shared_buffers=4096MB",
};

const aReport = (...measurements: readonly Measurement[]): Report => ({
  date: "2026-11-20",
  node: "24.21.0",
  cores: 2,
  memoryGib: 24,
  kernel: "Linux 6.18",
  loadBefore: 0.1,
  disk: { fdatasync: LATENCY, fsync: LATENCY },
  store: SQLITE,
  leftOut: [],
  isQuick: false,
  durationMs: 400_000,
  measurements,
});

const SLOW: Measurement = {
  kind: "measured",
  what: "three steps",
  value: 12_345.6,
  unit: "runs/s",
  budget: "runsPerSecond",
  note: "",
};
const EXACT: Measurement = { kind: "checked", what: "stored", found: 7, expected: 7, note: "" };

const PAGE = "# Top\n\n<!-- bench:begin -->\n\nold\n\n<!-- bench:end -->\n\nBelow\n";

/** The row of the table that begins with `what`, its columns without their padding. */
const rowOf = (page: string, what: string): readonly string[] => {
  const line = page.split("\n").find((line) => line.startsWith(`| ${what}`)) ?? "";
  return line.split("|").map((text) => text.trim());
};

describe("the page of a report", () => {
  test("has the new table in place of the old one, and keeps what stands around it", async () => {
    const page = await fillPage(PAGE, aReport(SLOW, EXACT));
    expect(page).toMatch(/^# Top\n\n<!-- bench:begin -->\n\nMeasured on 2026-11-20/);
    expect(page.endsWith("<!-- bench:end -->\n\nBelow\n")).toBe(true);
    expect(page).not.toContain("old");
  });

  test("says of each number whether its budget was met, and how durable it is", async () => {
    const page = await fillPage(PAGE, aReport(SLOW, EXACT));
    const durability = "SQLite WAL, synchronous=FULL";
    expect(rowOf(page, "three steps").slice(2, 6)).toEqual([
      "12,300 runs/s",
      "≥ 40,000 runs/s",
      "**no**",
      durability,
    ]);
    expect(rowOf(page, "stored").slice(2, 6)).toEqual(["7", "= 7", "yes", durability]);
  });

  test("has a table for each store, with its own budgets, and what was set and left out", async () => {
    const both = `${PAGE}<!-- bench-postgres:begin -->\n<!-- bench-postgres:end -->\n`;
    const report = { ...aReport(SLOW), store: POSTGRES, leftOut: ["language (it uses no store)"] };
    const page = await fillPage(both, report);
    expect(page).toContain("old");
    expect(page).toContain("Set for the machine: shared_buffers=4096MB.");
    expect(page).toContain("Left out: language (it uses no store).");
    expect(rowOf(page, "three steps").slice(2, 6)).toEqual([
      "12,300 runs/s",
      "≥ 12,000 runs/s",
      "yes",
      "PostgreSQL, fsync on",
    ]);
  });

  test("can be filled again and again", async () => {
    const once = await fillPage(PAGE, aReport(SLOW));
    expect(await fillPage(once, aReport(SLOW))).toBe(once);
  });

  test("is refused without its markers", async () => {
    await expect(async () => fillPage("# Top\n", aReport(SLOW))).rejects.toThrow("must hold");
  });
});
