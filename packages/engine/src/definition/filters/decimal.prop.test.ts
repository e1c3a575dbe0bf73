import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { add, divide, multiply, remainder, roundTo, subtract, toDouble } from "./decimal.ts";

/** Digits and an exponent of ten, as whole numbers: another way to calculate the same. */
interface Scaled {
  readonly digits: bigint;
  readonly exponent: number;
}

function toScaled(value: number): Scaled {
  const [mantissa = "", exponent = "0"] = String(value).split("e");
  const [whole = "", fraction = ""] = mantissa.split(".");
  return { digits: BigInt(whole + fraction), exponent: Number(exponent) - fraction.length };
}

const power = (exponent: number): bigint => 10n ** BigInt(exponent);

/** 34 digits, half to even, of a fraction of whole numbers. */
function round(numerator: bigint, denominator: bigint, exponent: number): number {
  const isNegative = numerator < 0n !== denominator < 0n;
  let top = numerator < 0n ? -numerator : numerator;
  let bottom = denominator < 0n ? -denominator : denominator;
  let shift = 33 - (String(top).length - String(bottom).length);
  if (top * power(Math.max(shift, 0)) < bottom * power(33 + Math.max(-shift, 0))) shift++;
  top *= power(Math.max(shift, 0));
  bottom *= power(Math.max(-shift, 0));
  const half = (top % bottom) * 2n - bottom;
  let digits = top / bottom;
  if (half > 0n || (half === 0n && digits % 2n === 1n)) digits++;
  return Number(`${isNegative ? "-" : ""}${digits}e${exponent - shift}`) + 0;
}

function align(a: number, b: number): { x: bigint; y: bigint; exponent: number } {
  const [one, two] = [toScaled(a), toScaled(b)];
  const exponent = Math.min(one.exponent, two.exponent);
  return {
    x: one.digits * power(one.exponent - exponent),
    y: two.digits * power(two.exponent - exponent),
    exponent,
  };
}

const cents = fc.integer({ min: -1e9, max: 1e9 }).map((number) => number / 100);
const whole = fc.maxSafeInteger();
const wild = fc.double({ noNaN: true, min: -1e150, max: 1e150 });
const number = fc.oneof(cents, whole, wild, fc.constantFrom(0, 0.1, 1e-9, 1e22, 1e-150));
const OPTIONS = { numRuns: 500 };

describe("decimal arithmetic", () => {
  test("adds and subtracts as whole numbers do", () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        const { x, y, exponent } = align(a, b);
        expect(toDouble(add(a, b))).toBe(round(x + y, 1n, exponent));
        expect(toDouble(subtract(a, b))).toBe(round(x - y, 1n, exponent));
      }),
      OPTIONS,
    );
  });

  test("multiplies as whole numbers do", () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        const [x, y] = [toScaled(a), toScaled(b)];
        const product = round(x.digits * y.digits, 1n, x.exponent + y.exponent);
        expect(toDouble(multiply(a, b))).toBe(product);
      }),
      OPTIONS,
    );
  });

  test("divides as whole numbers do", () => {
    fc.assert(
      fc.property(number, number, (a, b) => {
        fc.pre(b !== 0);
        const { x, y } = align(a, b);
        const quotient = round(x, y, 0);
        fc.pre(Number.isFinite(quotient));
        expect(toDouble(divide(a, b))).toBe(quotient);
      }),
      OPTIONS,
    );
  });

  test("has a remainder that is less than the divisor, with the sign of the dividend", () => {
    fc.assert(
      fc.property(fc.oneof(cents, whole), cents, (a, b) => {
        fc.pre(b !== 0);
        const { x, y, exponent } = align(a, b);
        expect(toDouble(remainder(a, b))).toBe(round(x % y, 1n, exponent));
      }),
      OPTIONS,
    );
  });

  test("keeps 34 digits between two operations", () => {
    // 1/3 has 34 threes; a double has 16.
    expect(toDouble(subtract(1, multiply(3, divide(1, 3))))).toBe(1e-34);
    expect(toDouble(subtract(4, multiply(3, divide(4, 3))))).toBe(1e-33);
    expect(toDouble(subtract(multiply(divide(2, 3), 3), 2))).toBe(0);
  });

  test("rounds half to even in its last digit", () => {
    const one = multiply(1e33, 1);
    expect(toDouble(subtract(add(one, 0.5), one))).toBe(0);
    expect(toDouble(subtract(add(one, 1.5), one))).toBe(2);
    expect(toDouble(subtract(add(one, 2.5), one))).toBe(2);
  });

  test("rounds to places by half away from zero", () => {
    fc.assert(
      fc.property(fc.integer({ min: -1e9, max: 1e9 }), (thousandths) => {
        const sign = Math.sign(thousandths);
        const expected = sign * Math.floor((Math.abs(thousandths) + 5) / 10);
        expect(roundTo(thousandths / 1000, 2)).toBe(expected / 100 + 0);
      }),
    );
  });

  test("adds up cents without a tail", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1e6, max: 1e6 })), (numbers) => {
        const sum = numbers.reduce((a, b) => a + b, 0);
        const added = numbers.map((cent) => cent / 100).reduce((a, b) => toDouble(add(a, b)), 0);
        expect(added).toBe(sum / 100 + 0);
      }),
    );
  });
});
