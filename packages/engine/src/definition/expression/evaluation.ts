import { MAX_JSON_DEPTH, type JsonValue } from "@millrace/protocol";
import { isList } from "../json-shape.ts";
import { TemplateError } from "../render.ts";
import type { Scope } from "../scope.ts";
import { shorten } from "./shorten.ts";

/** undefined: missing. */
export type Value = JsonValue | undefined;

/** An operation is a step; so is each value that a comparison or a search looks at, and each 256 characters of text. */
export const MAX_STEPS = 100_000;
const CHARACTERS_A_STEP = 256;
/** Characters of a text that an expression makes, and of the JSON of a list that it makes. */
export const MAX_LENGTH: number = 1024 * 1024;

/** One evaluation: what it sees, and what it may still cost. */
export class Evaluation {
  readonly scope: Scope;
  readonly #source: string;
  #steps = 0;
  /** Lists and objects that the expression put together; null: none. All others are parts of bounded data. */
  #made: Set<JsonValue> | null = null;

  constructor(scope: Scope, source: string) {
    this.scope = scope;
    this.#source = source;
  }

  /** At most `MAX_STEPS`, however large the data are. */
  get steps(): number {
    return this.#steps;
  }

  spend(steps: number): void {
    if (this.#steps + steps > MAX_STEPS) this.fail(`costs more than ${MAX_STEPS} steps`);
    this.#steps += steps;
  }

  spendText(text: string): void {
    this.spend(Math.ceil(text.length / CHARACTERS_A_STEP));
  }

  /** Marks a list or an object as put together here. */
  make<T extends JsonValue>(value: T): T {
    this.#made ??= new Set();
    this.#made.add(value);
    return value;
  }

  /** A text that grew. */
  grow(text: string): string {
    if (text.length > MAX_LENGTH) this.fail(`makes a text of more than ${MAX_LENGTH} characters`);
    this.spendText(text);
    return text;
  }

  /** The result, of which nothing is larger or deeper than others can take. */
  finish(value: Value): Value {
    if (value !== undefined && this.#made?.has(value) === true) this.toJson(value);
    return value;
  }

  /** A value as JSON. Measures first: a list may hold one large value many times. */
  toJson(value: JsonValue): string {
    if (this.#measure(value, MAX_LENGTH, MAX_JSON_DEPTH) < 0) {
      this.fail(`makes a list of more than ${MAX_LENGTH} characters of JSON`);
    }
    return this.grow(JSON.stringify(value));
  }

  /** @throws {TemplateError} always */
  fail(problem: string): never {
    throw new TemplateError(`The expression ${shorten(this.#source)}: ${problem}`);
  }

  /** @returns how many of the characters are left; below zero: too few, and it has stopped looking */
  #measure(value: JsonValue, characters: number, levels: number): number {
    if (typeof value === "string") return characters - value.length - 2;
    if (typeof value !== "object" || value === null) return characters - 1;
    if (levels === 0) this.fail(`makes a list that is nested deeper than ${MAX_JSON_DEPTH} levels`);
    let left = characters - 2;
    if (isList(value)) {
      for (const item of value) {
        if (left < 0) return left;
        left = this.#measure(item, left - 1, levels - 1);
      }
      return left;
    }
    for (const [key, item] of Object.entries(value)) {
      if (left < 0) return left;
      left = this.#measure(item, left - key.length - 4, levels - 1);
    }
    return left;
  }
}
