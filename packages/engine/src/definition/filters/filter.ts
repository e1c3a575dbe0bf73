// What a filter is. Each is one entry of a table: how it is called, what it says of itself, and a function.
//
//   F1. A missing value and null pass through as they are, except where a filter is about them (`default`,
//       `json`, `size`) or calculates: a wrong sum is worse than an error.
//   F2. A filter never changes what it is given, gives JSON or undefined, and pays for its work (`Cost`).
//   F3. Only own properties of data are read, and no text of data is read as a template or as arithmetic.
import type { JsonValue } from "@millrace/protocol";
import { isList } from "../json-shape.ts";
import { parseNumber, toPlainNumber } from "../plain-number.ts";
import type { Cost } from "./cost.ts";
import { ArgumentError, TemplateError } from "./template-error.ts";
import { textOf, typeOf } from "./text-of.ts";

/** Where an argument comes from: the author, or what a path finds when the template is filled. */
export type Origin = "literal" | "data";

/** One argument of a filter. */
export interface Param<T> {
  /** As the reference shows it. */
  readonly name: string;
  readonly isOptional?: boolean;
  /**
   * Makes what the filter works with; of a literal once, at create.
   *
   * @throws {ArgumentError}
   */
  read(value: JsonValue | undefined, origin: Origin): T;
}

export interface Filter {
  readonly name: string;
  readonly params: readonly Param<unknown>[];
  /** One line, for the reference. */
  readonly description: string;
  /** What it means for text that goes into HTML. Absent: its result is escaped, as any value. */
  readonly html?: HtmlEffect;
  /**
   * @param args what the params have read; those that are left out are not there
   * @throws {TemplateError}
   */
  apply(input: JsonValue | undefined, cost: Cost, args: readonly unknown[]): JsonValue | undefined;
}

/**
 * `escapes`: what it gives is HTML. `wraps`: it puts HTML around a value, which is escaped before.
 * `keeps`: what was escaped stays so, since it adds at most literals. `raw`: nothing is escaped.
 */
export type HtmlEffect = "escapes" | "wraps" | "keeps" | "raw";

type ParamsOf<A extends readonly unknown[]> = { readonly [K in keyof A]: Param<A[K]> };

interface FilterParts<I, A extends readonly unknown[]> {
  readonly params?: ParamsOf<A>;
  readonly html?: HtmlEffect;
  apply(input: I, cost: Cost, ...args: A): JsonValue | undefined;
}

/** A filter that takes any value, also a missing one. */
export function defineFilter<A extends readonly unknown[]>(
  name: string,
  description: string,
  parts: FilterParts<JsonValue | undefined, A>,
): Filter {
  const params: readonly Param<unknown>[] = parts.params ?? [];
  const filter: Filter = {
    name,
    description,
    params,
    // The arguments were read by `params`, which are those of A, and the parser has counted them.
    apply: (input, cost, args) => parts.apply(input, cost, ...(args as unknown as A)),
  };
  return parts.html === undefined ? filter : { ...filter, html: parts.html };
}

/** A filter of texts. Numbers, booleans, lists and objects are taken as they print. */
export const defineTextFilter = <A extends readonly unknown[]>(
  name: string,
  description: string,
  parts: FilterParts<string, A>,
): Filter =>
  defineFilter<A>(name, description, {
    ...parts,
    apply: (input, cost, ...args) => {
      if (input === undefined || input === null) return input;
      const text = textOf(input, cost);
      cost.text(text.length);
      return parts.apply(text, cost, ...args);
    },
  });

/** A filter of lists. */
export const defineListFilter = <A extends readonly unknown[]>(
  name: string,
  description: string,
  parts: FilterParts<readonly JsonValue[], A>,
): Filter =>
  defineFilter<A>(name, description, {
    ...parts,
    apply: (input, cost, ...args) =>
      input === undefined || input === null
        ? input
        : parts.apply(toList(input, cost), cost, ...args),
  });

/** A filter that calculates with one number. */
export const defineMathFilter = <A extends readonly unknown[]>(
  name: string,
  description: string,
  parts: FilterParts<number, A>,
): Filter =>
  defineFilter<A>(name, description, {
    ...parts,
    apply: (input, cost, ...args) => {
      cost.visit(1);
      return parts.apply(toOperand(input), cost, ...args);
    },
  });

/** @throws {TemplateError} it is no list, so also if it is missing */
export function toList(input: JsonValue | undefined, cost: Cost): readonly JsonValue[] {
  if (!isList(input)) throw new TemplateError(`needs a list; its value is ${typeOf(input)}`);
  cost.visit(1 + input.length);
  return input;
}

function toOperand(input: JsonValue | undefined): number {
  const number = parseNumber(input);
  if (number !== undefined) return number;
  throw new TemplateError(`needs a number; its value is ${typeOf(input)}`);
}

const wrong = (name: string, needed: string, value: JsonValue | undefined): ArgumentError =>
  new ArgumentError(`needs ${needed} as ${name}; it is ${typeOf(value)}`);

export const anyParam = (name: string): Param<JsonValue> => ({
  name,
  read: (value) => value ?? null,
});

export const numberParam = (name: string): Param<number> => ({
  name,
  read: (value) => {
    const number = parseNumber(value);
    if (number !== undefined) return number;
    throw wrong(name, "a number", value);
  },
});

export const integerParam = (name: string, min: number, max: number): Param<number> => ({
  name,
  read: (value) => {
    const number = parseNumber(value);
    if (number === undefined) throw wrong(name, "a whole number", value);
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    throw new ArgumentError(`needs a whole number from ${min} to ${max} as ${name}`);
  },
});

/** Missing and null are empty text; numbers and booleans are taken as they print. */
export const textParam = (name: string): Param<string> => ({
  name,
  read: (value) => {
    if (typeof value === "string") return value;
    if (typeof value === "number") return toPlainNumber(value);
    if (typeof value === "boolean") return String(value);
    if (value === undefined || value === null) return "";
    throw wrong(name, "text", value);
  },
});

export const listParam = (name: string): Param<readonly JsonValue[]> => ({
  name,
  read: (value) => {
    if (isList(value)) return value;
    throw wrong(name, "a list", value);
  },
});

/** Text that means something to the filter. @throws {ArgumentError} from `parse` */
export const parsedParam = <T>(
  name: string,
  parse: (text: string, origin: Origin) => T,
): Param<T> => ({
  name,
  read: (value, origin) => {
    if (typeof value === "string") return parse(value, origin);
    throw wrong(name, "text", value);
  },
});

/** May be left out. */
export const optional = <T>(param: Param<T>): Param<T | undefined> => ({
  ...param,
  isOptional: true,
});
