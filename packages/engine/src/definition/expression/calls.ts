// The calls that an expression can make: these, and no others.
import { isList } from "../json-shape.ts";
import { toPlainNumber } from "../plain-number.ts";
import type { Evaluation, Value } from "./evaluation.ts";
import { hasText } from "./find-text.ts";
import { hasElement, is, toOperand } from "./operators.ts";
import { isSame } from "./equality.ts";

export type FunctionName = "Number" | "String" | "Boolean" | "now";

export type MethodName =
  | "includes"
  | "startsWith"
  | "endsWith"
  | "toLowerCase"
  | "toUpperCase"
  | "trim"
  | "some"
  | "every";

interface Call<F> {
  readonly argumentCount: 0 | 1;
  readonly run: F;
}

type FunctionCall = Call<(argument: Value, evaluation: Evaluation) => Value>;
type MethodCall = Call<(on: Value, argument: Value, evaluation: Evaluation) => Value>;

/** `Number(x)` */
export const FUNCTIONS: Readonly<Record<FunctionName, FunctionCall>> = {
  Number: { argumentCount: 1, run: convertToNumber },
  String: { argumentCount: 1, run: convertToText },
  Boolean: { argumentCount: 1, run: (argument) => Boolean(argument) },
  now: { argumentCount: 0, run: (_, { scope }) => scope.now },
};

export const isFunction = (name: string): name is FunctionName => Object.hasOwn(FUNCTIONS, name);

/** `x.includes(y)`. None is asked if `x` is missing or null: the call is missing then, too. */
export const METHODS: Readonly<Record<MethodName, MethodCall>> = {
  includes: { argumentCount: 1, run: includes },
  startsWith: {
    argumentCount: 1,
    run: (on, argument, evaluation) =>
      onTexts("startsWith", { on, argument }, evaluation, (a, b) => a.startsWith(b)),
  },
  endsWith: {
    argumentCount: 1,
    run: (on, argument, evaluation) =>
      onTexts("endsWith", { on, argument }, evaluation, (a, b) => a.endsWith(b)),
  },
  toLowerCase: {
    argumentCount: 0,
    run: (on, _, evaluation) =>
      evaluation.grow(toText("toLowerCase", on, evaluation).toLowerCase()),
  },
  toUpperCase: {
    argumentCount: 0,
    run: (on, _, evaluation) =>
      evaluation.grow(toText("toUpperCase", on, evaluation).toUpperCase()),
  },
  trim: {
    argumentCount: 0,
    run: (on, _, evaluation) => evaluation.grow(toText("trim", on, evaluation).trim()),
  },
  some: {
    argumentCount: 1,
    run: (on, argument, evaluation) =>
      hasElement(toList("some", on, evaluation), argument, evaluation),
  },
  every: { argumentCount: 1, run: every },
};

export const isMethod = (name: string): name is MethodName => Object.hasOwn(METHODS, name);

function convertToNumber(value: Value, evaluation: Evaluation): Value {
  if (typeof value === "boolean") return value ? 1 : 0;
  return toOperand(value, "what Number(…) gets", evaluation);
}

/** As in a template: nothing for what is missing, no exponents, JSON for lists and objects. */
function convertToText(value: Value, evaluation: Evaluation): Value {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value;
  if (typeof value === "number") return toPlainNumber(value);
  return typeof value === "boolean" ? String(value) : evaluation.toJson(value);
}

function includes(on: Value, argument: Value, evaluation: Evaluation): Value {
  if (isList(on)) return hasElement(on, argument, evaluation);
  return onTexts("includes", { on, argument }, evaluation, hasText);
}

function every(on: Value, argument: Value, evaluation: Evaluation): Value {
  return toList("every", on, evaluation).every((item) => {
    evaluation.spend(1);
    return isSame(item, argument, evaluation);
  });
}

/** A number stands for its digits, since ids come as numbers and as texts. A missing part stands nowhere. */
function onTexts(
  name: string,
  { on, argument }: { readonly on: Value; readonly argument: Value },
  evaluation: Evaluation,
  test: (text: string, part: string) => boolean,
): boolean {
  const text = toText(name, on, evaluation);
  if (argument === undefined || argument === null) return false;
  const part = typeof argument === "number" ? toPlainNumber(argument) : argument;
  if (typeof part !== "string") {
    return evaluation.fail(`${name} looks for a text, but what it got ${is(argument)}`);
  }
  evaluation.spendText(text);
  return test(text, part);
}

function toText(name: string, on: Value, evaluation: Evaluation): string {
  if (typeof on === "string") return on;
  const needs = name === "includes" ? "a text or a list" : "a text";
  return evaluation.fail(`${name} is asked of ${needs}, but what stands before it ${is(on)}`);
}

function toList(name: string, on: Value, evaluation: Evaluation): readonly Value[] {
  if (isList(on)) return on;
  return evaluation.fail(`${name} is asked of a list, but what stands before it ${is(on)}`);
}
