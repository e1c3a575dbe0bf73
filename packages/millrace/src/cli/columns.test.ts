import { describe, expect, test } from "vitest";
import { columnsOf, cut, padEnd, padStart } from "./columns.ts";

describe("columnsOf", () => {
  test.for([
    ["", 0],
    ["order", 5],
    ["größe", 5],
    ["gro\u0308ße", 5],
    ["日本語", 6],
    ["ｶﾅ", 2],
    ["한국", 4],
    ["🚀", 2],
    ["👩‍👩‍👧‍👦", 2],
    ["✔", 1],
    ["✔️", 2],
    ["שלום", 4],
    ["a\u200bb", 2],
  ] as const)("counts the cells of %j: %d", ([text, columns]) => {
    expect(columnsOf(text)).toBe(columns);
  });
});

describe("cut", () => {
  test("leaves alone what fits", () => {
    expect(cut("日本語", 6)).toBe("日本語");
  });

  test("keeps whole characters, and is never wider than it may be", () => {
    expect(cut("日本語", 5)).toBe("日本…");
    expect(cut("日本語", 4)).toBe("日…");
    expect(cut("🚀🚀", 3)).toBe("🚀…");
    expect(cut("👩‍👩‍👧‍👦x🚀", 4)).toBe("👩‍👩‍👧‍👦x…");
    expect(cut("🚀🚀", 1)).toBe("");
    expect(cut("abc", 1)).toBe("a");
  });
});

describe("padding", () => {
  test("fills up to a number of cells, on either side", () => {
    expect(padEnd("日本", 6)).toBe("日本  ");
    expect(padStart("🚀", 4)).toBe("  🚀");
    expect(padEnd("too long", 3)).toBe("too long");
  });
});
