import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toPlainNumber } from "./plain-number.ts";

describe("toPlainNumber", () => {
  test.each([
    [0, "0"],
    [-0, "0"],
    [319.84, "319.84"],
    [1e21, "1000000000000000000000"],
    [-1.5e22, "-15000000000000000000000"],
    [1e-7, "0.0000001"],
    [-1.25e-9, "-0.00000000125"],
    [5e-324, `0.${"0".repeat(323)}5`],
  ])("writes %d as %s", (value, text) => {
    expect(toPlainNumber(value)).toBe(text);
  });

  test("never writes an exponent, and always the same number", () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true });
    fc.assert(
      fc.property(finite, (value) => {
        const text = toPlainNumber(value);
        expect(text).toMatch(/^-?\d+(\.\d+)?$/);
        expect(Number(text)).toBe(value === 0 ? 0 : value);
      }),
    );
  });
});
