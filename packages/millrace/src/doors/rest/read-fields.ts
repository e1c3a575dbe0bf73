// Reads a body's fields by a table of readers. All mistakes are reported at once, each with its path.
import { checkName, MillraceError, typeName, type Issue, type JsonValue } from "@millrace/protocol";
import { suggest } from "../../did-you-mean.ts";

type Path = Issue["path"];
/** Reads one value, or says what is wrong with it. */
export type Reader<T> = (value: JsonValue, path: Path) => T | Problem;
export type Shape = Readonly<Record<string, Reader<unknown>>>;
/** A field that was not sent is undefined. */
export type Fields<S extends Shape> = {
  readonly [K in keyof S]: Exclude<ReturnType<S[K]>, Problem> | undefined;
};

export class Problem {
  readonly issues: readonly Issue[];

  constructor(...issues: readonly Issue[]) {
    this.issues = issues;
  }
}

/** @throws {MillraceError} request.invalid */
export function readFields<S extends Shape>(body: JsonValue, shape: S): Fields<S> {
  const object = readObject(body, []);
  if (object instanceof Problem) throw invalid(object.issues);
  const issues: Issue[] = [];
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) {
    const read = Object.hasOwn(shape, name) ? shape[name] : undefined;
    const result = read === undefined ? unknownField(name, shape) : read(value, [name]);
    if (result instanceof Problem) issues.push(...result.issues);
    else fields[name] = result;
  }
  if (issues.length > 0) throw invalid(issues);
  // Every field was read by its own reader, and no reader said that something is wrong.
  return fields as Fields<S>;
}

/**
 * Reads the fields of `shape` out of a body whose other fields are somebody else's.
 *
 * @throws {MillraceError} request.invalid
 */
export function splitFields<S extends Shape>(
  body: JsonValue,
  shape: S,
): { readonly fields: Fields<S>; readonly rest: JsonObject } {
  const object = readObject(body, []);
  if (object instanceof Problem) throw invalid(object.issues);
  const ours: [string, JsonValue][] = [];
  const others: [string, JsonValue][] = [];
  for (const entry of Object.entries(object)) {
    (Object.hasOwn(shape, entry[0]) ? ours : others).push(entry);
  }
  // Not by assignment: a key `__proto__` is a key like any other.
  return { fields: readFields(Object.fromEntries(ours), shape), rest: Object.fromEntries(others) };
}

/** The message is the seed's; what is wrong stands in the details. */
export const invalid = (issues: readonly Issue[]): MillraceError =>
  new MillraceError("request.invalid", "Input validation failed", { issues });

function unknownField(name: string, shape: Shape): Problem {
  const known = Object.keys(shape);
  const hint = suggest(name, known) ?? `Known fields: ${known.join(", ") || "none"}`;
  return new Problem({ path: [name], message: "Unknown field", hint });
}

export type JsonObject = { readonly [key: string]: JsonValue };

export function readObject(value: JsonValue, path: Path): JsonObject | Problem {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    // `isArray` does not narrow read-only arrays away.
    return value as JsonObject;
  }
  return new Problem({ path, message: `Expected object, received ${typeName(value)}` });
}

export function readName(value: JsonValue, path: Path): string | Problem {
  const problem = checkName(value);
  if (problem !== undefined) return new Problem({ path, message: problem });
  return typeof value === "string" ? value : new Problem({ path, message: "Expected string" });
}

/** Any text; its length is checked where it is kept. */
export function readText(value: JsonValue, path: Path): string | Problem {
  if (typeof value === "string") return value;
  return new Problem({ path, message: `Expected string, received ${typeName(value)}` });
}

export function readFlag(value: JsonValue, path: Path): boolean | Problem {
  if (typeof value === "boolean") return value;
  return new Problem({ path, message: `Expected boolean, received ${typeName(value)}` });
}

/** Of a workflow: 1, 2, 3, … */
export function readVersionNumber(value: JsonValue, path: Path): number | Problem {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 1) return value;
  return new Problem({ path, message: "Expected a whole number above 0" });
}

/** Takes it and looks at nothing: what is ours to say, a caller may send back as it was shown. */
export const ignore: Reader<JsonValue> = (value) => value;

export function readOneOf<const T extends string>(choices: readonly T[]): Reader<T> {
  return (value, path) => {
    const found = choices.find((choice) => choice === value);
    if (found !== undefined) return found;
    const hint = `One of ${choices.map((it) => `"${it}"`).join(", ")}`;
    return new Problem({ path, message: "Invalid enum value", hint });
  };
}
