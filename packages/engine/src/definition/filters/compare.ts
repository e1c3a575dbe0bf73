// How list filters compare values.
import { MAX_JSON_DEPTH, type JsonValue } from "@millrace/protocol";
import { isList, isObject, ownValue } from "../json-shape.ts";
import { writeJson, type Cost } from "./cost.ts";

/** Booleans, numbers, texts, lists and objects, and last what is missing. */
function rankOf(value: JsonValue | undefined): number {
  if (value === undefined || value === null) return 4;
  switch (typeof value) {
    case "boolean":
      return 0;
    case "number":
      return 1;
    case "string":
      return 2;
    default:
      return 3;
  }
}

/** A total order over all values; lists and objects are not told apart. */
export function compareValues(a: JsonValue | undefined, b: JsonValue | undefined): number {
  const byRank = rankOf(a) - rankOf(b);
  if (byRank !== 0) return byRank;
  if (typeof a === "string" && typeof b === "string") return order(a, b);
  if (typeof a === "object" || typeof b === "object") return 0;
  return Number(a ?? 0) - Number(b ?? 0);
}

/** By code units, the same on every machine. */
const order = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** Equal as JSON: numbers and texts are never equal, the order of fields does not matter. */
export function areEqual(a: JsonValue, b: JsonValue, cost: Cost): boolean {
  if (a === b) return true;
  if (isList(a)) {
    if (!isList(b) || a.length !== b.length) return false;
    cost.visit(a.length);
    return a.every((item, i) => areEqual(item, b[i] ?? null, cost));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const names = Object.keys(a);
  cost.visit(names.length);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const other = ownValue(b, name);
      return other !== undefined && areEqual(ownValue(a, name) ?? null, other, cost);
    })
  );
}

/** Equal for equal values, and for no others but objects with their fields in another order. */
export function toIdentity(value: JsonValue | undefined, cost: Cost): string {
  const text = writeJson(value ?? null, MAX_JSON_DEPTH, cost);
  cost.text(text.length);
  return text;
}

/** Everything but null, false and what is missing. */
export const isTrue = (value: JsonValue | undefined): boolean =>
  value !== undefined && value !== null && value !== false;
