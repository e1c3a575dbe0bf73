// One `{{…}}` that is more than a plain path: a value, the filters that it goes through, and how it ends up in HTML.
import { MAX_JSON_DEPTH, type JsonValue } from "@millrace/protocol";
import { isList } from "../json-shape.ts";
import { lookUp, type Path } from "../path.ts";
import type { Scope } from "../scope.ts";
import { checkLength, checkListLength, measure, type Cost } from "./cost.ts";
import type { Filter, Param } from "./filter.ts";
import { escapeHtml } from "./html.ts";
import { FilterError, TemplateError } from "./template-error.ts";
import { textOf } from "./text-of.ts";

/** A value in an output: its head, or an argument of a filter. */
export type Operand =
  | { readonly kind: "literal"; readonly value: JsonValue }
  | { readonly kind: "path"; readonly path: Path };

export interface FilterCall {
  readonly filter: Filter;
  /** What the params made of the literals; undefined where `paths` has a path. */
  readonly args: readonly unknown[];
  readonly paths: readonly ArgumentPath[];
}

/** An argument that is read each time. */
export interface ArgumentPath {
  readonly index: number;
  readonly path: Path;
  readonly param: Param<unknown>;
}

export interface Output {
  readonly kind: "output";
  /** With its braces, cut short, for messages. */
  readonly source: string;
  readonly head: Operand;
  readonly calls: readonly FilterCall[];
  /** Text that it gives is escaped for HTML. */
  readonly isEscaped: boolean;
}

/** @throws {TemplateError} its message says which filter, and where */
export function evaluateOutput(output: Output, scope: Scope, cost: Cost): JsonValue | undefined {
  const { head, calls, isEscaped } = output;
  let value = head.kind === "literal" ? head.value : lookUp(head.path, scope);
  for (const call of calls) value = run(call, value, output, scope, cost);
  // What filters made may be short to say and long to write, whoever writes it.
  if (calls.length > 0 && value !== undefined) measure(value, MAX_JSON_DEPTH, cost);
  return isEscaped && typeof value === "string" ? escape(value, cost) : value;
}

/** The output as it stands in text. */
export function printOutput(output: Output, scope: Scope, cost: Cost): string {
  const value = evaluateOutput(output, scope, cost);
  const text = textOf(value, cost);
  // A value that is text is escaped already.
  return output.isEscaped && typeof value === "object" ? escape(text, cost) : text;
}

function escape(text: string, cost: Cost): string {
  cost.text(text.length);
  const escaped = escapeHtml(text);
  checkLength(escaped.length);
  return escaped;
}

function run(
  { filter, args, paths }: FilterCall,
  input: JsonValue | undefined,
  { source }: Output,
  scope: Scope,
  cost: Cost,
): JsonValue | undefined {
  try {
    const value = filter.apply(
      input,
      cost,
      paths.length === 0 ? args : readArgs(args, paths, scope),
    );
    if (typeof value === "string") checkLength(value.length);
    else if (isList(value)) checkListLength(value.length);
    return value;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new FilterError(`${JSON.stringify(filter.name)} in ${source} ${error.message}`);
  }
}

function readArgs(
  args: readonly unknown[],
  paths: readonly ArgumentPath[],
  scope: Scope,
): readonly unknown[] {
  const all = [...args];
  for (const { index, path, param } of paths) all[index] = param.read(lookUp(path, scope), "data");
  return all;
}
