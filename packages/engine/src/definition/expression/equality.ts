// When two values are the same. Values are JSON, so lists and objects are compared by what is in them: two of
// them that came out of two steps are never one in memory, and nobody asks for that.
import type { JsonValue } from "@millrace/protocol";
import { isList, isObject, ownValue } from "../json-shape.ts";
import { parseNumber } from "../plain-number.ts";

type Value = JsonValue | undefined;

/** Hears what a comparison costs; may throw to end it. */
export interface Meter {
  spend(steps: number): void;
  spendText(text: string): void;
}

/** For those who compare bounded data once. */
const UNMETERED: Meter = { spend: () => {}, spendText: () => {} };

/** Like `===`, but lists and objects are the same if their parts are, whatever the order of keys. */
export function isSame(a: Value, b: Value, meter: Meter = UNMETERED): boolean {
  if (typeof a === "string" && typeof b === "string") {
    if (a.length !== b.length) return false;
    meter.spendText(a);
    return a === b;
  }
  if (a === b) return true;
  if (isList(a)) {
    if (!isList(b) || a.length !== b.length) return false;
    for (const [i, item] of a.entries()) {
      meter.spend(1);
      if (!isSame(item, b[i], meter)) return false;
    }
    return true;
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = Object.keys(a);
  meter.spend(keys.length);
  if (keys.length !== Object.keys(b).length) return false;
  return keys.every((key) => Object.hasOwn(b, key) && isSame(a[key], ownValue(b, key), meter));
}

/** Like `isSame`, but missing and null are equal, and a number equals a text that is this number. */
export function isEqual(left: Value, right: Value, meter: Meter = UNMETERED): boolean {
  if (typeof left !== typeof right && (typeof left === "number" || typeof right === "number")) {
    const number = parseNumber(left);
    return number !== undefined && number === parseNumber(right);
  }
  return isSame(left ?? null, right ?? null, meter);
}
