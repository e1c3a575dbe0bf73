// Our verdict against that of another interpreter, on whatever both know.
import { Validator } from "@cfworker/json-schema";
import type { JsonValue } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Report } from "../report.ts";
import { compileSchema } from "./compile-schema.ts";
import type { Schema } from "./schema.ts";

const NAMES = ["a", "b", "__proto__", "constructor"];
const aName = fc.constantFrom(...NAMES);
const aScalar = fc.constantFrom<JsonValue>(
  null,
  true,
  false,
  0,
  1,
  1.5,
  -3,
  10,
  "",
  "a",
  "ab",
  "🙂",
);

const toObject = (fields: readonly (readonly [string, JsonValue])[]): JsonValue =>
  Object.fromEntries(fields);
const mapOf = (value: fc.Arbitrary<JsonValue>): fc.Arbitrary<JsonValue> =>
  fc.array(fc.tuple(aName, value), { maxLength: 3 }).map(toObject);

const aValue = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    aScalar,
    fc.array(tie("value"), { maxLength: 4 }),
    mapOf(tie("value")),
  ),
})).value;

const aCount = fc.integer({ min: 0, max: 3 });
const aNumber = fc.constantFrom(-3, 0, 0.5, 1, 1.5, 10);
const aType = fc.constantFrom("string", "number", "integer", "boolean", "object", "array", "null");

/** @param isClosed whether `additionalProperties` may be false */
const schemasOf = (isClosed: boolean): fc.Arbitrary<JsonValue> =>
  fc.letrec<{ schema: JsonValue; object: JsonValue }>((tie) => {
    const sub = tie("schema");
    const list = fc.array(sub, { minLength: 1, maxLength: 3 });
    const names = fc.uniqueArray(aName, { maxLength: 3 });
    // A reference stands below a field or an element, so that it always comes to an end.
    const below = fc.oneof(
      { weight: 5, arbitrary: sub },
      { weight: 1, arbitrary: fc.constant({ $ref: "#/$defs/s" }) },
    );
    const keywords = {
      type: fc.oneof(aType, fc.uniqueArray(aType, { minLength: 1, maxLength: 3 })),
      enum: fc.array(aValue, { minLength: 1, maxLength: 3 }),
      const: aValue,
      minimum: aNumber,
      maximum: aNumber,
      exclusiveMinimum: aNumber,
      exclusiveMaximum: aNumber,
      multipleOf: fc.constantFrom(0.5, 1, 3),
      minLength: aCount,
      maxLength: aCount,
      pattern: fc.constantFrom("^a", "b$", "^.$", "[^a]"),
      minItems: aCount,
      maxItems: aCount,
      uniqueItems: fc.boolean(),
      items: below,
      prefixItems: fc.array(below, { minLength: 1, maxLength: 2 }),
      contains: sub,
      minContains: aCount,
      maxContains: aCount,
      properties: mapOf(below),
      patternProperties: fc
        .array(fc.tuple(fc.constantFrom("^a", "o"), below), { maxLength: 2 })
        .map(toObject),
      additionalProperties: fc.oneof(
        fc.constant<JsonValue>(!isClosed),
        fc.record<JsonValue>({ not: sub }),
      ),
      required: names,
      minProperties: aCount,
      maxProperties: aCount,
      propertyNames: sub,
      dependentRequired: mapOf(names),
      dependentSchemas: mapOf(sub),
      allOf: list,
      anyOf: list,
      oneOf: list,
      not: sub,
      if: sub,
      else: sub,
    };
    // A field of this name would make an object a promise to the language.
    const pairs = [...Object.entries(keywords), ["then", sub] as const].map(([name, value]) =>
      fc.tuple(fc.constant(name), value as fc.Arbitrary<JsonValue>),
    );
    return {
      object: fc.array(fc.oneof(...pairs), { maxLength: 4 }).map(toObject),
      schema: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.constantFrom<JsonValue>(true, {}, { type: "string" }, false),
        tie("object"),
      ),
    };
  }).object;

function withDefinition(schema: JsonValue, definition: JsonValue): JsonValue {
  return { allOf: [schema], $defs: { s: definition } };
}

function compile(schema: JsonValue): Schema {
  const report = new Report();
  const compiled = compileSchema(schema, [], report);
  if (compiled === undefined) throw new Error(JSON.stringify(report.errors));
  return compiled;
}

function isValidElsewhere(schema: JsonValue, value: JsonValue): boolean {
  // It writes into the schema that it is given.
  const copy = JSON.parse(JSON.stringify(schema)) as ConstructorParameters<typeof Validator>[0];
  return new Validator(copy, "2020-12", false).validate(value).valid;
}

const RUNS = { numRuns: 3_000 };

describe("any schema and any value", () => {
  test("agree with another interpreter, and leave the value as it is", () => {
    const open = schemasOf(false);
    fc.assert(
      fc.property(open, open, aValue, (schema, definition, value) => {
        const whole = withDefinition(schema, definition);
        const before = JSON.stringify(value);
        const result = compile(whole).check(value);
        expect(result.ok).toBe(isValidElsewhere(whole, value));
        expect(JSON.stringify(value)).toBe(before);
        expect(result.ok ? result.value : value).toBe(value);
        expect(result.ok || result.issues.length > 0).toBe(true);
      }),
      RUNS,
    );
  });

  test("agree on closed objects where only yes or no is asked", () => {
    const closed = schemasOf(true);
    fc.assert(
      fc.property(closed, closed, aValue, (schema, definition, value) => {
        const question = withDefinition({ not: schema }, definition);
        expect(compile(question).check(value).ok).toBe(isValidElsewhere(question, value));
      }),
      RUNS,
    );
  });

  test("give a value that the schema then takes as it is", () => {
    const anObjectSchema = fc.letrec<{ schema: JsonValue }>((tie) => ({
      schema: fc.oneof(
        { depthSize: "small" },
        fc.record({ default: aScalar }),
        fc.record({
          type: fc.constant("object"),
          properties: mapOf(tie("schema")),
          additionalProperties: fc.boolean(),
          default: fc.constant({}),
        }),
        fc.record({ items: tie("schema") }),
      ),
    })).schema;
    fc.assert(
      fc.property(anObjectSchema, aValue, (schema, value) => {
        const compiled = compile(schema);
        const first = compiled.check(value);
        if (!first.ok) return;
        expect(compiled.check(first.value)).toEqual({ ok: true, value: first.value, stripped: [] });
      }),
      RUNS,
    );
  });

  test("any JSON at all as a schema is a schema or a list of mistakes", () => {
    const words = [
      "type",
      "properties",
      "items",
      "$ref",
      "$defs",
      "pattern",
      "required",
      "anyOf",
      "if",
      "default",
      "enum",
    ];
    const junk = fc.letrec<{ value: JsonValue }>((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        fc.constantFrom<JsonValue>("#", "#/$defs/a", "object", "(", "a", 1, -1, null, true),
        fc.array(tie("value"), { maxLength: 3 }),
        fc
          .array(fc.tuple(fc.constantFrom(...words, "a"), tie("value")), { maxLength: 4 })
          .map(toObject),
      ),
    })).value;
    fc.assert(
      fc.property(junk, aValue, (schema, value) => {
        const report = new Report();
        const compiled = compileSchema(schema, [], report);
        expect(compiled === undefined).toBe(!report.isClean);
        compiled?.check(value);
      }),
      RUNS,
    );
  });
});
