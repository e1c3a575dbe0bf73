// What texts of a definition mean to the reference model. Which texts there are is the business of who writes the definition.
import type { Failure, JsonValue } from "@millrace/protocol";
import type { Raw } from "./reference-graph.ts";

/** What a template or an expression sees. */
export interface View {
  readonly result: JsonValue;
  readonly error: JsonValue | undefined;
  readonly input: JsonValue;
  /** Of loops around it, the innermost first. */
  readonly variables: readonly { readonly name: string; readonly value: JsonValue }[];
  readonly now: number;
  output(id: string): JsonValue | undefined;
}

/** What a text that is a template or an expression gives. */
export type Meanings = ReadonlyMap<string, (view: View) => JsonValue | undefined>;

/** What goes along an edge that is taken. */
export interface Token {
  readonly result: JsonValue;
  readonly error: JsonValue | undefined;
}

/** What an operation is asked to do: the input of a body, or the answer of one that has none. */
export type Asked =
  { readonly input: JsonValue } | { readonly output: JsonValue } | "waits" | "fails";

export type End =
  | { readonly status: "completed"; readonly output: JsonValue }
  | { readonly status: "failed"; readonly failure: Failure };

/** A text that has no meaning is itself. A field without value is left out, an element without one is null. */
export function evaluate(
  value: JsonValue | undefined,
  view: View,
  meanings: Meanings,
): JsonValue | undefined {
  if (typeof value === "string") {
    const meaning = meanings.get(value);
    return meaning === undefined ? value : meaning(view);
  }
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    return (value as JsonValue[]).map((one) => evaluate(one, view, meanings) ?? null);
  }
  const fields = Object.entries(value).flatMap(([name, one]) => {
    const given = evaluate(one, view, meanings);
    return given === undefined ? [] : [[name, given] as const];
  });
  return Object.fromEntries(fields);
}

/** As handlers and results of loops have it. */
export function showError(failure: Failure | null): JsonValue {
  const { message, code, step = null, attempt = 1, details } = failure ?? { message: "", code: "" };
  const shown = { message, code, stepId: step, attempts: attempt };
  return details === undefined ? shown : { ...shown, details };
}

/** An `errorHandling` that takes something else for the output of a step that failed. */
export const isContinue = (handling: JsonValue | undefined): handling is Raw =>
  typeof handling === "object" && (handling as Raw)["strategy"] === "continue";

/** More than one edge was taken at once; the key of the join, and the steps that they come from. */
export class ChoiceNeeded extends Error {
  override readonly name = "ChoiceNeeded";
  readonly key: string;
  readonly options: readonly string[];

  constructor(key: string, options: readonly string[]) {
    super(`which of ${options.join(", ")} comes first at ${key}`);
    this.key = key;
    this.options = options;
  }
}
