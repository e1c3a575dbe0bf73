// Readers for values within values. As in `read-fields.ts`, all mistakes are found at once, each with its path.
import {
  asJsonText,
  parseJson,
  typeName,
  type Issue,
  type JsonText,
  type JsonValue,
} from "@millrace/protocol";
import { suggest } from "../../did-you-mean.ts";
import { Problem, readObject, type Reader, type Shape } from "./read-fields.ts";

type Read<R> = R extends Reader<infer T> ? Exclude<T, Problem> : never;
/** Every field of the shape is there, except those that are optional. */
export type Struct<S extends Shape, O extends keyof S = never> = {
  readonly [K in Exclude<keyof S, O>]: Read<S[K]>;
} & { readonly [K in O]?: Read<S[K]> };

export function readStruct<S extends Shape, O extends keyof S & string = never>(
  shape: S,
  optional: readonly O[] = [],
): Reader<Struct<S, NoInfer<O>>> {
  const names = Object.keys(shape);
  const mayLack: ReadonlySet<string> = new Set(optional);
  return (value, path) => {
    const object = readObject(value, path);
    if (object instanceof Problem) return object;
    const issues: Issue[] = [];
    const fields: [string, unknown][] = [];
    for (const [name, field] of Object.entries(object)) {
      const read = Object.hasOwn(shape, name) ? shape[name] : undefined;
      const result = read === undefined ? unknown(name, names, path) : read(field, [...path, name]);
      if (result instanceof Problem) issues.push(...result.issues);
      else fields.push([name, result]);
    }
    for (const name of names) {
      if (Object.hasOwn(object, name) || mayLack.has(name)) continue;
      issues.push({ path: [...path, name], message: "Required" });
    }
    if (issues.length > 0) return new Problem(...issues);
    // Every field was read by its own reader, and none is missing.
    return Object.fromEntries(fields) as Struct<S, NoInfer<O>>;
  };
}

function unknown(name: string, known: readonly string[], path: Issue["path"]): Problem {
  const hint = suggest(name, known) ?? `Known fields: ${known.join(", ") || "none"}`;
  return new Problem({ path: [...path, name.slice(0, 100)], message: "Unknown field", hint });
}

/** A union: the field `tag` says which reader takes the rest. */
export function readTagged<T>(
  tag: string,
  choices: Readonly<Record<string, Reader<T>>>,
): Reader<T> {
  return (value, path) => {
    const object = readObject(value, path);
    if (object instanceof Problem) return object;
    const name = object[tag];
    const read =
      typeof name === "string" && Object.hasOwn(choices, name) ? choices[name] : undefined;
    if (read !== undefined) return read(value, path);
    const hint = `One of ${Object.keys(choices)
      .map((it) => `"${it}"`)
      .join(", ")}`;
    return new Problem({ path: [...path, tag], message: "Invalid enum value", hint });
  };
}

export function readList<T>(item: Reader<T>, most: number): Reader<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) {
      return new Problem({ path, message: `Expected array, received ${typeName(value)}` });
    }
    if (value.length > most) {
      return new Problem({ path, message: `Must have at most ${most} items` });
    }
    const issues: Issue[] = [];
    const items: T[] = [];
    for (const [place, one] of (value as readonly JsonValue[]).entries()) {
      const result = item(one, [...path, place]);
      if (result instanceof Problem) issues.push(...result.issues);
      else items.push(result);
    }
    return issues.length > 0 ? new Problem(...issues.slice(0, MOST_ISSUES)) : items;
  };
}

const MOST_ISSUES = 100;

export function readWhole(least: number, most: number = Number.MAX_SAFE_INTEGER): Reader<number> {
  return (value, path) => {
    if (Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most) {
      return Number(value);
    }
    return new Problem({ path, message: `Expected a whole number from ${least} to ${most}` });
  };
}

export function readNumber(least: number, most: number): Reader<number> {
  return (value, path) =>
    typeof value === "number" && value >= least && value <= most
      ? value
      : new Problem({ path, message: `Expected a number from ${least} to ${most}` });
}

export function readOrNull<T>(read: Reader<T>): Reader<T | null> {
  return (value, path) => (value === null ? null : read(value, path));
}

/** Without lone surrogates, which JSON and databases take differently. */
export function readTextUpTo(most: number, least = 0): Reader<string> {
  return (value, path) => {
    if (typeof value !== "string") {
      return new Problem({ path, message: `Expected string, received ${typeName(value)}` });
    }
    if (value.length < least) return new Problem({ path, message: "Must not be empty" });
    if (value.length > most) {
      return new Problem({ path, message: `Must be at most ${most} characters` });
    }
    return value.isWellFormed()
      ? value
      : new Problem({ path, message: "Must be well-formed Unicode" });
  };
}

/** Text that holds JSON: stored as it is, so it is checked as a body is. */
export const readJsonText: Reader<JsonText> = (value, path) => {
  if (typeof value !== "string") {
    return new Problem({ path, message: `Expected JSON as text, received ${typeName(value)}` });
  }
  const parsed = parseJson(value);
  return parsed.ok ? asJsonText(value) : new Problem({ path, message: parsed.problem });
};

export const readConstant =
  <const T extends string | boolean>(wanted: T): Reader<T> =>
  (value, path) =>
    value === wanted
      ? wanted
      : new Problem({ path, message: `Expected ${JSON.stringify(wanted)}` });
