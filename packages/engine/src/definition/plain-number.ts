import type { JsonValue } from "@millrace/protocol";

/** A number as people write it: its shortest decimal digits, never with an exponent. */
export function toPlainNumber(value: number): string {
  const text = String(value);
  const mark = text.indexOf("e");
  if (mark < 0) return text;
  const sign = text.startsWith("-") ? "-" : "";
  const [whole = "", fraction = ""] = text.slice(sign.length, mark).split(".");
  const digits = whole + fraction;
  // Where the point belongs, counted from the first digit.
  const point = whole.length + Number(text.slice(mark + 1));
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  // Exponents begin at 21 digits, and a double has at most 17: the point is always behind them.
  return sign + digits.padEnd(point, "0");
}

/** As JSON writes numbers, with a `+` and leading zeros allowed. No alternative overlaps another. */
const NUMBER = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Longer texts are no number that somebody wrote. */
const LONGEST_NUMBER = 400;

/** A number, or text that is one; undefined: neither. */
export function parseNumber(value: JsonValue | undefined): number | undefined {
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string" || value.length > LONGEST_NUMBER) return undefined;
  const text = value.trim();
  if (!NUMBER.test(text)) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}
