// The arithmetic of `map: 'quantity * price'`: + - * / %, parentheses, numbers, and paths into one element.
// Compiled to postfix order by the shunting yard, so that neither reading nor calculating can recurse.
import type { JsonValue } from "@millrace/protocol";
import { follow, readNames, toKey, unreadable, type Key, type PathProblem } from "../path.ts";
import { parseNumber } from "../plain-number.ts";
import {
  add,
  divide,
  multiply,
  negate,
  remainder,
  subtract,
  toDouble,
  type Decimal,
} from "./decimal.ts";
import { TemplateError } from "./template-error.ts";
import { typeOf } from "./text-of.ts";

type Operator = "+" | "-" | "*" | "/" | "%" | "negate";

/** One step of the calculation, on a stack. */
type Step =
  | { readonly kind: "number"; readonly value: number }
  | { readonly kind: "path"; readonly source: string; readonly keys: readonly Key[] }
  | { readonly kind: "operator"; readonly operator: Operator };

/** What one element gives. */
export interface Arithmetic {
  readonly steps: readonly Step[];
  /** What one element costs: decimals take a few times as long as looking something up. */
  readonly visits: number;
}

export type ParsedArithmetic = { readonly ok: true; readonly arithmetic: Arithmetic } | PathProblem;

/** More than anybody writes; keeps the cost of one element small. */
const MAX_STEPS = 200;

const OPERATOR_VISITS = 3;

const STRENGTH: Readonly<Record<Operator, number>> = {
  "+": 1,
  "-": 1,
  "*": 2,
  "/": 2,
  "%": 2,
  negate: 3,
};

const NUMBER = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\p{L}\p{M}\p{N}_$.[])/uy;
const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  (["+", "-", "*", "/", "%"] as const).map((operator) => [operator, operator]),
);

export function parseArithmetic(source: string): ParsedArithmetic {
  const reader = new Reader(source);
  const problem = reader.read();
  if (problem !== undefined) return problem;
  const { steps } = reader;
  const operators = steps.filter((step) => step.kind === "operator").length;
  return { ok: true, arithmetic: { steps, visits: steps.length + OPERATOR_VISITS * operators } };
}

/** Reads from left to right; `#waiting` holds operators whose right side has not ended. */
class Reader {
  readonly steps: Step[] = [];
  readonly #source: string;
  readonly #waiting: (Operator | "(")[] = [];
  #at = 0;

  constructor(source: string) {
    this.#source = source;
  }

  read(): PathProblem | undefined {
    for (;;) {
      const problem = this.#readOperand();
      if (problem !== undefined) return problem;
      while (this.#next() === ")") {
        if (!this.#close())
          return unreadable(this.#source, this.#at, "nothing opens this parenthesis");
        this.#at++;
      }
      if (this.#at === this.#source.length) break;
      const operator = OPERATORS.get(this.#source[this.#at] ?? "");
      if (operator === undefined) return unreadable(this.#source, this.#at, HINT);
      this.#push(operator);
      this.#at++;
    }
    this.#flush(1);
    if (this.#waiting.length > 0) {
      return { ok: false, message: "has a parenthesis that is not closed", hint: "add )" };
    }
    return undefined;
  }

  /** A number or a path, with the signs and opening parentheses before it. */
  #readOperand(): PathProblem | undefined {
    for (let char = this.#next(); char === "(" || char === "-"; char = this.#next()) {
      this.#waiting.push(char === "(" ? "(" : "negate");
      if (this.#waiting.length > MAX_STEPS) return TOO_LONG;
      this.#at++;
    }
    if (this.steps.length > MAX_STEPS) return TOO_LONG;
    NUMBER.lastIndex = this.#at;
    const number = NUMBER.exec(this.#source)?.[0];
    if (number !== undefined) {
      const value = parseNumber(number);
      if (value === undefined)
        return { ok: false, message: `has the number ${number.slice(0, 40)}, which is too large` };
      this.steps.push({ kind: "number", value });
      this.#at += number.length;
      return undefined;
    }
    if (/\d/.test(this.#next() ?? "")) return unreadable(this.#source, this.#at, HINT);
    const read = readNames(this.#source, this.#at);
    if (!read.ok) return { ...read, hint: HINT };
    const source = this.#source.slice(this.#at, read.end);
    this.steps.push({ kind: "path", source, keys: read.names.map(toKey) });
    this.#at = read.end;
    return undefined;
  }

  /** The next character that is no space. */
  #next(): string | undefined {
    while (/\s/.test(this.#source[this.#at] ?? "")) this.#at++;
    return this.#source[this.#at];
  }

  /** Everything stronger, or as strong and before it, comes first. */
  #push(operator: Operator): void {
    this.#flush(STRENGTH[operator]);
    this.#waiting.push(operator);
  }

  #flush(strength: number): void {
    for (let last = this.#waiting.at(-1); last !== undefined; last = this.#waiting.at(-1)) {
      if (last === "(" || STRENGTH[last] < strength) return;
      this.steps.push({ kind: "operator", operator: last });
      this.#waiting.pop();
    }
  }

  /** @returns false: there is no parenthesis to close */
  #close(): boolean {
    this.#flush(1);
    return this.#waiting.pop() === "(";
  }
}

const HINT =
  "write + - * / % and parentheses between numbers and fields; a minus stands between spaces";
const TOO_LONG: PathProblem = { ok: false, message: `has more than ${MAX_STEPS} parts` };

/**
 * @param index of the element, for messages
 * @throws {TemplateError} a field is missing or no number, a divisor is zero, or the result is too large
 */
export function calculate(arithmetic: Arithmetic, element: JsonValue, index: number): number {
  const stack: Decimal[] = [];
  const pop = (): Decimal => stack.pop() ?? 0;
  for (const step of arithmetic.steps) {
    if (step.kind === "number") stack.push(step.value);
    else if (step.kind === "path") stack.push(readField(step.keys, step.source, element, index));
    else if (step.operator === "negate") stack.push(negate(pop()));
    else {
      const right = pop();
      stack.push(apply(step.operator, pop(), right, index));
    }
  }
  return atElement(index, () => toDouble(pop()));
}

function apply(
  operator: Exclude<Operator, "negate">,
  left: Decimal,
  right: Decimal,
  index: number,
): Decimal {
  switch (operator) {
    case "+":
      return add(left, right);
    case "-":
      return subtract(left, right);
    case "*":
      return multiply(left, right);
    case "/":
      return atElement(index, () => divide(left, right));
    default:
      return atElement(index, () => remainder(left, right));
  }
}

function readField(
  keys: readonly Key[],
  source: string,
  element: JsonValue,
  index: number,
): number {
  const value = follow(element, keys);
  const number = parseNumber(value);
  if (number !== undefined) return number;
  const field = `${JSON.stringify(source)} of element [${index}]`;
  const hint = source.includes("-") ? "; a minus stands between spaces" : "";
  throw new TemplateError(
    value === undefined
      ? `needs ${field}, which is missing${hint}`
      : `needs ${field} as a number; it is ${typeOf(value)}`,
  );
}

function atElement<T>(index: number, calculation: () => T): T {
  try {
    return calculation();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new TemplateError(`${error.message} at element [${index}]`);
  }
}
