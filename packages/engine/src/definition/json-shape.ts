import { typeName, type JsonValue } from "@millrace/protocol";

export type JsonObject = { readonly [key: string]: JsonValue };

/** `Array.isArray` would narrow a readonly array to `any[]`. */
export const isList = (value: JsonValue | undefined): value is readonly JsonValue[] =>
  Array.isArray(value);

export const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Own properties only: a key such as `constructor` finds nothing that the author did not write. */
export const ownValue = (object: JsonObject, key: string): JsonValue | undefined =>
  Object.hasOwn(object, key) ? object[key] : undefined;

const LONGEST_SHOWN = 60;

/** A value as a message names it: short, on one line; what has parts is named by its type only. */
export function show(value: JsonValue): string {
  if (typeof value === "object") return typeName(value);
  if (typeof value !== "string") return String(value);
  const shown = value.length > LONGEST_SHOWN ? `${value.slice(0, LONGEST_SHOWN)}…` : value;
  return JSON.stringify(shown);
}

/** For "received …": the type, and the value where it is short. */
export function describeValue(value: JsonValue): string {
  return typeof value === "object" ? typeName(value) : `${typeof value} ${show(value)}`;
}
