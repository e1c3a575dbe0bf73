import type { JsonValue } from "@millrace/protocol";
import { isList, isObject, type JsonObject } from "../json-shape.ts";
import { areEqual, compareValues, isTrue, toIdentity } from "./compare.ts";
import { checkLength, checkListLength, type Cost } from "./cost.ts";
import {
  anyParam,
  defineFilter,
  defineListFilter,
  integerParam,
  listParam,
  optional,
  textParam,
  type Filter,
} from "./filter.ts";
import { fieldParam, ITSELF, valueParam, type Selector } from "./selector.ts";
import { TemplateError } from "./template-error.ts";
import { textOf, typeOf } from "./text-of.ts";
import { countCharacters, cutCharacters } from "./characters.ts";

const MAX_INDEX = 1_000_000_000;

/** With one argument: the field is there, and neither null nor false. With two: it equals the second. */
function toTest(
  field: Selector,
  wanted: JsonValue | undefined,
  cost: Cost,
): (element: JsonValue, index: number) => boolean {
  if (wanted === undefined) return (element, i) => isTrue(field.of(element, i));
  return (element, i) => areEqual(field.of(element, i) ?? null, wanted, cost);
}

const TEST_PARAMS = [fieldParam("field"), optional(anyParam("value"))] as const;

/** Sorts by keys that are made once, so that a costly one is not made again for each comparison. */
function sortBy(
  list: readonly JsonValue[],
  keyOf: Selector,
  toComparable: (key: JsonValue | undefined) => JsonValue | undefined = (key) => key,
): readonly JsonValue[] {
  return list
    .map((item, i) => ({ item, key: toComparable(keyOf.of(item, i)) }))
    .toSorted((a, b) => compareValues(a.key, b.key))
    .map(({ item }) => item);
}

/** As in Liquid, there is nothing before the beginning, whatever the length. */
function slice(
  input: readonly JsonValue[] | string,
  start: number,
  length: number,
): readonly JsonValue[] | string {
  if (typeof input === "string") return cutCharacters(input, start, length);
  const from = start < 0 ? input.length + start : start;
  return from < 0 ? [] : input.slice(from, from + length);
}

function join(list: readonly JsonValue[], separator: string, cost: Cost): string {
  let joined = "";
  for (const [i, item] of list.entries()) {
    joined += (i === 0 ? "" : separator) + textOf(item, cost);
    checkLength(joined.length);
  }
  cost.text(joined.length);
  return joined;
}

function flatten(list: readonly JsonValue[], levels: number, flat: JsonValue[], cost: Cost): void {
  for (const item of list) {
    cost.visit(1);
    if (isList(item) && levels > 0) flatten(item, levels - 1, flat, cost);
    else flat.push(item);
    checkListLength(flat.length);
  }
}

function groupBy(list: readonly JsonValue[], field: Selector, cost: Cost): readonly JsonObject[] {
  const groups = new Map<string, { readonly name: JsonValue; readonly items: JsonValue[] }>();
  for (const [i, item] of list.entries()) {
    const name = field.of(item, i) ?? null;
    const identity = toIdentity(name, cost);
    const group = groups.get(identity);
    if (group === undefined) groups.set(identity, { name, items: [item] });
    else group.items.push(item);
  }
  // Spread: an interface has no index signature to say that it is JSON.
  return Array.from(groups.values(), (group) => ({ ...group }));
}

function uniq(list: readonly JsonValue[], field: Selector, cost: Cost): readonly JsonValue[] {
  const seen = new Set<string>();
  return list.filter((item, i) => {
    const identity = toIdentity(field.of(item, i), cost);
    return !seen.has(identity) && seen.add(identity);
  });
}

function sizeOf(input: JsonValue | undefined, cost: Cost): number {
  if (input === undefined || input === null) return 0;
  if (isList(input)) return input.length;
  if (isObject(input)) return Object.keys(input).length;
  if (typeof input !== "string")
    throw new TemplateError(`needs a list, a text or an object; its value is ${typeOf(input)}`);
  cost.text(input.length);
  return countCharacters(input);
}

export const ARRAY_FILTERS: readonly Filter[] = [
  defineListFilter("map", "A list of one part of each element: a path, or arithmetic over paths.", {
    params: [valueParam("part")],
    apply: (list, cost, part) => {
      cost.visit(list.length * part.visits);
      return list.map((item, i) => part.of(item, i) ?? null);
    },
  }),
  defineFilter("size", "The number of elements, characters or fields.", { apply: sizeOf }),
  defineListFilter("first", "The first element.", { apply: ([first]) => first }),
  defineListFilter("last", "The last element.", { apply: (list) => list.at(-1) }),
  defineListFilter("join", "The elements as one text. Default separator: a space.", {
    params: [optional(textParam("separator"))],
    apply: (list, cost, separator = " ") => join(list, separator, cost),
  }),
  defineListFilter("reverse", "The elements in the opposite order.", {
    apply: (list) => list.toReversed(),
  }),
  defineListFilter("sort", "Sorted by value or by a field; what is missing comes last.", {
    params: [optional(fieldParam("field"))],
    apply: (list, _, field = ITSELF) => sortBy(list, field),
  }),
  defineListFilter("sort_natural", "Sorted by text, whatever its case.", {
    params: [optional(fieldParam("field"))],
    apply: (list, _, field = ITSELF) =>
      sortBy(list, field, (key) => (typeof key === "string" ? key.toLowerCase() : key)),
  }),
  defineListFilter("uniq", "Without repeated elements, or elements with a repeated field.", {
    params: [optional(fieldParam("field"))],
    apply: (list, cost, field = ITSELF) => uniq(list, field, cost),
  }),
  defineListFilter("compact", "Without null, or without elements whose field is missing or null.", {
    params: [optional(fieldParam("field"))],
    apply: (list, _, field = ITSELF) =>
      list.filter((item, i) => (field.of(item, i) ?? null) !== null),
  }),
  defineListFilter("concat", "Followed by the elements of another list.", {
    params: [listParam("list")],
    apply: (list, cost, other) => {
      cost.visit(other.length);
      checkListLength(list.length + other.length);
      return [...list, ...other];
    },
  }),
  defineFilter(
    "slice",
    "A part of a list or a text, from an index on; a negative one counts from the end. Default length: 1.",
    {
      params: [
        integerParam("start", -MAX_INDEX, MAX_INDEX),
        optional(integerParam("length", 0, MAX_INDEX)),
      ],
      apply: (input, cost, start, length = 1) => {
        if (input === undefined || input === null) return input;
        const whole = isList(input) ? input : textOf(input, cost);
        cost.text(whole.length);
        return slice(whole, start, length);
      },
    },
  ),
  defineListFilter("where", "The elements whose field is true, or equals a value.", {
    params: TEST_PARAMS,
    apply: (list, cost, field, value) => list.filter(toTest(field, value, cost)),
  }),
  defineListFilter("reject", "The elements that `where` leaves out.", {
    params: TEST_PARAMS,
    apply: (list, cost, field, value) => {
      const test = toTest(field, value, cost);
      return list.filter((item, i) => !test(item, i));
    },
  }),
  defineListFilter("find", "The first element that `where` finds.", {
    params: TEST_PARAMS,
    apply: (list, cost, field, value) => list.find(toTest(field, value, cost)),
  }),
  defineListFilter("group_by", "A list of `{ name, items }`, one for each value of a field.", {
    params: [fieldParam("field")],
    apply: (list, cost, field) => groupBy(list, field, cost),
  }),
  defineListFilter("flatten", "Lists inside the list are opened, at every level or at so many.", {
    params: [optional(integerParam("levels", 0, MAX_INDEX))],
    apply: (list, cost, levels = MAX_INDEX) => {
      const flat: JsonValue[] = [];
      flatten(list, levels, flat, cost);
      return flat;
    },
  }),
  defineListFilter("push", "With one more element.", {
    params: [anyParam("element")],
    apply: (list, _, element) => [...list, element],
  }),
];
