// One check of one value: where it is, what it found, and how much work is left.
//
//   K1. A check ends: each look at a value costs work, of which there is a fixed amount. A schema whose
//       alternatives multiply, or a value made to be expensive, runs out of it and is refused.
//   K2. A check does not overflow the stack: nesting of values and schemas together is counted.
//   K3. What an alternative that was not chosen found, filled in or left out, leaves no trace.
import type { Issue, JsonValue } from "@millrace/protocol";
import type { IssuePath } from "../report.ts";
import type { SchemaNode } from "./schema-node.ts";

/** Further mistakes of a value are not looked for. */
export const MAX_SCHEMA_ISSUES = 100;
/** Further fields that were left out are not listed. */
export const MAX_STRIPPED = 100;
/**
 * What a check may cost. A look at a value by a schema is one unit, up to 50 ns; trying an alternative costs more, a
 * pattern by length of text and size of pattern. A value of 1 MiB has at most half a million parts. Measured, 2026-11:
 * a second at the worst.
 */
export const MAX_WORK = 10_000_000;
const WORK_OF_ATTEMPT = 3;
/** Schemas within schemas and values within values on the way to one value. */
const MAX_NESTING = 1_000;
/** Characters of JSON that defaults may add to a value. */
const MAX_GROWTH = 16 * 1024 * 1024;

/** What an alternative makes of a value. */
export interface Attempt {
  readonly fits: boolean;
  readonly value: JsonValue;
  /** Fields that it leaves out. */
  readonly strippedCount: number;
  readonly stripped: readonly IssuePath[];
  readonly grown: number;
}

/** Work that several checks share. */
export interface Meter {
  left: number;
}

export class Checking {
  readonly issues: Issue[] = [];
  readonly stripped: IssuePath[] = [];
  /**
   * Plain JSON Schema: nothing is filled in, and an unknown field does not fit `additionalProperties: false`. For
   * questions whose answer is only yes or no (`not`, `if`, `contains`).
   */
  isStrict = false;
  /** Counts mistakes without describing them. */
  isQuiet = false;
  readonly #path: (string | number)[] = [];
  readonly #meter: Meter;
  #nesting: number;
  #grown = 0;
  /** What ended the check before its end. */
  #abort: string | null = null;
  #mistakes = 0;
  /** The number of mistakes at which it is pointless to go on. */
  #enough = MAX_SCHEMA_ISSUES;
  #strippedCount = 0;
  /** Wants a message only: hints, which may explain in their turn, are left out. */
  #isExplaining = false;

  constructor(meter: Meter = { left: MAX_WORK }, nesting = 0) {
    this.#meter = meter;
    this.#nesting = nesting;
  }

  /** A check of something that this one needs first, at the same expense. */
  beginAside(): Checking {
    return new Checking(this.#meter, this.#nesting);
  }

  get isOver(): boolean {
    return this.#mistakes >= this.#enough || this.#abort !== null;
  }

  get isClean(): boolean {
    return this.#mistakes === 0 && this.#abort === null;
  }

  /** Characters of JSON that defaults have added. */
  get grown(): number {
    return this.#grown;
  }

  /** All that is wrong, in the order in which it was found. */
  toIssues(): readonly Issue[] {
    return this.#abort === null ? this.issues : [{ path: [], message: this.#abort }];
  }

  /** To be called before a schema looks at a value, and `end` afterwards. @returns false: do not look */
  begin(): boolean {
    if (this.isOver) return false;
    this.spend(1);
    if (++this.#nesting > MAX_NESTING) this.#abort ??= "Is nested too deeply to be checked";
    if (this.#abort === null) return true;
    this.#nesting--;
    return false;
  }

  end(): void {
    this.#nesting--;
  }

  spend(work: number): void {
    this.#meter.left -= work;
    if (this.#meter.left < 0) this.#abort ??= "Takes too much work to be checked";
  }

  grow(length: number): void {
    this.#grown += length;
    if (this.#grown > MAX_GROWTH) {
      this.#abort ??= `Grows by more than ${MAX_GROWTH} characters of defaults`;
    }
  }

  enter(key: string | number): void {
    this.#path.push(key);
  }

  leave(): void {
    this.#path.pop();
  }

  /** @param hint called only if it is shown */
  fail(message: string, hint?: () => string | undefined): void {
    this.#mistakes++;
    if (this.isQuiet || this.issues.length >= MAX_SCHEMA_ISSUES) return;
    const text = this.#isExplaining ? undefined : hint?.();
    const path = [...this.#path];
    this.issues.push(text === undefined ? { path, message } : { path, message, hint: text });
  }

  failAt(key: string | number, message: string, hint?: () => string | undefined): void {
    this.enter(key);
    this.fail(message, hint);
    this.leave();
  }

  /** Notes a field that is left out. */
  strip(name: string): void {
    this.#strippedCount++;
    if (this.stripped.length < MAX_STRIPPED) this.stripped.push([...this.#path, name]);
  }

  /** Tries an alternative without a trace; `choose` makes what it did count. */
  attempt(node: SchemaNode, value: JsonValue): Attempt {
    this.spend(WORK_OF_ATTEMPT);
    const mark = this.#mark(true);
    const checked = node.check(value, this);
    const fits = this.#mistakes === mark.mistakes;
    const attempt = {
      fits,
      value: checked,
      strippedCount: this.#strippedCount - mark.strippedCount,
      stripped: this.stripped.slice(mark.listed),
      grown: this.#grown - mark.grown,
    };
    this.#forgetSince(mark);
    return attempt;
  }

  choose({ value, strippedCount, stripped, grown }: Attempt): JsonValue {
    this.#strippedCount += strippedCount;
    this.stripped.push(...stripped);
    this.#grown += grown;
    return value;
  }

  /** Whether the value fits by the rules of plain JSON Schema. */
  fits(node: SchemaNode, value: JsonValue): boolean {
    const before = this.isStrict;
    this.isStrict = true;
    const { fits } = this.attempt(node, value);
    this.isStrict = before;
    return fits;
  }

  /** What is first wrong with the value, as one text: `total: Required`. Empty: nothing is. */
  explain(node: SchemaNode, value: JsonValue): string {
    const mark = this.#mark(false);
    const from = this.issues.length;
    this.#isExplaining = true;
    node.check(value, this);
    this.#isExplaining = false;
    const [first] = this.issues.splice(from);
    this.#forgetSince(mark);
    if (first === undefined) return "";
    const place = first.path.slice(this.#path.length).join(".");
    return place === "" ? first.message : `${place}: ${first.message}`;
  }

  /** What follows ends at its first mistake. */
  #mark(isQuiet: boolean): Mark {
    const mark = {
      mistakes: this.#mistakes,
      enough: this.#enough,
      isQuiet: this.isQuiet,
      strippedCount: this.#strippedCount,
      listed: this.stripped.length,
      grown: this.#grown,
    };
    this.isQuiet ||= isQuiet;
    this.#enough = this.#mistakes + 1;
    return mark;
  }

  #forgetSince(mark: Mark): void {
    this.#mistakes = mark.mistakes;
    this.#enough = mark.enough;
    this.isQuiet = mark.isQuiet;
    this.#strippedCount = mark.strippedCount;
    this.stripped.length = mark.listed;
    this.#grown = mark.grown;
  }
}

interface Mark {
  readonly mistakes: number;
  readonly enough: number;
  readonly isQuiet: boolean;
  readonly strippedCount: number;
  readonly listed: number;
  readonly grown: number;
}
