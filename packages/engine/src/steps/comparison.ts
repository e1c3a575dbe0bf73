// The operators of conditions. Total: any two values compare, none throws; a missing value is undefined.
//
//   C1. A number and a text that is one compare as numbers, and so do two such texts under gt, gte, lt, lte.
//   C2. Two texts are equal only if they are the same text: "007" is not "7", since ids look like that.
//   C3. What cannot be compared (a text with a list, anything with nothing) is not greater, less, or contained.
import type { JsonValue } from "@millrace/protocol";
import { isList, isObject, ownValue } from "../definition/json-shape.ts";
import { toNumber } from "./numeric-text.ts";

type Value = JsonValue | undefined;
export type Comparison = (left: Value, right: Value) => boolean;

/** Those that compare two values. */
export const COMPARISONS: ReadonlyMap<string, Comparison> = new Map<string, Comparison>([
  ["eq", isEqual],
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

/** Missing and null are equal. Objects are equal whatever the order of their keys. */
function isEqual(left: Value, right: Value): boolean {
  if (typeof left === typeof right) return isSame(left ?? null, right ?? null);
  if (typeof left === "number" || typeof right === "number") {
    const number = toNumber(left);
    return number !== undefined && number === toNumber(right);
  }
  return (left ?? null) === null && (right ?? null) === null;
}

function isSame(a: JsonValue, b: JsonValue): boolean {
  if (a === b) return true;
  if (isList(a)) {
    return isList(b) && a.length === b.length && a.every((item, i) => isSame(item, b[i] ?? null));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && isSame(a[key] ?? null, ownValue(b, key) ?? null))
  );
}

/** Below, at or above zero; NaN, which is none of them, if the two cannot be compared. */
function order(left: Value, right: Value): number {
  const a = toNumber(left);
  const b = toNumber(right);
  if (a !== undefined && b !== undefined) return a - b;
  if (typeof left !== "string" || typeof right !== "string") return NaN;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function contains(left: Value, right: Value): boolean {
  if (isList(left)) return left.some((item) => isEqual(item, right));
  return onTexts(left, right, (a, b) => a.includes(b));
}

function onTexts(left: Value, right: Value, test: (a: string, b: string) => boolean): boolean {
  const a = toText(left);
  const b = toText(right);
  return a !== undefined && b !== undefined && test(a, b);
}

function toText(value: Value): string | undefined {
  return typeof value === "number" ? String(value) : typeof value === "string" ? value : undefined;
}

/** Nothing, null, and text, list or object without anything in it. */
function isEmpty(value: Value): boolean {
  if (value === undefined || value === null || value === "") return true;
  if (isList(value)) return value.length === 0;
  return isObject(value) && Object.keys(value).length === 0;
}
