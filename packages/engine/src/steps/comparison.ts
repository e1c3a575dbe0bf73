// The operators of conditions. Total: any two values compare, none throws; a missing value is undefined.
//
//   C1. A number and a text that is one compare as numbers, and so do two such texts under gt, gte, lt, lte.
//   C2. Two texts are equal only if they are the same text: "007" is not "7", since ids look like that.
//   C3. What cannot be compared (a text with a list, anything with nothing) is not greater, less, or contained.
import type { JsonValue } from "@millrace/protocol";
import { isEqual } from "../definition/expression/equality.ts";
import { hasText } from "../definition/expression/find-text.ts";
import { isList, isObject } from "../definition/json-shape.ts";
import { parseNumber, toPlainNumber } from "../definition/plain-number.ts";

type Value = JsonValue | undefined;
export type Comparison = (left: Value, right: Value) => boolean;

/** Those that compare two values. */
export const COMPARISONS: ReadonlyMap<string, Comparison> = new Map<string, Comparison>([
  ["eq", (left, right) => isEqual(left, right)],
  ["ne", (left, right) => !isEqual(left, right)],
  ["gt", (left, right) => order(left, right) > 0],
  ["gte", (left, right) => order(left, right) >= 0],
  ["lt", (left, right) => order(left, right) < 0],
  ["lte", (left, right) => order(left, right) <= 0],
  ["contains", contains],
  ["startsWith", (left, right) => onTexts(left, right, (a, b) => a.startsWith(b))],
  ["endsWith", (left, right) => onTexts(left, right, (a, b) => a.endsWith(b))],
]);

/** Those that look at one value. */
export const TESTS: ReadonlyMap<string, (value: Value) => boolean> = new Map([
  ["exists", (value: Value) => value !== undefined && value !== null],
  ["isEmpty", isEmpty],
]);

/** Below, at or above zero; NaN, which is none of them, if the two cannot be compared. */
function order(left: Value, right: Value): number {
  const a = parseNumber(left);
  const b = parseNumber(right);
  if (a !== undefined && b !== undefined) return a - b;
  if (typeof left !== "string" || typeof right !== "string") return NaN;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function contains(left: Value, right: Value): boolean {
  if (isList(left)) return left.some((item) => isEqual(item, right));
  return onTexts(left, right, hasText);
}

function onTexts(left: Value, right: Value, test: (a: string, b: string) => boolean): boolean {
  const a = toText(left);
  const b = toText(right);
  return a !== undefined && b !== undefined && test(a, b);
}

/** A number stands for its digits. undefined: neither of the two. */
export function toText(value: Value): string | undefined {
  if (typeof value === "number") return toPlainNumber(value);
  return typeof value === "string" ? value : undefined;
}

/** Nothing, null, and text, list or object without anything in it. */
function isEmpty(value: Value): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (isList(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}
