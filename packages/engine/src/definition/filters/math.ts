import type { JsonValue } from "@millrace/protocol";
import { isObject } from "../json-shape.ts";
import { parseNumber } from "../plain-number.ts";
import type { Cost } from "./cost.ts";
import {
  add,
  divide,
  multiply,
  remainder,
  roundTo,
  subtract,
  toDouble,
  type Decimal,
} from "./decimal.ts";
import {
  defineFilter,
  defineMathFilter,
  integerParam,
  numberParam,
  optional,
  toList,
  type Filter,
  type Param,
} from "./filter.ts";
import { ITSELF, valueParam, type Selector } from "./selector.ts";
import { ArgumentError, TemplateError } from "./template-error.ts";
import { typeOf } from "./text-of.ts";

/** Places behind the point, or before it if negative; a double has no more. */
const MAX_PLACES = 400;
/** Decimals take a few times as long as looking something up. */
const ADD_VISITS = 2;

const divisorParam: Param<number> = {
  name: "divisor",
  read: (value, origin) => {
    const divisor = numberParam("divisor").read(value, origin);
    if (divisor === 0) throw new ArgumentError("divides by zero");
    return divisor;
  },
};

const defineOperation = (
  name: string,
  description: string,
  param: Param<number>,
  calculate: (a: number, b: number) => Decimal,
): Filter =>
  defineMathFilter(name, description, {
    params: [param],
    apply: (a, _, b) => toDouble(calculate(a, b)),
  });

/** @throws {TemplateError} `list` is none, or one of its elements has no number there */
function toNumbers(input: JsonValue | undefined, part: Selector, cost: Cost): readonly number[] {
  const list = toList(input, cost);
  cost.visit(list.length * (ADD_VISITS + part.visits));
  return list.map((element, i) => {
    const value = part.of(element, i);
    const number = parseNumber(value);
    if (number !== undefined) return number;
    const hint = part === ITSELF && isObject(element) ? "; name the field to take" : "";
    throw new TemplateError(`needs numbers; element [${i}] is ${typeOf(value)}${hint}`);
  });
}

const sumOf = (numbers: readonly number[]): Decimal => numbers.reduce<Decimal>(add, 0);

const defineReduction = (
  name: string,
  description: string,
  reduce: (numbers: readonly number[]) => Decimal | undefined,
): Filter =>
  defineFilter(name, description, {
    params: [optional(valueParam("part"))],
    apply: (input, cost, part = ITSELF) => {
      const result = reduce(toNumbers(input, part, cost));
      return result === undefined ? undefined : toDouble(result);
    },
  });

export const MATH_FILTERS: readonly Filter[] = [
  defineReduction(
    "sum",
    "The sum of a list of numbers, or of one part of each element. 0 if it is empty.",
    sumOf,
  ),
  defineReduction("avg", "The mean, as `sum`. An empty list has none.", (numbers) =>
    numbers.length === 0 ? undefined : divide(sumOf(numbers), numbers.length),
  ),
  defineReduction(
    "min",
    "The smallest number, as `sum`. An empty list has none.",
    ([first, ...rest]) =>
      first === undefined ? undefined : rest.reduce((a, b) => Math.min(a, b), first),
  ),
  defineReduction(
    "max",
    "The largest number, as `sum`. An empty list has none.",
    ([first, ...rest]) =>
      first === undefined ? undefined : rest.reduce((a, b) => Math.max(a, b), first),
  ),
  defineOperation("plus", "Addition.", numberParam("number"), add),
  defineOperation("minus", "Subtraction.", numberParam("number"), subtract),
  defineOperation("times", "Multiplication.", numberParam("number"), multiply),
  defineOperation(
    "divided_by",
    "Division, with a fraction; by zero it fails.",
    divisorParam,
    divide,
  ),
  defineOperation(
    "modulo",
    "What a division leaves, with the sign of the first number.",
    divisorParam,
    remainder,
  ),
  defineMathFilter("abs", "Without its sign.", { apply: (number) => Math.abs(number) }),
  defineMathFilter("ceil", "Up to the next whole number.", {
    apply: (number) => Math.ceil(number) + 0,
  }),
  defineMathFilter("floor", "Down to the next whole number.", {
    apply: (number) => Math.floor(number) + 0,
  }),
  defineMathFilter("round", "To a whole number or to so many places; a half goes away from zero.", {
    params: [optional(integerParam("places", -MAX_PLACES, MAX_PLACES))],
    apply: (number, _, places = 0) => roundTo(number, places),
  }),
  defineMathFilter("at_least", "Not less than a number.", {
    params: [numberParam("number")],
    apply: (number, _, least) => Math.max(number, least),
  }),
  defineMathFilter("at_most", "Not more than a number.", {
    params: [numberParam("number")],
    apply: (number, _, most) => Math.min(number, most),
  }),
];
