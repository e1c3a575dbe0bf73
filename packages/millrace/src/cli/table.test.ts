import { describe, expect, test } from "vitest";
import type { Style } from "./io.ts";
import { drawTable, type Column } from "./table.ts";

interface Row {
  readonly id: string;
  readonly text: string;
  readonly count: number;
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "id", show: ({ id }) => id },
  { title: "text", show: ({ text }) => text, shrinks: true },
  { title: "count", show: ({ count }) => String(count), align: "right" },
];

const style = (columns: number): Style => ({
  columns,
  hasUnicode: true,
  paint: (_color, text) => text,
});

const ROWS = [
  { id: "wf_one", text: "short", count: 7 },
  { id: "wf_seventeen", text: "y".repeat(300), count: 12_345 },
];

describe("a table", () => {
  test("is as wide as it must be", () => {
    expect(drawTable(COLUMNS, ROWS.slice(0, 1), style(80))).toEqual([
      "id      text   count",
      "wf_one  short      7",
    ]);
  });

  test.for([40, 80, 120])("fits %d columns, and cuts no id", (columns) => {
    const lines = drawTable(COLUMNS, ROWS, style(columns));
    expect(Math.max(...lines.map((line) => line.length))).toBe(columns);
    expect(lines[2]).toMatch(/^wf_seventeen {2}y+… {2}12345$/);
  });

  test("fits even where all that may shrink has shrunk", () => {
    const rows = [{ id: "x".repeat(60), text: "z".repeat(60), count: 1 }];
    const lines = drawTable(COLUMNS, rows, style(40));
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(40);
  });

  test("stands straight beside characters that are two cells wide", () => {
    const rows = [
      { id: "a", text: "日本語", count: 1 },
      { id: "b", text: "abc", count: 2 },
    ];
    expect(drawTable(COLUMNS, rows, style(80))).toEqual([
      "id  text    count",
      "a   日本語      1",
      "b   abc         2",
    ]);
  });

  test("lets no mark through that turns the order of what stands behind it", () => {
    const rows = [{ id: "a", text: "\u202egnp.exe\u2069\u200f", count: 1 }];
    expect(drawTable(COLUMNS, rows, style(80))[1]).toBe("a   gnp.exe      1");
  });

  test("lets no control character through", () => {
    const rows = [{ id: "a", text: "\u001b[2Jb\nc", count: 1 }];
    // oxlint-disable-next-line no-control-regex -- they are what is looked for
    expect(drawTable(COLUMNS, rows, style(80)).join("")).not.toMatch(/[\u0000-\u001f]/);
  });
});
