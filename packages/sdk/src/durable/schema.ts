// Schemas of the author's: any that speak Standard Schema, and for a JSON Schema Standard JSON Schema.
import {
  toJsonText,
  fromJsonText,
  type Issue,
  type JsonValue,
  type StandardSchema,
  type StandardSchemaIssue,
} from "@millrace/protocol";

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly issues: readonly Issue[] };

/** Waits only if the schema does. A schema that throws is one issue. */
export function checkValue<T>(
  schema: StandardSchema<unknown, T>,
  value: unknown,
): Checked<T> | Promise<Checked<T>> {
  try {
    const result = schema["~standard"].validate(value);
    return result instanceof Promise ? result.then(toChecked, toProblem) : toChecked(result);
  } catch (thrown) {
    return toProblem(thrown);
  }
}

type Result<T> = Awaited<ReturnType<StandardSchema<unknown, T>["~standard"]["validate"]>>;

const toChecked = <T>(result: Result<T>): Checked<T> =>
  result.issues === undefined
    ? { ok: true, value: result.value }
    : { ok: false, issues: result.issues.map(toIssue) };

function toProblem(thrown: unknown): Checked<never> {
  const why = thrown instanceof Error ? thrown.message : "something that is no error";
  return { ok: false, issues: [{ path: [], message: `The schema threw: ${why}` }] };
}

function toIssue({ message, path = [] }: StandardSchemaIssue): Issue {
  const keys = path.map((part) => (typeof part === "object" ? part.key : part));
  return { path: keys.map((key) => (typeof key === "symbol" ? String(key) : key)), message };
}

/** The newest dialect that schemas in general can write, and ours to read. */
const TARGET = "draft-2020-12";

/** What a validator that can describe itself adds (Standard JSON Schema, version 1). */
interface JsonSchemaSource {
  readonly input: (options: { readonly target: string }) => unknown;
  readonly output: (options: { readonly target: string }) => unknown;
}

/** @returns JSON Schema, or null: it cannot say it, so only the host checks */
export function toJsonSchema(
  schema: StandardSchema | undefined,
  side: "input" | "output",
): JsonValue {
  const source: unknown =
    schema === undefined ? undefined : Reflect.get(schema["~standard"], "jsonSchema");
  if (!isSource(source)) return null;
  try {
    const json = toJsonText(source[side]({ target: TARGET }));
    return json.ok ? fromJsonText(json.text) : null;
  } catch {
    // By the standard it throws at what JSON Schema has no words for.
    return null;
  }
}

const isSource = (value: unknown): value is JsonSchemaSource =>
  typeof value === "object" &&
  value !== null &&
  typeof Reflect.get(value, "input") === "function" &&
  typeof Reflect.get(value, "output") === "function";

const MOST_DETAILS = 50;

/** For a stored failure. */
export const toIssueDetails = (issues: readonly Issue[]): JsonValue =>
  issues.slice(0, MOST_DETAILS).map(({ path, message }) => ({ path, message }));

/** A few mistakes in one line, for a message. */
export function summarizeIssues(issues: readonly Issue[], root: string): string {
  const shown = issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join(".") || root}: ${message}`);
  const rest = issues.length - shown.length;
  return shown.join("; ") + (rest > 0 ? `; and ${rest} more` : "");
}
