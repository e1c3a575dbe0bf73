import { describe, expect, test } from "vitest";
import { fitLine } from "./line-fit.ts";

const toPoints = (values: readonly number[]): { atMs: number; value: number }[] =>
  values.map((value, n) => ({ atMs: n * 30_000, value }));

describe("fitLine", () => {
  test("tells how much a line rises from its first point to its last", () => {
    expect(fitLine(toPoints([10, 20, 30, 40]))).toEqual({ mean: 25, rise: 30 });
    expect(fitLine(toPoints([40, 30, 20, 10])).rise).toBe(-30);
  });

  test("sees through what goes up and down", () => {
    expect(fitLine(toPoints([5, 7, 5, 7, 7, 5, 7, 5])).rise).toBeCloseTo(0);
  });

  test("of one point or none nothing rises", () => {
    expect(fitLine([])).toEqual({ mean: 0, rise: 0 });
    expect(fitLine(toPoints([3]))).toEqual({ mean: 3, rise: 0 });
  });
});
