import { MAX_JSON_DEPTH, type JsonValue } from "@millrace/protocol";
import { toPlainNumber } from "../plain-number.ts";
import { writeJson, type Cost } from "./cost.ts";

/**
 * A value as it stands in text: missing and null are nothing, lists and objects are JSON.
 *
 * @param cost undefined: the value is a part of the data, so that its text is no longer than that
 */
export function textOf(value: JsonValue | undefined, cost: Cost | undefined): string {
  switch (typeof value) {
    case "undefined":
      return "";
    case "string":
      return value;
    case "number":
      return toPlainNumber(value);
    case "boolean":
      return String(value);
    default:
      if (value === null) return "";
      return cost === undefined ? JSON.stringify(value) : writeJson(value, MAX_JSON_DEPTH, cost);
  }
}

/** For messages about data, whose values they do not show. */
export function typeOf(value: JsonValue | undefined): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (typeof value === "string") return "text";
  if (typeof value !== "object") return `a ${typeof value}`;
  return Array.isArray(value) ? "a list" : "an object";
}
