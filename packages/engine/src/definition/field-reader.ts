import { checkName, type JsonValue } from "@millrace/protocol";
import { describeValue, isList, isObject, ownValue, show, type JsonObject } from "./json-shape.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { Hint, IssuePath, Report } from "./report.ts";

export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly isInteger?: boolean;
}

/**
 * Reads one object field by field. What is wrong is reported and read as undefined, so that reading goes on
 * and finds the rest. It remembers what it was asked for: `refuseOthers` reports everything else.
 */
export class FieldReader {
  readonly path: IssuePath;
  readonly #source: JsonObject;
  readonly #report: Report;
  readonly #known = new Set<string>();

  constructor(source: JsonObject, path: IssuePath, report: Report) {
    this.#source = source;
    this.path = path;
    this.#report = report;
  }

  /** A reader of `value`; undefined if it is no object, which is reported. */
  static open(value: JsonValue, path: IssuePath, report: Report): FieldReader | undefined {
    if (isObject(value)) return new FieldReader(value, path, report);
    report.error(path, `Expected object, received ${describeValue(value)}`);
    return undefined;
  }

  at(name: string, ...rest: IssuePath): IssuePath {
    return [...this.path, name, ...rest];
  }

  error(name: string, message: string, hint?: Hint): void {
    this.#report.error(this.at(name), message, hint);
  }

  warn(name: string, message: string, hint?: Hint): void {
    this.#report.warn(this.at(name), message, hint);
  }

  /** Whatever stands there; undefined: nothing. */
  value(name: string): JsonValue | undefined {
    this.#known.add(name);
    return ownValue(this.#source, name);
  }

  has(name: string): boolean {
    return this.value(name) !== undefined;
  }

  /** Reports a field that must be there and is not. */
  require(name: string, hint?: Hint): void {
    if (!this.has(name)) this.error(name, "Required", hint);
  }

  text(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === "string") return value;
    return this.#refuseType(name, "string", value);
  }

  /** A text that may be a name, an id or a key. */
  name(name: string): string | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const problem = checkName(value);
    if (problem === undefined) return value;
    this.error(name, problem);
    return undefined;
  }

  number(name: string, range: NumberRange): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (typeof value !== "number") return this.#refuseType(name, "number", value);
    const problem = checkRange(value, range);
    if (problem === undefined) return value;
    this.error(name, problem);
    return undefined;
  }

  flag(name: string): boolean | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === "boolean") return value;
    return this.#refuseType(name, "boolean", value);
  }

  list(name: string): readonly JsonValue[] | undefined {
    const value = this.value(name);
    if (value === undefined || isList(value)) return value;
    return this.#refuseType(name, "array", value);
  }

  object(name: string): FieldReader | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : FieldReader.open(value, this.at(name), this.#report);
  }

  /** A reader of an element of a list that was read here. */
  element(name: string, index: number, value: JsonValue): FieldReader | undefined {
    return FieldReader.open(value, this.at(name, index), this.#report);
  }

  /** Takes all fields that nobody asked for. */
  takeOthers(): JsonObject {
    const others = Object.entries(this.#source).filter(([name]) => !this.#known.has(name));
    for (const [name] of others) this.#known.add(name);
    // Defines each field, so a key `__proto__` stays a key.
    return Object.fromEntries(others);
  }

  /** Reports all fields that nobody asked for. */
  refuseOthers(): void {
    const known = Array.from(this.#known);
    for (const name of Object.keys(this.#source)) {
      if (this.#known.has(name)) continue;
      this.error(name, `Unknown field ${show(name)}`, didYouMean(name, known));
    }
  }

  #refuseType(name: string, expected: string, value: JsonValue): undefined {
    this.error(name, `Expected ${expected}, received ${describeValue(value)}`);
  }
}

/** @returns what is wrong with the number, or undefined */
export function checkRange(
  value: number,
  { min, max, isInteger = false }: NumberRange,
): string | undefined {
  const kind = isInteger ? "a whole number" : "a number";
  if (value >= min && value <= max && (!isInteger || Number.isInteger(value))) return undefined;
  return `Must be ${kind} from ${min} to ${max}, received ${value}`;
}

export const notYet = (what: string): string => `${what} is not in this version of Millrace yet`;
