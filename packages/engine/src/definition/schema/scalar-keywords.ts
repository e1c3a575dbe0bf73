// Keywords about a value as a whole, about numbers and about texts.
import { Big } from "big.js";
import type { JsonValue } from "@millrace/protocol";
import { didYouMean } from "../did-you-mean.ts";
import { describeValue, isList, show } from "../json-shape.ts";
import { toPlainNumber } from "../plain-number.ts";
import { toCanonicalText } from "./canonical.ts";
import { FORMATS } from "./formats.ts";
import type { Keyword } from "./schema-node.ts";
import { ANY_COUNT, ANY_NUMBER, type KeywordReader, type Subschema } from "./subschema.ts";
import { toTypeSet, TYPE_NAMES, type TypeName } from "./value-type.ts";

/** Sets the types of the node, which looks at them itself. */
export const readType: KeywordReader = (schema) => {
  const given = schema.fields.value("type");
  const list = isList(given) ? given : [given ?? null];
  const names: TypeName[] = [];
  for (const [i, name] of list.entries()) {
    const found = TYPE_NAMES.find((known) => known === name);
    if (found !== undefined) names.push(found);
    else refuseTypeName(schema, name, isList(given) ? i : undefined);
  }
  if (list.length === 0) schema.error(["type"], "Must have at least one type");
  if (names.length > 0) schema.node.types = toTypeSet(names);
  return undefined;
};

function refuseTypeName(schema: Subschema, name: JsonValue, index: number | undefined): void {
  const all = `one of ${TYPE_NAMES.join(", ")}`;
  if (typeof name !== "string") {
    schema.error(["type"], `Expected string, received ${describeValue(name)}`, all);
    return;
  }
  const hint = (): string => didYouMean(name, TYPE_NAMES)() ?? all;
  const at = index === undefined ? (["type"] as const) : (["type", index] as const);
  schema.error(at, `Unknown type ${show(name)}`, hint);
}

const MOST_LISTED = 20;

export const readEnum: KeywordReader = (schema) => {
  const values = schema.fields.list("enum");
  if (values === undefined) return undefined;
  if (values.length === 0) schema.error(["enum"], "Must have at least one value");
  const listed = values.slice(0, MOST_LISTED).map(show).join(", ");
  const more = values.length > MOST_LISTED ? `, … (${values.length} in all)` : "";
  return isAmong(values, "Invalid enum value", `one of ${listed}${more}`);
};

export const readConst: KeywordReader = (schema) => {
  const value = schema.fields.value("const");
  if (value === undefined) return undefined;
  const hint = typeof value === "object" && value !== null ? "as the schema has it" : undefined;
  return isAmong([value], `Invalid literal value, expected ${show(value)}`, hint);
};

function isAmong(values: readonly JsonValue[], message: string, hint: string | undefined): Keyword {
  const simple = new Set(values.filter((value) => !isNested(value)));
  const nested = new Set(values.filter(isNested).map(toCanonicalText));
  return (value, checking) => {
    const isFound = isNested(value)
      ? nested.size > 0 && nested.has(toCanonicalText(value))
      : simple.has(value);
    if (!isFound) checking.fail(message, () => hint);
    return value;
  };
}

const isNested = (value: JsonValue): boolean => typeof value === "object" && value !== null;

type Comparison = (value: number, limit: number) => boolean;

/** @param message what a number must be, before the limit */
const toNumberReader =
  (message: string, holds: Comparison): KeywordReader =>
  (schema, name) => {
    const limit = schema.fields.number(name, ANY_NUMBER);
    if (limit === undefined) return undefined;
    const text = `Number must be ${message} ${toPlainNumber(limit)}`;
    return (value, checking) => {
      if (typeof value === "number" && !holds(value, limit)) checking.fail(text);
      return value;
    };
  };

export const readMinimum: KeywordReader = toNumberReader(
  "greater than or equal to",
  (value, limit) => value >= limit,
);
export const readMaximum: KeywordReader = toNumberReader(
  "less than or equal to",
  (value, limit) => value <= limit,
);
export const readExclusiveMinimum: KeywordReader = toNumberReader(
  "greater than",
  (value, limit) => value > limit,
);
export const readExclusiveMaximum: KeywordReader = toNumberReader(
  "less than",
  (value, limit) => value < limit,
);

export const readMultipleOf: KeywordReader = (schema, name) => {
  const step = schema.fields.number("multipleOf", ANY_NUMBER);
  if (step !== undefined && step <= 0) {
    schema.error(["multipleOf"], `Must be greater than 0, received ${step}`);
    return undefined;
  }
  return toNumberReader("a multiple of", isMultiple)(schema, name);
};

/** In decimal digits, as people write them: 0.3 is a multiple of 0.1. */
function isMultiple(value: number, step: number): boolean {
  if (Number.isSafeInteger(value) && Number.isSafeInteger(step)) return value % step === 0;
  return new Big(value).mod(step).eq(0);
}

/** @param unit "String", "Array", "Object" and what they contain */
export const toCountReader =
  (
    [whole, part]: readonly [whole: string, part: string],
    limit: "least" | "most",
    countIn: (value: JsonValue) => number | undefined,
  ): KeywordReader =>
  (schema, name) => {
    const wanted = schema.fields.number(name, ANY_COUNT);
    if (wanted === undefined) return undefined;
    const message = `${whole} must contain at ${limit} ${wanted} ${part}(s)`;
    return (value, checking) => {
      const count = countIn(value);
      if (count === undefined) return value;
      if (limit === "least" ? count < wanted : count > wanted) checking.fail(message);
      return value;
    };
  };

/** In characters, not in UTF-16 units: an emoji is one. */
function countCharacters(value: JsonValue): number | undefined {
  if (typeof value !== "string") return undefined;
  let count = value.length;
  for (let i = 0; i < value.length - 1; i++) {
    // A high surrogate and a low one after it are one character.
    if ((value.charCodeAt(i) & 0xfc00) !== 0xd800) continue;
    if ((value.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      count--;
      i++;
    }
  }
  return count;
}

const TEXT = ["String", "character"] as const;
export const readMinLength: KeywordReader = toCountReader(TEXT, "least", countCharacters);
export const readMaxLength: KeywordReader = toCountReader(TEXT, "most", countCharacters);

const LONGEST_SHOWN = 200;

export const readPattern: KeywordReader = (schema) => {
  const source = schema.fields.text("pattern");
  const pattern = source === undefined ? undefined : schema.pattern(source, "pattern");
  if (pattern === undefined) return undefined;
  const shown = pattern.source.length > LONGEST_SHOWN ? "the pattern" : pattern.source;
  return (value, checking) => {
    if (typeof value !== "string") return value;
    checking.spend(value.length * pattern.workPerCharacter);
    if (!checking.isOver && !pattern.test(value))
      checking.fail("Invalid", () => `must match ${shown}`);
    return value;
  };
};

/** Characters of text that cost as much as a look at a value. */
const FORMAT_CHARACTERS = 4;

export const readFormat: KeywordReader = (schema) => {
  const name = schema.fields.text("format");
  if (name === undefined) return undefined;
  const test = FORMATS.get(name);
  if (test === undefined) {
    const known = Array.from(FORMATS.keys());
    const hint = (): string => didYouMean(name, known)() ?? `checked are ${known.join(", ")}`;
    schema.warn(["format"], `The format ${show(name)} is not checked`, hint);
    return undefined;
  }
  return (value, checking) => {
    if (typeof value !== "string") return value;
    checking.spend(value.length / FORMAT_CHARACTERS);
    if (!checking.isOver && !test(value)) checking.fail(`Invalid ${name}`);
    return value;
  };
};
