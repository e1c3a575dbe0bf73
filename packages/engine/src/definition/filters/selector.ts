// Which part of an element a list filter looks at: `map: 'customer.name'`, `sum: 'quantity * price'`.
import type { JsonValue } from "@millrace/protocol";
import { follow, readNames, toKey, type Key } from "../path.ts";
import { calculate, parseArithmetic } from "./arithmetic.ts";
import { parsedParam, type Origin, type Param } from "./filter.ts";
import { ArgumentError } from "./template-error.ts";

export interface Selector {
  /** What it costs for one element, in visits. */
  readonly visits: number;
  /** undefined: the element has no such part. @throws {TemplateError} it cannot be calculated */
  of(element: JsonValue, index: number): JsonValue | undefined;
}

/** The whole element. */
export const ITSELF: Selector = { visits: 0, of: (element) => element };

/** A path into the element. */
export const fieldParam = (name: string): Param<Selector> =>
  parsedParam(name, (text) => {
    const keys = readKeys(text);
    if (keys !== undefined) return toPluck(keys);
    throw new ArgumentError(`needs a path as ${name}, such as 'customer.name'`);
  });

/** A path into the element, or arithmetic over such paths. Arithmetic is the author's only. */
export const valueParam = (name: string): Param<Selector> =>
  parsedParam(name, (text, origin) => {
    const keys = readKeys(text);
    return keys === undefined ? readArithmetic(text, name, origin) : toPluck(keys);
  });

const toPluck = (keys: readonly Key[]): Selector => ({
  visits: 1,
  of: (element) => follow(element, keys),
});

function readKeys(text: string): readonly Key[] | undefined {
  const read = readNames(text, 0);
  return read.ok && read.end === text.length ? read.names.map(toKey) : undefined;
}

function readArithmetic(text: string, name: string, origin: Origin): Selector {
  if (origin === "data") {
    throw new ArgumentError(`needs a plain path as ${name}, if it is not written in the template`);
  }
  if (text.trim() === "")
    throw new ArgumentError(`needs a path or arithmetic as ${name}; it is empty`);
  const parsed = parseArithmetic(text);
  if (!parsed.ok) throw new ArgumentError(`has arithmetic that ${parsed.message}`, parsed.hint);
  const { arithmetic } = parsed;
  return {
    visits: arithmetic.visits,
    of: (element, index) => calculate(arithmetic, element, index),
  };
}
