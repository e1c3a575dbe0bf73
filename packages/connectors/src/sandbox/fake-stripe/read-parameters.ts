import type { JsonValue } from "@millrace/protocol";
import type { JsonObject } from "../../action-input.ts";
import type { Form, FormValue } from "./form.ts";
import { badRequest, missingParameter } from "./stripe-fault.ts";

/** Empty text counts as not given, as Stripe has it. */
export function readText(params: Form, name: string): string | null {
  const value = params[name];
  if (value === undefined || value === "") return null;
  if (typeof value === "string") return value;
  throw badRequest(`Invalid string: ${name}`, { param: name });
}

export function needText(params: Form, name: string): string {
  const text = readText(params, name);
  if (text === null) throw missingParameter(name);
  return text;
}

export function readInteger(params: Form, name: string): number | null {
  const text = readText(params, name);
  if (text === null) return null;
  const value = Number(text);
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw badRequest(`Invalid integer: ${text.slice(0, 40)}`, {
    code: "parameter_invalid_integer",
    param: name,
  });
}

export function readFlag(params: Form, name: string): boolean {
  const text = readText(params, name);
  if (text === null || text === "false") return false;
  if (text === "true") return true;
  throw badRequest(`Invalid boolean: ${text.slice(0, 40)}`, { param: name });
}

export function readCurrency(params: Form): string | null {
  const text = readText(params, "currency")?.toLowerCase() ?? null;
  if (text === null || /^[a-z]{3}$/.test(text)) return text;
  throw badRequest(`Invalid currency: ${text.slice(0, 40)}.`, { param: "currency" });
}

/** What was there and what is given; a key that is given empty goes, and an empty `metadata` clears all. */
export function mergeMetadata(old: unknown, given: FormValue | undefined): JsonObject {
  if (given === "") return {};
  const before = isForm(old) ? Object.entries(old) : [];
  if (given === undefined) return Object.fromEntries(before);
  if (!isForm(given)) throw badRequest("Invalid object", { param: "metadata" });
  const merged = new Map<string, FormValue>([...before, ...Object.entries(given)]);
  return Object.fromEntries(
    [...merged].filter((entry): entry is [string, string] => {
      if (typeof entry[1] === "string") return entry[1] !== "";
      throw badRequest("Metadata values must be strings", { param: `metadata[${entry[0]}]` });
    }),
  );
}

/** A field of an object that the fake made itself, and made as text. */
export const textOf = (value: JsonValue | undefined): string =>
  typeof value === "string" ? value : "";

export const isForm = (value: unknown): value is Form =>
  typeof value === "object" && value !== null && !Array.isArray(value);
