// Decimal arithmetic: 34 significant digits, half even. Numbers come in by their shortest decimal form, so that
// 0.1 is a tenth, and go out as the nearest double. What doubles do without an error is left to them.
import { Big } from "big.js";
import { TemplateError } from "./template-error.ts";

/** A number in the middle of a calculation. A double stands for its shortest decimal form. */
export type Decimal = number | Big;

const DIGITS = 34;
const HALF_UP = 1;
const HALF_EVEN = 2;
/** Digits that two numbers may be apart before the smaller cannot change a sum: twice what a number has, and two. */
const FAR_APART = 2 * DIGITS + 2;

/** A constructor of our own: its settings are nobody else's. */
const Exact = Big();
Exact.DP = DIGITS;
Exact.RM = HALF_EVEN;

const toBig = (value: Decimal): Big => (typeof value === "number" ? new Exact(value) : value);

const round = (value: Big): Big =>
  value.c.length > DIGITS ? value.prec(DIGITS, HALF_EVEN) : value;

/** Doubles calculate whole numbers without an error, as long as the result is safe. `+ 0`: no minus zero. */
const isExact = (a: Decimal, b: Decimal, result: number): boolean =>
  Number.isSafeInteger(result) && Number.isSafeInteger(a) && Number.isSafeInteger(b);

export function add(a: Decimal, b: Decimal): Decimal {
  if (typeof a === "number" && typeof b === "number") {
    const sum = a + b;
    if (isExact(a, b, sum)) return sum + 0;
  }
  const x = toBig(a);
  const y = toBig(b);
  if (isZero(x)) return y;
  if (isZero(y)) return x;
  if (Math.abs(x.e - y.e) > FAR_APART) return x.e > y.e ? x : y;
  return round(x.plus(y));
}

export const negate = (a: Decimal): Decimal => (typeof a === "number" ? 0 - a : a.neg());

export const subtract = (a: Decimal, b: Decimal): Decimal => add(a, negate(b));

export function multiply(a: Decimal, b: Decimal): Decimal {
  if (typeof a === "number" && typeof b === "number") {
    const product = a * b;
    if (isExact(a, b, product)) return product + 0;
  }
  return round(toBig(a).times(toBig(b)));
}

/** @throws {TemplateError} the divisor is zero */
export function divide(a: Decimal, b: Decimal): Decimal {
  if (typeof a === "number" && typeof b === "number" && b !== 0) {
    const quotient = a / b;
    // Of safe numbers, no quotient with a fraction is so near a whole number that it would be rounded to it.
    if (isExact(a, b, quotient)) return quotient + 0;
  }
  const divisor = toDivisor(b);
  const dividend = toBig(a);
  if (isZero(dividend)) return 0;
  // Big.js counts places behind the point, we count digits: so both are brought to one digit before the point.
  const x = new Exact(dividend);
  const y = new Exact(divisor);
  x.e = 0;
  y.e = 0;
  // Below one, the quotient begins one place behind the point, and DP counts that place.
  Exact.DP = x.abs().lt(y.abs()) ? DIGITS : DIGITS - 1;
  const quotient = x.div(y);
  quotient.e += dividend.e - divisor.e;
  return quotient;
}

/**
 * What is left of `a`; it has the sign of `a`, as in JavaScript.
 *
 * @throws {TemplateError} the divisor is zero, or so small that the quotient has more digits than any number
 */
export function remainder(a: Decimal, b: Decimal): Decimal {
  if (Number.isSafeInteger(a) && Number.isSafeInteger(b) && b !== 0)
    return (Number(a) % Number(b)) + 0;
  const divisor = toDivisor(b);
  const dividend = toBig(a);
  if (dividend.e - divisor.e > FAR_APART) {
    throw new TemplateError("divides numbers that are too far apart for a remainder");
  }
  return round(dividend.mod(divisor));
}

/** @param places behind the point; half away from zero, as people round */
export function roundTo(value: number, places: number): number {
  if (Number.isInteger(value) && places >= 0) return value;
  return toDouble(new Exact(value).round(places, HALF_UP));
}

/** @throws {TemplateError} no double is so large */
export function toDouble(value: Decimal): number {
  const double = typeof value === "number" ? value : value.toNumber();
  if (Number.isFinite(double)) return double + 0;
  throw new TemplateError("gives a number that is too large");
}

function toDivisor(b: Decimal): Big {
  const divisor = toBig(b);
  if (isZero(divisor)) throw new TemplateError("divides by zero");
  return divisor;
}

const isZero = (value: Big): boolean => value.c[0] === 0;
