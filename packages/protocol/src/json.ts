/** Any value that JSON can say. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

declare const brand: unique symbol;
/** Text that `JSON.parse` accepts. Made by `toJsonText` or checked by `parseJson`; stored as it is. */
export type JsonText = string & { readonly [brand]: "JsonText" };

/** Deepest nesting that any door, function or definition may send. */
export const MAX_JSON_DEPTH = 256;

export type JsonProblem =
  | { readonly ok: true; readonly value: JsonValue }
  | { readonly ok: false; readonly problem: string };

/**
 * The one reader of JSON for all doors. Refuses text that is malformed or nested deeper than
 * `MAX_JSON_DEPTH`. A key `__proto__` becomes an ordinary own property; of duplicate keys the last wins.
 */
export function parseJson(text: string): JsonProblem {
  if (deeperThan(text, MAX_JSON_DEPTH)) {
    return { ok: false, problem: `JSON is nested deeper than ${MAX_JSON_DEPTH} levels` };
  }
  try {
    // A byte order mark is not JSON, but editors add it.
    const value = JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text) as JsonValue;
    return { ok: true, value };
  } catch (error) {
    return { ok: false, problem: error instanceof Error ? error.message : String(error) };
  }
}

/** Reads text that this engine wrote itself. */
export function fromJsonText(text: JsonText): JsonValue {
  return JSON.parse(text) as JsonValue;
}

export type ToJsonResult =
  { readonly ok: true; readonly text: JsonText } | { readonly ok: false; readonly problem: string };

/**
 * Writes a value from outside (a function's result, an input) as JSON.
 * `undefined` at the top becomes `null`, inside an object it is dropped; a `Date` becomes ISO text.
 * Refuses what JSON would lose silently: NaN, Infinity, BigInt, functions, symbols, cycles, and nesting
 * deeper than `MAX_JSON_DEPTH`.
 */
export function toJsonText(value: unknown): ToJsonResult {
  if (value === undefined) return { ok: true, text: "null" as JsonText };
  let problem: string | undefined;
  const refuse = (key: string, what: string): void => {
    problem ??= `${what} ${key === "" ? "as the value" : `at key "${key}"`} cannot be stored as JSON`;
  };
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (key, item: unknown) => {
      switch (typeof item) {
        case "number":
          if (!Number.isFinite(item)) refuse(key, String(item));
          break;
        case "bigint":
          refuse(key, "a BigInt");
          return null;
        case "function":
          refuse(key, "a function");
          break;
        case "symbol":
          refuse(key, "a symbol");
          break;
        default:
      }
      return item;
    });
  } catch (error) {
    return {
      ok: false,
      problem: error instanceof Error ? firstLine(error.message) : String(error),
    };
  }
  if (problem !== undefined) return { ok: false, problem };
  if (text === undefined) return { ok: false, problem: "the value cannot be stored as JSON" };
  if (deeperThan(text, MAX_JSON_DEPTH)) {
    return { ok: false, problem: `the value is nested deeper than ${MAX_JSON_DEPTH} levels` };
  }
  // `JSON.stringify` has just written it.
  return { ok: true, text: text as JsonText };
}

/** Trusts the caller that `text` is JSON; for text that `parseJson` accepted. */
export const asJsonText = (text: string): JsonText => text as JsonText;

function firstLine(text: string): string {
  const end = text.indexOf("\n");
  return end < 0 ? text : text.slice(0, end);
}

/** True if brackets outside strings nest deeper than `limit`. Reads the text once, keeps one number. */
function deeperThan(text: string, limit: number): boolean {
  // Fewer characters than brackets needed: the common case costs nothing.
  if (text.length <= limit) return false;
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === 0x22) {
      i = endOfString(text, i + 1);
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > limit) return true;
    } else if (code === 0x7d || code === 0x5d) {
      depth--;
    }
  }
  return false;
}

/** Index of the quote that closes the string whose first character is at `from`. */
function endOfString(text: string, from: number): number {
  let end = text.indexOf('"', from);
  while (end >= 0) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}
