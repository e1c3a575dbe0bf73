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
    return { ok: false, problem: describeSyntaxError(error, text) };
  }
}

/** Where it went wrong, without a word of the text itself, which may be anything. */
function describeSyntaxError(error: unknown, text: string): string {
  if (text.trim() === "") return "The text is empty, which is not JSON";
  const place = placeOf(error) ?? findFault(text);
  if (place === null) return "The text is not valid JSON";
  if (place === text.length) return "The text is not valid JSON: it ends too early";
  const line = text.slice(0, place).split("\n").length;
  return `The text is not valid JSON at position ${place} (line ${line})`;
}

/** null: the error names none, as for most wrong characters. */
function placeOf(error: unknown): number | null {
  const place = / at position (\d+)/.exec(error instanceof Error ? error.message : "")?.[1];
  return place === undefined ? null : Number(place);
}

/** Longer texts come from programs, which write no wrong characters; looking costs some readings of the text. */
const LONGEST_SEARCHED = 65_536;

/** The first character that no JSON has there; the text's length: what is there could go on. null: nobody knows. */
function findFault(text: string): number | null {
  // Engines word their errors in their own ways.
  if (text.length > LONGEST_SEARCHED || !mayGoOn("[")) return null;
  if (mayGoOn(text)) return text.length;
  let [good, bad] = [0, text.length];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (mayGoOn(text.slice(0, middle))) good = middle;
    else bad = middle;
  }
  return good;
}

/** Whether something can follow with which the text is JSON. */
function mayGoOn(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const message = error instanceof Error ? error.message : "";
    return (placeOf(error) ?? 0) >= text.length || /^Unexpected end|^Unterminated/.test(message);
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
  try {
    // Looking first and then writing natively is several times as fast as a replacer that looks while it writes.
    const problem = findUnstorable(value, "", 0);
    if (problem !== undefined && problem !== TOO_DEEP) return { ok: false, problem };
    const text = JSON.stringify(value);
    if (problem === TOO_DEEP) return { ok: false, problem: `the value ${TOO_DEEP}` };
    // `JSON.stringify` has just written it; a value with a `toJSON` that gives nothing is nothing.
    return { ok: true, text: (text ?? "null") as JsonText };
  } catch (error) {
    // A cycle, endless nesting, or a getter of the author's that throws.
    if (error instanceof RangeError) return { ok: false, problem: `the value ${TOO_DEEP}` };
    return {
      ok: false,
      problem: firstLine(
        error instanceof Error
          ? error.message
          : typeof error === "string"
            ? error
            : "reading the value threw",
      ),
    };
  }
}

const TOO_DEEP = `is nested deeper than ${MAX_JSON_DEPTH} levels`;

/** @returns what JSON would lose silently or refuse, and where; a cycle shows as too deep */
function findUnstorable(value: unknown, key: string, depth: number): string | undefined {
  switch (typeof value) {
    case "number":
      return Number.isFinite(value) ? undefined : unstorable(String(value), key);
    case "bigint":
      return unstorable("a BigInt", key);
    case "function":
      return unstorable("a function", key);
    case "symbol":
      return unstorable("a symbol", key);
    case "object":
      return value === null ? undefined : findInside(value, key, depth);
    default:
      return undefined;
  }
}

function findInside(value: object, key: string, depth: number): string | undefined {
  if (depth >= MAX_JSON_DEPTH) return hasToJson(value) ? findReplaced(value, key, depth) : TOO_DEEP;
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const problem = findUnstorable(value[i], String(i), depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  if (hasToJson(value)) return findReplaced(value, key, depth);
  // Their contents are no properties: JSON would write `{}`.
  if (value instanceof Map) return unstorable("a Map", key);
  if (value instanceof Set) return unstorable("a Set", key);
  return findInFields(value, depth);
}

/** JSON asks `toJSON` once, and takes what it gives as it is. */
function findReplaced(value: Replaced, key: string, depth: number): string | undefined {
  const replacement = value.toJSON(key);
  if (typeof replacement !== "object" || replacement === null || Array.isArray(replacement)) {
    return findUnstorable(replacement, key, depth);
  }
  return depth >= MAX_JSON_DEPTH ? TOO_DEEP : findInFields(replacement, depth);
}

function findInFields(value: object, depth: number): string | undefined {
  for (const name of Object.keys(value)) {
    const problem = findUnstorable(Reflect.get(value, name), name, depth + 1);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

interface Replaced {
  toJSON(key: string): unknown;
}

const hasToJson = (value: object): value is object & Replaced =>
  "toJSON" in value && typeof value.toJSON === "function";

const unstorable = (what: string, key: string): string =>
  `${what} ${key === "" ? "as the value" : `at key "${key}"`} cannot be stored as JSON`;

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
