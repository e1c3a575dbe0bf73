import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseNumber, toPlainNumber } from "./plain-number.ts";

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

describe("parseNumber", () => {
  test.each([
    [5, 5],
    ["5", 5],
    [" -12.50 ", -12.5],
    ["+007", 7],
    ["1e3", 1000],
    ["1E-2", 0.01],
  ])("reads %o as %d", (value, number) => {
    expect(parseNumber(value)).toBe(number);
  });

  test.each([
    undefined,
    null,
    true,
    "",
    " ",
    "5 kg",
    "1,5",
    "0x10",
    ".5",
    "5.",
    "Infinity",
    "1e999",
    [5],
    {},
  ])("finds no number in %o", (value) => {
    expect(parseNumber(value)).toBeUndefined();
  });

  test("takes no text that nobody would write", () => {
    expect(parseNumber("0".repeat(401))).toBeUndefined();
    expect(parseNumber(NaN)).toBeUndefined();
    expect(parseNumber(Infinity)).toBeUndefined();
  });
});
