// Amounts of money in minor units (cents). Decided on the shortest decimal form of a number, which is what people
// see and what templates compute with, never on its binary tail.
import { typeName, type JsonValue } from "@millrace/protocol";
import { badInput } from "../action-input.ts";

const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/**
 * Minor units, halves up: 4317.84 → 4318, 0.5 → 1. Takes a number, or text that is a plain decimal number.
 *
 * @throws {ActionError} action.input-invalid: not a number, NaN, below 0, or beyond what a number holds exactly
 */
export function roundAmount(action: string, value: JsonValue): number {
  const [, sign = "", whole = "", fraction = ""] = readDecimal(action, value);
  const amount = Number(whole) + (fraction >= "5" ? 1 : 0);
  if (sign === "-" && (amount > 0 || /[1-9]/.test(fraction))) {
    throw badAmount(action, value, "must not be negative");
  }
  return toSafe(action, value, amount);
}

/**
 * Minor units that are whole already: what is charged must not depend on a rule of rounding that nobody wrote down,
 * and 43.18 is more often a mistake for 4318.
 *
 * @throws {ActionError} action.input-invalid
 */
export function readWholeAmount(action: string, value: JsonValue): number {
  const [, sign = "", whole = "", fraction = ""] = readDecimal(action, value);
  if (/[1-9]/.test(fraction)) {
    throw badAmount(action, value, "must be a whole number of minor units (4318 for 43.18)");
  }
  const amount = toSafe(action, value, Number(whole));
  return sign === "-" && amount > 0 ? -amount : amount;
}

function readDecimal(action: string, value: JsonValue): RegExpExecArray {
  if (typeof value !== "number" && typeof value !== "string") {
    throw badInput(action, `\`amount\` must be a number, received ${typeName(value)}.`);
  }
  // The smallest number without an exponent is 0.000001; below that nothing is left to round.
  const isTiny = typeof value === "number" && Math.abs(value) < 1e-6;
  const found = DECIMAL.exec(isTiny ? "0" : String(value).trim());
  if (found === null) throw badAmount(action, value, "must be a number in minor units");
  return found;
}

function toSafe(action: string, value: JsonValue, amount: number): number {
  if (Number.isSafeInteger(amount)) return amount;
  throw badAmount(action, value, "is too large");
}

const badAmount = (action: string, value: JsonValue, problem: string): Error =>
  badInput(action, `\`amount\` ${problem}, received ${JSON.stringify(value).slice(0, 40)}.`);
