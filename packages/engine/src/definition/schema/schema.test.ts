import type { Issue, JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import type { JsonObject } from "../json-shape.ts";
import { Report } from "../report.ts";
import { MAX_SCHEMA_ISSUES, MAX_STRIPPED } from "./checking.ts";
import { compileSchema } from "./compile-schema.ts";
import { pickOutput, type Schema } from "./schema.ts";

function aSchema(value: JsonValue): Schema {
  const report = new Report();
  const schema = compileSchema(value, [], report);
  if (schema === undefined) throw new Error(JSON.stringify(report.errors));
  return schema;
}

function issuesOf(schema: JsonValue, value: JsonValue): readonly Issue[] {
  const result = aSchema(schema).check(value);
  return result.ok ? [] : result.issues;
}

const tell = (issues: readonly Issue[]): readonly string[] =>
  issues.map(({ path, message }) => (path.length > 0 ? `${path.join(".")}: ${message}` : message));

function valueOf(schema: JsonValue, value: JsonValue): JsonValue {
  const result = aSchema(schema).check(value);
  if (!result.ok) throw new Error(JSON.stringify(result.issues));
  return result.value;
}

/** `if`, `then`, `else`; written so, since an object with `then` looks like a promise. */
const choose = (
  ...schemas: readonly [test: JsonValue, yes: JsonValue, no: JsonValue]
): JsonObject =>
  Object.fromEntries(["if", "then", "else"].map((name, i) => [name, schemas[i] ?? true]));

/** Of the example "Create Invoice". */
const CREATE_INVOICE: JsonValue = {
  type: "object",
  required: ["customerId", "amount"],
  properties: {
    customerId: { type: "string", pattern: "^cus_[a-zA-Z0-9]+$" },
    amount: { type: "number", minimum: 100 },
    currency: { type: "string", enum: ["usd", "eur", "gbp"], default: "usd" },
  },
};

/** Of the example "Process Customer Order". */
const PROCESS_ORDER: JsonValue = {
  type: "object",
  required: ["customerId", "items"],
  properties: {
    customerId: { type: "string" },
    items: {
      type: "array",
      items: {
        type: "object",
        properties: {
          productId: { type: "string" },
          quantity: { type: "number", minimum: 1 },
          price: { type: "number", minimum: 0 },
        },
      },
    },
    notes: { type: "string" },
  },
};

/** Schema, value that does not fit, what is said. */
type Row = [JsonValue, JsonValue, readonly string[]];

const MESSAGES: readonly Row[] = [
  [{ required: ["a"] }, {}, ["a: Required"]],
  [{ type: "string" }, 5, ["Expected string, received number"]],
  [{ type: "number" }, "x", ["Expected number, received string"]],
  [{ type: "integer" }, 1.5, ["Expected integer, received number"]],
  [{ type: "boolean" }, null, ["Expected boolean, received null"]],
  [{ type: "object" }, [], ["Expected object, received array"]],
  [{ type: "array" }, {}, ["Expected array, received object"]],
  [{ type: "null" }, false, ["Expected null, received boolean"]],
  [{ type: ["string", "null"] }, 5, ["Expected string or null, received number"]],
  [{ type: "string", minLength: 3, enum: ["abc"] }, 5, ["Expected string, received number"]],
  [false, 5, ["Not allowed"]],
  [{ enum: ["a", 1, null, { b: 1 }] }, "b", ["Invalid enum value"]],
  [{ enum: [{ a: 1 }] }, { a: 2 }, ["Invalid enum value"]],
  [{ const: "card" }, "cash", ['Invalid literal value, expected "card"']],
  [{ const: { a: [1] } }, { a: [2] }, ["Invalid literal value, expected object"]],
  [{ pattern: "^a+$" }, "b", ["Invalid"]],
  [{ minimum: 100 }, 99.99, ["Number must be greater than or equal to 100"]],
  [{ maximum: 1e21 }, 2e21, ["Number must be less than or equal to 1000000000000000000000"]],
  [{ exclusiveMinimum: 0 }, 0, ["Number must be greater than 0"]],
  [{ exclusiveMaximum: 1.5 }, 1.5, ["Number must be less than 1.5"]],
  [{ multipleOf: 5 }, 7, ["Number must be a multiple of 5"]],
  [{ multipleOf: 0.01 }, 1.005, ["Number must be a multiple of 0.01"]],
  [{ minLength: 3 }, "ab", ["String must contain at least 3 character(s)"]],
  [{ maxLength: 1 }, "ab", ["String must contain at most 1 character(s)"]],
  [{ minItems: 1 }, [], ["Array must contain at least 1 element(s)"]],
  [{ maxItems: 1 }, [1, 2], ["Array must contain at most 1 element(s)"]],
  [
    { uniqueItems: true },
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    ["Array elements must be unique"],
  ],
  [{ contains: { const: 1 } }, [2], ["Array must contain at least 1 matching element(s)"]],
  [
    { contains: { const: 1 }, minContains: 2 },
    [1],
    ["Array must contain at least 2 matching element(s)"],
  ],
  [
    { contains: { const: 1 }, maxContains: 1 },
    [1, 1],
    ["Array must contain at most 1 matching element(s)"],
  ],
  [{ prefixItems: [true], items: false }, [1, 2], ["Array must contain at most 1 element(s)"]],
  [
    { prefixItems: [{ type: "string" }], items: { type: "number" } },
    [1, "2"],
    ["0: Expected string, received number", "1: Expected number, received string"],
  ],
  [{ minProperties: 1 }, {}, ["Object must contain at least 1 field(s)"]],
  [{ maxProperties: 1 }, { a: 1, b: 2 }, ["Object must contain at most 1 field(s)"]],
  [{ propertyNames: { pattern: "^[a-z]+$" } }, { A: 1 }, ["A: Invalid field name"]],
  [
    { patternProperties: { "^x": { type: "string" } } },
    { x1: 1, y: 1 },
    ["x1: Expected string, received number"],
  ],
  [
    { properties: { a: true }, additionalProperties: { type: "string" } },
    { a: 1, b: 1 },
    ["b: Expected string, received number"],
  ],
  [{ dependentRequired: { card: ["cvc"] } }, { card: 1 }, ["cvc: Required"]],
  [{ dependentSchemas: { card: { required: ["cvc"] } } }, { card: 1 }, ["cvc: Required"]],
  [{ properties: { a: false } }, { a: 1 }, ["a: Not allowed"]],
  [{ allOf: [{ required: ["a"] }, { required: ["b"] }] }, {}, ["a: Required", "b: Required"]],
  [
    { anyOf: [{ type: "string" }, { type: "number" }] },
    true,
    ["Expected string or number, received boolean"],
  ],
  [
    { anyOf: [{ $ref: "#/$defs/a" }, { type: "null" }], $defs: { a: { type: "integer" } } },
    "x",
    ["Expected integer or null, received string"],
  ],
  [{ anyOf: [{ required: ["a"] }, { required: ["b"] }] }, {}, ["Invalid input"]],
  [{ anyOf: [{ type: "null" }, { type: "object", required: ["a"] }] }, {}, ["a: Required"]],
  [{ oneOf: [{ type: "null" }, { minimum: 3 }] }, 2, ["Number must be greater than or equal to 3"]],
  [{ oneOf: [{ minimum: 1 }, { minimum: 2 }] }, 3, ["Invalid input"]],
  [{ not: { type: "null" } }, null, ["Invalid input"]],
  [
    choose({ required: ["a"] }, { required: ["b"] }, { required: ["c"] }),
    { a: 1 },
    ["b: Required"],
  ],
  [choose({ required: ["a"] }, { required: ["b"] }, { required: ["c"] }), {}, ["c: Required"]],
  [
    { properties: { a: { items: { properties: { b: { type: "string" } } } } } },
    { a: [{}, { b: 1 }] },
    ["a.1.b: Expected string, received number"],
  ],
];

/** Schema, value that fits. */
const FITS: readonly (readonly [JsonValue, JsonValue])[] = [
  [true, null],
  [{ type: "integer" }, 5],
  [{ type: "number" }, 5],
  [{ type: ["integer", "string"] }, 5],
  [{ minimum: 100 }, 100],
  [{ minimum: 100 }, "text"],
  [{ exclusiveMaximum: 1 }, 0.999],
  [{ multipleOf: 0.1 }, 0.3],
  [{ multipleOf: 1e-7 }, 0.0000003],
  [{ multipleOf: 5e-324 }, 1e308],
  [{ minLength: 2, maxLength: 2 }, "🙂🙂"],
  [{ maxLength: 3 }, "\ud83d\ud83d\ude42"],
  [{ enum: [{ a: 1, b: [2] }] }, { b: [2], a: 1 }],
  [{ const: null }, null],
  [{ uniqueItems: true }, [1, "1", true, [1], { a: 1 }, ["1"]]],
  [{ uniqueItems: false }, [1, 1]],
  [{ contains: { const: 1 }, minContains: 0 }, []],
  [{ pattern: "\\u00e9" }, "é"],
  [{ pattern: "b" }, "abc"],
  [{ prefixItems: [{ type: "string" }] }, ["a", 1]],
  [{ propertyNames: { maxLength: 2 } }, { ab: 1 }],
  [{ patternProperties: { "^x": true }, additionalProperties: { type: "string" } }, { x: 1 }],
  [{ dependentRequired: { card: ["cvc"] } }, { cash: 1 }],
  [{ oneOf: [{ type: "string" }, { type: "null" }] }, null],
  [{ not: { required: ["a"] } }, {}],
  [choose({ type: "string" }, { minLength: 1 }, true), 5],
];

const FORMATS: readonly (readonly [format: string, good: string, bad: string])[] = [
  ["date-time", "2024-01-15T10:00:00.000Z", "2024-01-15 at ten"],
  ["date", "2024-02-29", "2023-02-29"],
  ["time", "10:00:00Z", "25:00:00Z"],
  ["duration", "P1DT2H", "1 day"],
  ["email", "ada@example.com", "ada@"],
  ["hostname", "www.example.com", "-example"],
  ["ipv4", "192.0.2.1", "192.0.2.256"],
  ["ipv6", "2001:db8::1", "2001:db8::g"],
  ["uri", "https://example.com/a?b=c", "example"],
  ["uri-reference", "/a/b", "a b"],
  ["uuid", "6f9619ff-8b86-d011-b42d-00cf4fc964ff", "6f9619ff"],
  ["json-pointer", "/a/0", "a"],
];

describe("a schema", () => {
  test.each(MESSAGES)("%j refuses %j", (schema, value, said) => {
    expect(tell(issuesOf(schema, value))).toEqual(said);
  });

  test.each(FITS)("%j takes %j as it is", (schema, value) => {
    const result = aSchema(schema).check(value);
    expect(result).toEqual({ ok: true, value, stripped: [] });
    expect(result.ok && result.value).toBe(value);
  });

  test.each(FORMATS)("checks the format %s", (format, good, bad) => {
    expect(issuesOf({ format }, good)).toEqual([]);
    expect(issuesOf({ format }, 5)).toEqual([]);
    expect(tell(issuesOf({ format }, bad))).toEqual([`Invalid ${format}`]);
  });

  test("says what is right where a message does not", () => {
    expect(issuesOf({ enum: ["usd", "eur"] }, "yen")[0]?.hint).toBe('one of "usd", "eur"');
    expect(issuesOf({ pattern: "^a$" }, "b")[0]?.hint).toBe("must match ^a$");
    expect(issuesOf({ type: "number" }, "100")[0]?.hint).toBe("send it without quotes");
    expect(issuesOf({ type: "string" }, 100)[0]?.hint).toBeUndefined();
    expect(issuesOf({ type: "number" }, "true")[0]?.hint).toBeUndefined();
    expect(issuesOf({ oneOf: [{ minimum: 1 }, { minimum: 2 }] }, 3)[0]?.hint).toBe(
      "fits several alternatives (1, 2); one is allowed",
    );
    expect(
      issuesOf(
        { anyOf: [{ required: ["a"] }, { properties: { b: { type: "null" } } }] },
        { b: 1 },
      )[0]?.hint,
    ).toBe("fits no alternative (a: Required; b: Expected null, received number)");
  });

  test("shows a long enum in part", () => {
    const values = Array.from({ length: 30 }, (_, i) => i);
    expect(issuesOf({ enum: values }, "x")[0]?.hint).toMatch(/18, 19, … \(30 in all\)$/);
  });

  test("lists mistakes in the order of the schema, not of the value", () => {
    const schema = {
      properties: { b: { type: "string" }, a: { maximum: 5, multipleOf: 2 }, c: true },
      required: ["z", "c"],
      minProperties: 9,
    };
    expect(tell(issuesOf(schema, { a: 7, b: 1 }))).toEqual([
      "b: Expected string, received number",
      "a: Number must be less than or equal to 5",
      "a: Number must be a multiple of 2",
      "c: Required",
      "z: Required",
      "Object must contain at least 9 field(s)",
    ]);
  });

  test("lists at most a hundred mistakes, and looks for no more", () => {
    const value = Array.from({ length: 100_000 }, () => "x");
    expect(issuesOf({ items: { type: "number" } }, value)).toHaveLength(MAX_SCHEMA_ISSUES);
  });
});

describe("the schema of Create Invoice", () => {
  test("says that both fields are missing, in the words of the seed", () => {
    expect(aSchema(CREATE_INVOICE).check({})).toEqual({
      ok: false,
      issues: [
        { path: ["customerId"], message: "Required" },
        { path: ["amount"], message: "Required" },
      ],
    });
  });

  test.each([100, 9_900])("takes %i, and fills in the currency", (amount) => {
    const input = { customerId: "cus_1", amount };
    expect(aSchema(CREATE_INVOICE).check(input)).toEqual({
      ok: true,
      value: { ...input, currency: "usd" },
      stripped: [],
    });
    expect(Object.keys(input)).toEqual(["customerId", "amount"]);
  });

  test("collects what is wrong with every field", () => {
    const input = { customerId: "customer 1", amount: 99, currency: "yen" };
    expect(tell(issuesOf(CREATE_INVOICE, input))).toEqual([
      "customerId: Invalid",
      "amount: Number must be greater than or equal to 100",
      "currency: Invalid enum value",
    ]);
  });

  test("converts nothing", () => {
    expect(tell(issuesOf(CREATE_INVOICE, { customerId: 5, amount: "100" }))).toEqual([
      "customerId: Expected string, received number",
      "amount: Expected number, received string",
    ]);
  });
});

describe("the schema of Process Customer Order", () => {
  test("keeps a field that it does not describe", () => {
    const input = {
      customerId: "cus_1",
      customerEmail: "ada@example.com",
      items: [{ productId: "p1", quantity: 2, price: 1999, colour: "blue" }],
    };
    expect(valueOf(PROCESS_ORDER, input)).toBe(input);
  });

  test("names the element whose field is wrong", () => {
    const items = [{ quantity: 1 }, { quantity: 0, price: -1 }];
    expect(tell(issuesOf(PROCESS_ORDER, { customerId: "cus_1", items }))).toEqual([
      "items.1.quantity: Number must be greater than or equal to 1",
      "items.1.price: Number must be greater than or equal to 0",
    ]);
  });
});

describe("defaults", () => {
  test("fill missing fields of objects that are there, at any depth", () => {
    const schema = {
      properties: {
        items: { items: { properties: { quantity: { default: 1 } } } },
        address: { properties: { country: { default: "NL" } } },
      },
    };
    expect(valueOf(schema, { items: [{}, { quantity: 2 }], address: {} })).toEqual({
      items: [{ quantity: 1 }, { quantity: 2 }],
      address: { country: "NL" },
    });
    expect(valueOf(schema, {})).toEqual({});
  });

  test("bring the defaults below them", () => {
    const schema = {
      properties: { address: { default: {}, properties: { country: { default: "NL" } } } },
    };
    expect(valueOf(schema, {})).toEqual({ address: { country: "NL" } });
  });

  test("come before anything asks for the field", () => {
    const schema = {
      required: ["a"],
      minProperties: 1,
      if: { required: ["a"] },
      else: false,
      properties: { a: { default: 1 } },
      dependentRequired: { b: ["a"] },
    };
    expect(valueOf(schema, { b: 1 })).toEqual({ a: 1, b: 1 });
  });

  test("do not replace null", () => {
    expect(valueOf({ properties: { a: { default: 1 } } }, { a: null })).toEqual({ a: null });
  });

  test("are found through a reference, and the nearer one counts", () => {
    const schema = {
      properties: { a: { $ref: "#/$defs/n" }, b: { $ref: "#/$defs/n", default: 2 } },
      $defs: { n: { default: 1 } },
    };
    expect(valueOf(schema, {})).toEqual({ a: 1, b: 2 });
  });

  test("come from the alternative that fits, and from no other", () => {
    const branch = (kind: string, name: string): JsonValue => ({
      properties: { kind: { const: kind }, [name]: { default: 1 } },
    });
    for (const word of ["anyOf", "oneOf"]) {
      const schema = { [word]: [branch("a", "x"), branch("b", "y")] };
      expect(valueOf(schema, { kind: "b" })).toEqual({ kind: "b", y: 1 });
    }
  });

  test("of all schemas that apply add up", () => {
    const schema = {
      properties: { a: { default: 1 } },
      allOf: [{ properties: { b: { default: 2 } } }, { required: ["b"] }],
      ...choose(true, { properties: { c: { default: 3 } } }, true),
    };
    expect(valueOf(schema, {})).toEqual({ a: 1, b: 2, c: 3 });
  });

  test("do not help a value to fit a question", () => {
    const schema = { not: { required: ["a"], properties: { a: { default: 1 } } } };
    expect(valueOf(schema, {})).toEqual({});
  });

  test("are not checked again when they are filled in", () => {
    expect(valueOf({ properties: { a: { type: "number", default: "1" } } }, {})).toEqual({
      a: "1",
    });
  });

  test("of alternatives that do not fit do not count", () => {
    const large = { properties: { a: { default: "x".repeat(10_000) } }, required: ["b"] };
    const value = Array.from({ length: 10_000 }, () => ({}));
    expect(valueOf({ items: { anyOf: [large, true] } }, value)).toBe(value);
  });

  test("stop before they fill the memory", () => {
    const schema = { items: { properties: { a: { default: "x".repeat(10_000) } } } };
    const value = Array.from({ length: 10_000 }, () => ({}));
    expect(tell(issuesOf(schema, value))).toEqual([
      "Grows by more than 16777216 characters of defaults",
    ]);
  });
});

describe("additionalProperties: false", () => {
  const CLOSED: JsonValue = {
    properties: { a: true, list: { items: { additionalProperties: false } } },
    patternProperties: { "^x-": true },
    additionalProperties: false,
  };

  test("leaves unknown fields out, and names them", () => {
    const value = { a: 1, b: 2, "x-c": 3, list: [{ d: 4 }, {}] };
    expect(aSchema(CLOSED).check(value)).toEqual({
      ok: true,
      value: { a: 1, "x-c": 3, list: [{}, {}] },
      stripped: [["list", 0, "d"], ["b"]],
    });
    expect(value).toEqual({ a: 1, b: 2, "x-c": 3, list: [{ d: 4 }, {}] });
  });

  test("names at most a hundred fields", () => {
    const value = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`f${i}`, i]));
    const result = aSchema(CLOSED).check(value);
    expect(result).toMatchObject({ ok: true, value: {} });
    expect(result.ok && result.stripped).toHaveLength(MAX_STRIPPED);
  });

  test("lets the alternative win that leaves nothing out", () => {
    const only = (...names: string[]): JsonValue => ({
      required: names.slice(0, 1),
      properties: Object.fromEntries(names.map((name) => [name, true])),
      additionalProperties: false,
    });
    for (const word of ["anyOf", "oneOf"]) {
      const schema = aSchema({ [word]: [only("a"), only("a", "b")] });
      expect(schema.check({ a: 1, b: 2 })).toEqual({
        ok: true,
        value: { a: 1, b: 2 },
        stripped: [],
      });
    }
    expect(aSchema({ anyOf: [only("a"), only("b")] }).check({ b: 2, c: 3 })).toEqual({
      ok: true,
      value: { b: 2 },
      stripped: [["c"]],
    });
  });

  test("is a condition where only yes or no is asked", () => {
    const schema = { if: { properties: { a: true }, additionalProperties: false }, else: false };
    expect(issuesOf(schema, { a: 1 })).toEqual([]);
    expect(tell(issuesOf(schema, { a: 1, b: 1 }))).toEqual(["Not allowed"]);
  });
});

describe("names of the language", () => {
  const parse = (text: string): JsonValue => JSON.parse(text) as JsonValue;

  test("are ordinary names of fields", () => {
    const schema = parse(`{
      "properties": { "__proto__": { "type": "object", "properties": { "a": { "default": 1 } } },
        "constructor": { "type": "string" } },
      "required": ["__proto__", "toString"]
    }`);
    expect(tell(issuesOf(schema, {}))).toEqual(["__proto__: Required", "toString: Required"]);
    expect(
      tell(issuesOf(schema, parse('{ "__proto__": 1, "constructor": 2, "toString": 3 }'))),
    ).toEqual([
      "__proto__: Expected object, received number",
      "constructor: Expected string, received number",
    ]);
    const filled = valueOf(schema, parse('{ "__proto__": {}, "toString": 3 }'));
    expect(JSON.stringify(filled)).toBe('{"__proto__":{"a":1},"toString":3}');
    expect(Object.getPrototypeOf(filled)).toBe(Object.prototype);
  });

  test("are filled in and left out like others", () => {
    const schema = parse(`{
      "properties": { "__proto__": { "default": { "a": 1 } }, "b": true }, "additionalProperties": false
    }`);
    const result = aSchema(schema).check(
      parse('{ "b": 1, "constructor": 2, "hasOwnProperty": 3 }'),
    );
    expect(JSON.stringify(result)).toBe(
      '{"ok":true,"value":{"b":1,"__proto__":{"a":1}},"stripped":[["constructor"],["hasOwnProperty"]]}',
    );
  });

  test("are not fields that nobody sent", () => {
    expect(issuesOf({ properties: { constructor: { type: "string" } } }, {})).toEqual([]);
    expect(issuesOf({ dependentRequired: { toString: ["a"] } }, {})).toEqual([]);
  });
});

describe("a hostile schema or value", () => {
  const LIMIT = "Takes too much work to be checked";

  test("does not make a pattern take more than linear time", () => {
    const text = `${"a".repeat(100_000)}!`;
    expect(tell(issuesOf({ pattern: "(a+)+$" }, text))).toEqual(["Invalid"]);
    expect(tell(issuesOf({ patternProperties: { "^(a|a)*$": false } }, { [text]: 1 }))).toEqual([]);
  });

  test.each(FORMATS)("does not make the format %s take more than linear time", (format, good) => {
    for (const part of [good, "a", "1", ":", "/", "@", "%41", "a-", "1.", "::"]) {
      const text = part.repeat(100_000 / part.length);
      expect(issuesOf({ format }, `${text}\n`)).toEqual(expect.any(Array));
    }
  });

  test("is stopped when large patterns meet long texts", () => {
    expect(tell(issuesOf({ pattern: "^(a|b)*a(a|b){900}$" }, "ab".repeat(100_000)))).toEqual([
      LIMIT,
    ]);
  });

  test("is stopped when alternatives multiply", () => {
    const link = (i: number): [string, JsonValue] => [
      `s${i}`,
      { anyOf: [{ $ref: `#/$defs/s${i + 1}` }, { $ref: `#/$defs/s${i + 1}` }] },
    ];
    const $defs = {
      ...Object.fromEntries(Array.from({ length: 60 }, (_, i) => link(i))),
      s60: false,
    };
    expect(tell(issuesOf({ $ref: "#/$defs/s0", $defs }, 1))).toEqual([LIMIT]);
    // A question that cannot be answered is not answered with yes.
    expect(tell(issuesOf({ not: { $ref: "#/$defs/s0" }, $defs }, 1))).toEqual([LIMIT]);
  });

  const nest = (depth: number): JsonValue => (depth === 0 ? {} : { c: nest(depth - 1) });

  test("may be as deep as JSON may be", () => {
    const schema = {
      properties: { c: { anyOf: [{ type: "null" }, { $ref: "#" }] } },
      patternProperties: { "^d": { $ref: "#" } },
      additionalProperties: false,
    };
    expect(issuesOf(schema, nest(255))).toEqual([]);
    expect(tell(issuesOf({ ...schema, required: ["c"] }, nest(255)))).toHaveLength(1);
  });

  test("is stopped before the stack is full", () => {
    const wrap = (word: string, levels: number): JsonValue =>
      levels === 0 ? { $ref: "#" } : { [word]: [wrap(word, levels - 1)] };
    for (const word of ["allOf", "anyOf", "oneOf"]) {
      const schema = { properties: { c: wrap(word, 100) } };
      expect(tell(issuesOf(schema, nest(255)))).toEqual(["Is nested too deeply to be checked"]);
    }
  });
});

describe("pickOutput", () => {
  const schema = aSchema({
    $ref: "#/$defs/result",
    properties: { invoiceId: true, __proto__: true },
    $defs: { result: { properties: { status: { type: "string" } } } },
  });

  test("takes the fields that the schema describes, and lets the schema judge them", () => {
    const output = { id: 1, status: 5, invoiceId: "inv_1", constructor: 1 };
    expect(pickOutput(schema, output)).toEqual({ invoiceId: "inv_1", status: 5 });
  });

  test("does not invent fields", () => {
    expect(pickOutput(schema, { id: 1 })).toEqual({});
  });

  test.each([[null], [5], ["text"], [[1, 2]]])("leaves %j as it is", (output) => {
    expect(pickOutput(schema, output)).toBe(output);
  });

  test("leaves the output as it is for a schema that describes no fields", () => {
    const output = { id: 1 };
    expect(pickOutput(aSchema({ type: "object" }), output)).toBe(output);
  });
});
