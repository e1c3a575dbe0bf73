import { MAX_JSON_DEPTH, type JsonValue } from "@millrace/protocol";
import { TemplateError } from "./template-error.ts";

/**
 * Characters that one template may grow to: far above the engine's limit on payloads, which is the one that
 * authors meet. This one keeps a template that repeats a large value from filling the memory first.
 */
export const MAX_RENDERED_LENGTH: number = 16 * 1024 * 1024;

/** Elements of a list that a filter gives. */
export const MAX_LIST_LENGTH = 100_000;

/** Steps of work for one template: a tenth of a second as a rule, a second at worst. */
const MAX_VISITS = 1_000_000;

/** Filters copy and search text about as fast as they visit elements of a list, a hundred characters at a time. */
const CHARACTERS_A_VISIT = 100;

/** What one template may still spend on its filters. */
export class Cost {
  readonly #all: number;
  #left: number;

  /** @param more visits than one template may have, where it is filled many times */
  constructor(more = 0) {
    this.#all = MAX_VISITS + more;
    this.#left = this.#all;
  }

  /** @throws {TemplateError} there is not so much left */
  visit(count: number): void {
    this.#left -= count;
    if (this.#left < 0) throw new TemplateError(`takes more than ${this.#all} steps of work`);
  }

  /** Reading or writing so many characters. */
  text(length: number): void {
    this.visit(1 + length / CHARACTERS_A_VISIT);
  }
}

/** @throws {TemplateError} a text would be longer than any template may give */
export function checkLength(length: number): void {
  if (length <= MAX_RENDERED_LENGTH) return;
  throw new TemplateError(`grows beyond ${MAX_RENDERED_LENGTH} characters`);
}

/** @throws {TemplateError} a list would be longer than filters may make it */
export function checkListLength(length: number): void {
  if (length <= MAX_LIST_LENGTH) return;
  throw new TemplateError(`makes a list of more than ${MAX_LIST_LENGTH} elements`);
}

/**
 * The value as JSON text.
 *
 * @param levels that it may have
 * @throws {TemplateError} it is too deep, too long, or too much
 */
export function writeJson(value: JsonValue, levels: number, cost: Cost): string {
  measure(value, levels, cost);
  return JSON.stringify(value);
}

/**
 * Checks that the value can be written. One part may stand in many places of it, and is written as often, so
 * that a value which takes no memory can be a text that takes all.
 *
 * @throws {TemplateError} it is too deep, too long, or too much
 */
export function measure(value: JsonValue, levels: number, cost: Cost): void {
  if (typeof value === "object" && value !== null) addLength(value, levels, 0, cost);
}

/** @returns characters of the JSON, escapes in texts not counted, plus those before it */
function addLength(value: JsonValue, levels: number, before: number, cost: Cost): number {
  if (typeof value === "string") return before + value.length + 2;
  if (typeof value !== "object" || value === null) return before + 4;
  if (levels === 0) throw new TemplateError(`is nested deeper than ${MAX_JSON_DEPTH} levels`);
  let length = before + 2;
  for (const [name, item] of Object.entries(value)) {
    cost.visit(1);
    length = addLength(item, levels - 1, length + name.length, cost);
    checkLength(length);
  }
  return length;
}
