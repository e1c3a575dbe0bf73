// Operators between two values. They are JavaScript's where its answer is what people mean, and fail where
// JavaScript would make something up: `[] + 1`, `null >= 0`, `"a" - 1`.
import { typeName } from "@millrace/protocol";
import { isList, isObject } from "../json-shape.ts";
import { parseNumber, toPlainNumber } from "../plain-number.ts";
import { isEqual, isSame } from "./equality.ts";
import type { Evaluation, Value } from "./evaluation.ts";

export type Operator = (left: Value, right: Value, evaluation: Evaluation) => Value;

export type OperatorName =
  "===" | "!==" | "==" | "!=" | ">" | ">=" | "<" | "<=" | "+" | "-" | "*" | "/" | "%" | "in";

export const OPERATORS: Readonly<Record<OperatorName, Operator>> = {
  "===": isSame,
  "!==": (left, right, evaluation) => !isSame(left, right, evaluation),
  "==": isEqual,
  "!=": (left, right, evaluation) => !isEqual(left, right, evaluation),
  ">": (left, right, evaluation) => order(left, right, evaluation) > 0,
  ">=": (left, right, evaluation) => order(left, right, evaluation) >= 0,
  "<": (left, right, evaluation) => order(left, right, evaluation) < 0,
  "<=": (left, right, evaluation) => order(left, right, evaluation) <= 0,
  "+": add,
  "-": arithmetic("-", (a, b) => a - b),
  "*": arithmetic("*", (a, b) => a * b),
  "/": arithmetic("/", (a, b) => a / b),
  "%": arithmetic("%", (a, b) => a % b),
  in: isIn,
};

export const isOperator = (name: string): name is OperatorName => Object.hasOwn(OPERATORS, name);

/**
 * Below, at or above zero; NaN, which is none of them, if the two cannot be compared. Two texts compare by their
 * characters, a number and a text as numbers; nothing else has an order.
 */
function order(left: Value, right: Value, evaluation: Evaluation): number {
  if (typeof left === "number" && typeof right === "number") return left - right;
  if (typeof left === "string" && typeof right === "string") {
    evaluation.spendText(left.length < right.length ? left : right);
    if (left === right) return 0;
    return left < right ? -1 : 1;
  }
  return (parseNumber(left) ?? NaN) - (parseNumber(right) ?? NaN);
}

function add(left: Value, right: Value, evaluation: Evaluation): Value {
  if (typeof left === "number" && typeof right === "number") {
    return toFinite("+", left + right, evaluation);
  }
  if (typeof left === "string" || typeof right === "string") {
    return evaluation.grow(print(left, evaluation) + print(right, evaluation));
  }
  const [side, value] = typeof left === "number" ? ["right", right] : ["left", left];
  return evaluation.fail(`the ${side} side of + must be a number or a text, but it ${is(value)}`);
}

/** A value as a part of a text. */
function print(value: Value, evaluation: Evaluation): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return toPlainNumber(value);
  if (value === undefined || value === null) return "";
  if (typeof value === "boolean") return String(value);
  return evaluation.fail(`+ joins texts, and one side ${is(value)}; use String(…) for its JSON`);
}

function arithmetic(name: string, compute: (a: number, b: number) => number): Operator {
  return (left, right, evaluation) => {
    const a = toOperand(left, `the left side of ${name}`, evaluation);
    const b = toOperand(right, `the right side of ${name}`, evaluation);
    if (b === 0 && (name === "/" || name === "%")) evaluation.fail("divides by zero");
    return toFinite(name, compute(a, b), evaluation);
  };
}

/** A number, or a text that is one. Anything else would make a wrong number, which is worse than none. */
export function toOperand(value: Value, role: string, evaluation: Evaluation): number {
  if (typeof value === "number") return value;
  return parseNumber(value) ?? evaluation.fail(`${role} must be a number, but it ${is(value)}`);
}

function toFinite(name: string, value: number, evaluation: Evaluation): number {
  if (!Number.isFinite(value)) evaluation.fail(`the result of ${name} is too large for a number`);
  // JSON has no negative zero.
  return value + 0;
}

/** An element of a list, or a key of an object. */
function isIn(left: Value, right: Value, evaluation: Evaluation): Value {
  if (right === undefined || right === null) return false;
  if (isList(right)) return hasElement(right, left, evaluation);
  if (!isObject(right)) {
    return evaluation.fail(`the right side of in must be a list or an object, but it ${is(right)}`);
  }
  return (typeof left === "string" || typeof left === "number") && Object.hasOwn(right, left);
}

export function hasElement(list: readonly Value[], wanted: Value, evaluation: Evaluation): boolean {
  for (const item of list) {
    evaluation.spend(1);
    if (isSame(item, wanted, evaluation)) return true;
  }
  return false;
}

/** For messages: what a value is, without a word of it. */
export const is = (value: Value): string =>
  value === undefined ? "is missing" : `is of type ${typeName(value)}`;
