import { fromJsonText, MillraceError, toJsonText, type JsonValue } from "@millrace/protocol";

/**
 * A payload as it will be stored: a date is ISO text, and what is absent is `{}`.
 *
 * @throws {MillraceError} input.invalid: JSON cannot say it; the message names the place
 */
export function toPayload(value: unknown): JsonValue {
  const written = toJsonText(value === undefined ? {} : value);
  if (written.ok) return fromJsonText(written.text);
  const found = locate(value, [], []);
  const problem = found?.problem ?? written.problem;
  const path = found?.path ?? [];
  const message = `The payload cannot be stored as JSON: ${["payload", ...path].join(".")}: ${problem}`;
  throw new MillraceError("input.invalid", message, { issues: [{ path, message: problem }] });
}

type Path = readonly (string | number)[];

interface Located {
  readonly path: Path;
  readonly problem: string;
}

/** Where the first thing is that JSON would lose or refuse. `above`: what holds `value`, from outside in. */
function locate(value: unknown, path: Path, above: readonly object[]): Located | undefined {
  switch (typeof value) {
    case "bigint":
      return { path, problem: "a BigInt; send it as text" };
    case "function":
      return { path, problem: "a function" };
    case "symbol":
      return { path, problem: "a symbol" };
    case "number":
      return Number.isFinite(value) ? undefined : { path, problem: String(value) };
    case "object":
      return value === null ? undefined : locateInside(value, path, above);
    default:
      return undefined;
  }
}

function locateInside(value: object, path: Path, above: readonly object[]): Located | undefined {
  const at = above.indexOf(value);
  if (at >= 0) return { path, problem: `a cycle: it is ${nameOf(path.slice(0, at))} again` };
  // Its depth is the problem, and `toJsonText` has said so.
  if (above.length > MOST_LEVELS) return undefined;
  try {
    return locateInFields(value, path, above);
  } catch (error) {
    return { path, problem: `reading it threw ${kindOf(error)}` };
  }
}

function locateInFields(value: object, path: Path, above: readonly object[]): Located | undefined {
  if (value instanceof Map) return { path, problem: "a Map" };
  if (value instanceof Set) return { path, problem: "a Set" };
  if ("toJSON" in value && typeof value.toJSON === "function") {
    // The line above has looked.
    return locateReplaced(value as Replaced, path);
  }
  for (const key of Object.keys(value)) {
    const place = [...path, Array.isArray(value) ? Number(key) : key];
    const found = locateAt(value, key, place, [...above, value]);
    if (found !== undefined) return found;
  }
  return undefined;
}

function locateAt(
  value: object,
  key: string,
  path: Path,
  above: readonly object[],
): Located | undefined {
  let inner: unknown;
  try {
    inner = Reflect.get(value, key);
  } catch (error) {
    return { path, problem: `reading it threw ${kindOf(error)}` };
  }
  return locate(inner, path, above);
}

interface Replaced {
  toJSON(key: string): unknown;
}

/** What it writes of itself is its own affair, but that it throws is not. */
function locateReplaced(value: Replaced, path: Path): Located | undefined {
  try {
    value.toJSON("");
    return undefined;
  } catch (error) {
    return { path, problem: `its \`toJSON\` threw ${kindOf(error)}` };
  }
}

/** Code of the author's has thrown it; what it says may be anything, so only its kind is told. */
const kindOf = (error: unknown): string => (error instanceof Error ? error.name : "something");

const MOST_LEVELS = 1_000;

const nameOf = (path: Path): string => ["payload", ...path].join(".");
