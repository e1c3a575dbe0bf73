import { describe, expect, test } from "vitest";
import { readWholeAmount, roundAmount } from "./amount.ts";

describe("an amount that is rounded", () => {
  test.for([
    [4317.84, 4318],
    [0, 0],
    [-0, 0],
    [0.5, 1],
    [0.49, 0],
    [1.005, 1],
    [100.5, 101],
    [100.49999999999999, 100],
    // What binary arithmetic makes of 3998 × 0.08.
    [319.84000000000003, 320],
    [1e-7, 0],
    [99_999_999, 99_999_999],
    ["4317.84", 4318],
    [" 12.50 ", 13],
    ["0012", 12],
    ["-0", 0],
    ["-0.0", 0],
  ] as const)("%j is %i minor units", ([value, expected]) => {
    expect(roundAmount("a", value)).toBe(expected);
  });

  test.for([
    -1,
    -0.4,
    "-5",
    "-0.2",
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e21,
    2 ** 53,
    "9".repeat(20),
    "",
    "12,50",
    "1e3",
    "0x10",
    "$12",
    "twelve",
    null,
    true,
    [],
    [5],
    {},
  ])("%j is refused", (value) => {
    expect(() => roundAmount("stripe.createInvoice", value)).toThrow(/^stripe.createInvoice: /);
  });
});

describe("an amount that must be whole", () => {
  test.for([
    [1999, 1999],
    ["1999", 1999],
    ["1999.00", 1999],
    [-500, -500],
    [-0, 0],
  ] as const)("%j is %i", ([value, expected]) => {
    expect(readWholeAmount("a", value)).toBe(expected);
  });

  test("is not rounded", () => {
    expect(() => readWholeAmount("stripe.createRefund", 43.18)).toThrow(
      "stripe.createRefund: `amount` must be a whole number of minor units (4318 for 43.18), received 43.18.",
    );
  });
});
