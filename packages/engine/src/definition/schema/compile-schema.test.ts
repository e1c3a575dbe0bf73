import type { Issue, JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { FieldReader } from "../field-reader.ts";
import { Report } from "../report.ts";
import { compileSchema } from "./compile-schema.ts";
import { readSchema } from "./read-schemas.ts";

const AT = ["inputSchema"] as const;

function compile(value: JsonValue): {
  readonly isUsable: boolean;
  readonly errors: readonly Issue[];
  readonly warnings: readonly Issue[];
} {
  const report = new Report();
  const schema = compileSchema(value, AT, report);
  return { isUsable: schema !== undefined, errors: report.errors, warnings: report.warnings };
}

/** Sentence, schema, place below the schema, message, hint. */
type Row = [string, JsonValue, string, RegExp, RegExp?];

const MISTAKES: readonly Row[] = [
  ["a schema that is a text", "string", "", /^Expected a schema, received string "string"$/],
  ["a schema that is null", null, "", /^Expected a schema, received null$/],
  [
    "a schema below that is a number",
    { properties: { a: 1 } },
    "properties.a",
    /^Expected a schema, received number 1$/,
  ],
  ["an unknown type", { type: "strng" }, "type", /^Unknown type "strng"$/, /"string"/],
  ["a type of another language", { type: "float" }, "type", /^Unknown type/, /one of string, num/],
  ["an unknown type in a list", { type: ["string", "nul"] }, "type.1", /"nul"/, /"null"/],
  ["a type that is an object", { type: {} }, "type", /^Expected string, received object$/],
  ["no types at all", { type: [] }, "type", /^Must have at least one type$/],
  ["a limit that is a text", { minimum: "1" }, "minimum", /^Expected number, received string "1"$/],
  ["draft 4's exclusive limit", { exclusiveMinimum: true }, "exclusiveMinimum", /^Expected number/],
  ["a negative length", { minLength: -1 }, "minLength", /^Must be a whole number from 0/],
  ["half an element", { maxItems: 1.5 }, "maxItems", /^Must be a whole number from 0/],
  ["multiples of nothing", { multipleOf: 0 }, "multipleOf", /^Must be greater than 0, received 0$/],
  ["an empty enum", { enum: [] }, "enum", /^Must have at least one value$/],
  ["an enum that is no list", { enum: "a" }, "enum", /^Expected array/],
  ["an empty list of alternatives", { anyOf: [] }, "anyOf", /^Must have at least one schema$/],
  [
    "properties in a list",
    { properties: ["a"] },
    "properties",
    /^Expected object, received array$/,
  ],
  [
    "a required flag",
    { properties: { a: { required: true } } },
    "properties.a.required",
    /array/,
    /of the object/,
  ],
  [
    "a required number",
    { required: ["a", 1] },
    "required.1",
    /^Expected string, received number 1$/,
  ],
  [
    "a needed name that is none",
    { dependentRequired: { a: [1] } },
    "dependentRequired.a.0",
    /string/,
  ],
  [
    "draft 7's list of items",
    { items: [true] },
    "items",
    /^Expected a schema, received array$/,
    /prefixItems/,
  ],
  [
    "a uniqueItems of text",
    { uniqueItems: "yes" },
    "uniqueItems",
    /^Expected boolean, received string "yes"$/,
  ],
  ["a format that is a number", { format: 1 }, "format", /^Expected string/],
  [
    "a keyword that is not supported",
    { unevaluatedProperties: false },
    "unevaluatedProperties",
    /not supported/,
    /additionalProperties/,
  ],
  [
    "a pattern with lookahead",
    { pattern: "(?=a)" },
    "pattern",
    /^Cannot be read: .*\(\?=/,
    /RE2: no lookaround/,
  ],
  ["a pattern with a backreference", { pattern: "(a)\\1" }, "pattern", /^Cannot be read/, /RE2/],
  [
    "a pattern with a named backreference",
    { pattern: "(?<a>x)\\k<a>" },
    "pattern",
    /back reference/,
  ],
  ["an open pattern", { pattern: "[a" }, "pattern", /missing closing \]/],
  ["a pattern that repeats too much", { pattern: "a{1001}" }, "pattern", /repeat count/],
  [
    "a pattern whose repeats repeat each other",
    { pattern: `(?:(?:${"a?".repeat(440)}){31}){32}` },
    "pattern",
    /^Repeats too much$/,
  ],
  [
    "a pattern that would be large",
    { pattern: `(${"ab".repeat(100)}){1000}` },
    "pattern",
    /^Repeats too much$/,
  ],
  ["a long pattern", { pattern: "a".repeat(5_000) }, "pattern", /^Is longer than 4096 characters$/],
  [
    "a pattern of names that cannot be read",
    { patternProperties: { "(": true } },
    "patternProperties.(",
    /missing closing \)/,
  ],
  [
    "a reference to the net",
    { $ref: "https://example.com/a.json" },
    "$ref",
    /^Refers to another document, which is never fetched$/,
    /#\/\$defs/,
  ],
  ["a reference to a file", { $ref: "a.json#/$defs/a" }, "$ref", /never fetched/],
  [
    "a reference to a field",
    { properties: { a: true, b: { $ref: "#/properties/a" } } },
    "properties.b.$ref",
    /^Does not refer to a schema in `\$defs`$/,
  ],
  ["a reference to an anchor", { $ref: "#a" }, "$ref", /^Does not refer/],
  ["a reference that is badly encoded", { $ref: "#/$defs/%" }, "$ref", /^Does not refer/],
  [
    "a reference to nothing",
    { $ref: "#/$defs/adress", $defs: { address: true } },
    "$ref",
    /^Refers to "#\/\$defs\/adress", which is no schema here$/,
    /"#\/\$defs\/address"/,
  ],
  [
    "a reference to itself",
    { $ref: "#" },
    "",
    /^Refers to itself without an end$/,
    /below a field/,
  ],
  [
    "references in a circle",
    {
      $ref: "#/$defs/a",
      $defs: { a: { allOf: [{ $ref: "#/$defs/b" }] }, b: { not: { $ref: "#/$defs/a" } } },
    },
    "$defs.b.not",
    /^Refers to itself without an end$/,
  ],
  [
    "a default that fills itself in",
    { properties: { a: { $ref: "#", default: {} } } },
    "properties.a.default",
    /^Fills itself in without an end$/,
  ],
];

const WARNINGS: readonly Row[] = [
  [
    "an unknown keyword",
    { minLenght: 1 },
    "minLenght",
    /^Unknown keyword "minLenght", which changes nothing$/,
    /"minLength"/,
  ],
  [
    "OpenAPI's nullable",
    { type: "string", nullable: true },
    "nullable",
    /^Unknown keyword/,
    /\["string", "null"\]/,
  ],
  [
    "a format that is not checked",
    { format: "emial" },
    "format",
    /^The format "emial" is not checked$/,
    /"email"/,
  ],
  [
    "a foreign format",
    { format: "int64" },
    "format",
    /not checked$/,
    /checked are date-time, date/,
  ],
  [
    "a keyword of another type",
    { type: "number", minLength: 1 },
    "minLength",
    /^Has no effect on values of this `type`$/,
  ],
  ["an else without if", { else: true }, "else", /^Has no effect without `if`$/],
  [
    "a count without contains",
    { minContains: 1 },
    "minContains",
    /^Has no effect without `contains`$/,
  ],
  [
    "a slip in a required name",
    { properties: { email: true }, required: ["emial"] },
    "required",
    /^Requires "emial"/,
    /"email"/,
  ],
  [
    "a required name that is left out",
    { properties: { a: true }, required: ["other"], additionalProperties: false },
    "required",
    /^Requires "other", which/,
  ],
  [
    "a member that leaves fields out",
    { allOf: [{ additionalProperties: false }, true] },
    "allOf.0.additionalProperties",
    /^Leaves out the fields/,
  ],
  [
    "a default of the wrong type",
    { properties: { a: { type: "number", default: "1" } } },
    "properties.a.default",
    /^Does not fit its own schema: Expected number, received string$/,
  ],
  [
    "a default with a wrong field",
    { default: { a: "x" }, properties: { a: { enum: ["y"] } } },
    "default",
    /^Does not fit its own schema: a: Invalid enum value$/,
  ],
];

const FINE: readonly (readonly [string, JsonValue])[] = [
  ["true", true],
  ["false", false],
  ["an empty schema", {}],
  [
    "notes to readers",
    {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: "x",
      title: "T",
      description: "d",
      examples: [1],
      "x-order": 1,
    },
  ],
  ["a recursive schema", { properties: { children: { items: { $ref: "#" } } } }],
  ["definitions of draft 7", { definitions: { a: { type: "string" } }, $ref: "#/definitions/a" }],
  ["names that need escapes", { $defs: { "a/b~c d": true }, $ref: "#/$defs/a~1b~0c%20d" }],
  [
    "a definition in a definition",
    { $defs: { a: { $defs: { b: true } } }, $ref: "#/$defs/a/$defs/b" },
  ],
  ["a required name without properties", { type: "object", required: ["anything"] }],
];

const describeIssues = (issues: readonly Issue[]): readonly string[] =>
  issues.map((issue) => `${issue.path.slice(AT.length).join(".")}: ${issue.message}`);

describe("compileSchema", () => {
  test.each(MISTAKES)("refuses %s", (_, value, place, message, hint = /(?:)/) => {
    const { isUsable, errors } = compile(value);
    const [issue, ...others] = errors;
    expect(isUsable).toBe(false);
    expect(describeIssues(others)).toEqual([]);
    expect(issue?.path.slice(AT.length).join(".")).toBe(place);
    expect(issue?.message).toMatch(message);
    expect(issue?.hint ?? "").toMatch(hint);
  });

  test.each(WARNINGS)("warns of %s", (_, value, place, message, hint = /(?:)/) => {
    const { isUsable, errors, warnings } = compile(value);
    const [issue, ...others] = warnings;
    expect(describeIssues(errors)).toEqual([]);
    expect(isUsable).toBe(true);
    expect(describeIssues(others)).toEqual([]);
    expect(issue?.path.slice(AT.length).join(".")).toBe(place);
    expect(issue?.message).toMatch(message);
    expect(issue?.hint ?? "").toMatch(hint);
  });

  test.each(FINE)("accepts %s", (_, value) => {
    expect(compile(value)).toEqual({ isUsable: true, errors: [], warnings: [] });
  });

  test("reports all mistakes of a schema at once", () => {
    const { errors } = compile({
      type: "objct",
      properties: { a: { pattern: "(" }, b: { items: { minimum: "1" } } },
    });
    expect(describeIssues(errors)).toEqual([
      'type: Unknown type "objct"',
      "properties.a.pattern: Cannot be read: missing closing ): `(`",
      'properties.b.items.minimum: Expected number, received string "1"',
    ]);
  });

  test("refuses schemas nested deeper than 256 levels", () => {
    const nest = (levels: number): JsonValue => (levels === 0 ? true : { items: nest(levels - 1) });
    expect(compile(nest(256)).isUsable).toBe(true);
    const { errors } = compile(nest(400));
    expect(errors.map((issue) => issue.message)).toEqual([
      "Schemas are nested deeper than 256 levels",
    ]);
  });

  test("refuses more than 10,000 schemas, and says so once", () => {
    const wide = (count: number): JsonValue => ({
      properties: Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, true])),
    });
    expect(compile(wide(9_999)).isUsable).toBe(true);
    const { errors } = compile(wide(12_000));
    expect(errors.map((issue) => issue.message)).toEqual([
      "There are more than 10000 schemas within this one",
    ]);
  });

  test("refuses patterns that are too large together", () => {
    const patterns = Array.from({ length: 400 }, (_, i) => ({ pattern: `^.{1,900}${i}$` }));
    const { errors } = compile({ anyOf: patterns });
    expect(errors[0]?.message).toBe("The patterns of the schema are too large together");
  });

  test("refuses references that go on through thousands of schemas", () => {
    const link = (i: number): [string, JsonValue] => [`s${i}`, { $ref: `#/$defs/s${i + 1}` }];
    const chain = (count: number): JsonValue => ({
      $ref: "#/$defs/s0",
      $defs: {
        ...Object.fromEntries(Array.from({ length: count }, (_, i) => link(i))),
        [`s${count}`]: true,
      },
    });
    expect(compile(chain(200)).isUsable).toBe(true);
    expect(compile(chain(5_000)).errors.map((issue) => issue.message)).toEqual([
      "Refers on through too many schemas",
    ]);
  });

  test("survives schemas and references whose ways are shared many times over", () => {
    const link = (i: number): [string, JsonValue] => [
      `s${i}`,
      { allOf: [{ $ref: `#/$defs/s${i + 1}` }, { $ref: `#/$defs/s${i + 1}` }] },
    ];
    const $defs = {
      ...Object.fromEntries(Array.from({ length: 60 }, (_, i) => link(i))),
      s60: true,
    };
    expect(compile({ $ref: "#/$defs/s0", $defs }).isUsable).toBe(true);
  });

  test("warns of defaults that would grow without measure, and leaves them as they are", () => {
    const link = (i: number): [string, JsonValue] => [
      `s${i}`,
      {
        properties: {
          a: { $ref: `#/$defs/s${i + 1}`, default: {} },
          b: { $ref: `#/$defs/s${i + 1}`, default: {} },
        },
      },
    ];
    const $defs = {
      ...Object.fromEntries(Array.from({ length: 60 }, (_, i) => link(i))),
      s60: true,
    };
    const { isUsable, warnings } = compile({ $ref: "#/$defs/s0", $defs });
    expect(isUsable).toBe(true);
    expect(warnings[0]?.message).toMatch(/^Does not fit its own schema: Grows by more than/);
  });
});

describe("readSchema", () => {
  const read = (source: { readonly [key: string]: JsonValue }) => {
    const report = new Report();
    const schema = readSchema(new FieldReader(source, ["metadata"], report), "inputSchema", report);
    return { schema, report };
  };

  test("gives null where there is no schema", () => {
    const { schema, report } = read({});
    expect(schema).toBeNull();
    expect(report.isClean).toBe(true);
  });

  test("gives null for a schema with mistakes, at their places", () => {
    const { schema, report } = read({ inputSchema: { type: "objekt" } });
    expect(schema).toBeNull();
    expect(report.errors).toEqual([
      {
        path: ["metadata", "inputSchema", "type"],
        message: 'Unknown type "objekt"',
        hint: 'did you mean "object"?',
      },
    ]);
  });

  test("gives a schema that is right though the rest of the definition is not", () => {
    const report = new Report();
    report.error(["steps"], "Required");
    const fields = new FieldReader({ inputSchema: true }, [], report);
    expect(readSchema(fields, "inputSchema", report)?.check(1)).toEqual({
      ok: true,
      value: 1,
      stripped: [],
    });
  });
});
