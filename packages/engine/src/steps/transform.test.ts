import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { FieldReader } from "../definition/field-reader.ts";
import { TemplateError } from "../definition/render.ts";
import { Report } from "../definition/report.ts";
import type { StepReader, StepWork } from "../definition/step-kind.ts";
import { parseTemplate, type Template } from "../definition/template.ts";
import { aScope, type ScopeParts } from "../testkit/a-scope.ts";
import { transformKind } from "./transform.ts";

type Config = Readonly<Record<string, JsonValue>>;

interface Compiled {
  readonly work: StepWork | null;
  readonly report: Report;
}

function compile(config: Config): Compiled {
  const report = new Report();
  const parse = (value: JsonValue, at: readonly (string | number)[]): Template => ({
    where: at.slice(2).join("."),
    root: parseTemplate(value, at, {
      problem: (path, message, hint) => report.error(path, message, hint),
      warning: (path, message, hint) => report.warn(path, message, hint),
      reference: () => {},
    }),
  });
  const reader = new FieldReader(config, ["steps", 0, "config"], report);
  const step: StepReader = {
    id: "a",
    fields: new FieldReader({}, ["steps", 0], report),
    config: reader,
    template: (from, name) => {
      const value = from.value(name);
      return value === undefined ? undefined : parse(value, from.at(name));
    },
    parse: (value, from, ...names) => parse(value, [...from.path, ...names]),
    expression: () => undefined,
  };
  const work = transformKind.compile(step);
  reader.refuseOthers();
  return { work, report };
}

function give(config: Config, scope: ScopeParts): JsonValue {
  const { work, report } = compile(config);
  expect(report.errors).toEqual([]);
  const body = work?.request(aScope(scope));
  if (body?.kind !== "value" || body.outcome.status !== "completed") throw new Error("no output");
  return JSON.parse(body.outcome.output) as JsonValue;
}

const issuesOf = (config: Config): readonly string[] =>
  compile(config).report.errors.map(
    ({ path, message }) => `${path.slice(2).join(".")}: ${message}`,
  );

const INPUT = {
  orders: [
    { id: 1, customer: { email: " ADA@example.com " }, lines: [{ n: 2, price: 1.1 }], note: null },
    { id: 2, customer: {}, lines: [], note: "late" },
  ],
  region: "eu",
};

describe("a transform with a mapping", () => {
  test("gives the object with its templates filled", () => {
    const mapping = {
      a: "{{input.region | upcase}}",
      b: { c: ["{{input.none}}", 2] },
      d: "{{input.none}}",
    };
    expect(give({ mapping }, { input: INPUT })).toEqual({ a: "EU", b: { c: [null, 2] } });
  });

  test("calculates the seed's order", () => {
    const total = "input.items | map: 'quantity * price' | sum";
    const mapping = {
      subtotal: `{{${total}}}`,
      tax: `{{${total} | times: 0.08}}`,
      total: `{{${total} | times: 1.08}}`,
    };
    const input = { items: [{ quantity: 2, price: 1999 }] };
    expect(give({ mapping }, { input })).toEqual({ subtotal: 3998, tax: 319.84, total: 4317.84 });
  });
});

describe("a transform with rules", () => {
  test("maps each element of a list", () => {
    const output = give(
      {
        sourceData: "{{input.orders}}",
        mappingRules: [
          { source: "id", target: "orderId" },
          {
            source: "customer.email",
            target: "email",
            transform: "strip | downcase",
            default: "none",
          },
          { source: "lines[0].n", target: "count", default: 0 },
          { source: "{{item.lines | sum: 'n * price'}}", target: "total", transform: "times: 100" },
          { source: "{{input.region}}-{{index}}", target: "key" },
          { source: "note", target: "note" },
        ],
      },
      { input: INPUT },
    );
    expect(output).toEqual([
      { orderId: 1, email: "ada@example.com", count: 2, total: 220, key: "eu-0", note: null },
      { orderId: 2, email: "none", count: 0, total: 0, key: "eu-1", note: "late" },
    ]);
  });

  test("maps one object, and takes an object of sources", () => {
    const mappingRules = {
      id: "id",
      "customer-mail": "{{item.customer.email | strip}}",
      none: "x.y",
    };
    expect(give({ sourceData: "{{input.orders.0}}", mappingRules }, { input: INPUT })).toEqual({
      id: 1,
      "customer-mail": "ADA@example.com",
    });
  });

  test("takes data that is written in the definition, with templates inside", () => {
    const sourceData = [{ a: "{{input.region}}" }, 5, null];
    const mappingRules = [{ source: "a", target: "b" }];
    expect(give({ sourceData, mappingRules }, { input: INPUT })).toEqual([{ b: "eu" }, {}, {}]);
    expect(give({ sourceData: [], mappingRules }, {})).toEqual([]);
  });

  test("keeps a target that is named like a prototype", () => {
    const mappingRules = [{ source: "id", target: "__proto__" }];
    const output = give({ sourceData: { id: 1 }, mappingRules }, {});
    expect(JSON.stringify(output)).toBe('{"__proto__":1}');
  });

  test("does not look for a missing element in other data", () => {
    const mappingRules = [{ source: "gone", target: "a", transform: "upcase" }];
    const scope = { input: { source: "x", gone: "x", item: "x" } };
    expect(give({ sourceData: [{}], mappingRules }, scope)).toEqual([{}]);
  });

  test("takes filters' arguments from the run, and defaults for null", () => {
    const rule = {
      source: "a",
      target: "a",
      transform: "append: input.region",
      default: "{{index}}",
    };
    expect(
      give({ sourceData: [{ a: "x-" }, { a: null }], mappingRules: [rule] }, { input: INPUT }),
    ).toEqual([{ a: "x-eu" }, { a: 1 }]);
  });

  const rules = (rule: Config): Config => ({
    sourceData: "{{input.list}}",
    mappingRules: [{ source: "a", target: "a", ...rule }],
  });

  test.each<[string, Config, JsonValue, string]>([
    [
      "data that is no list",
      rules({}),
      "text",
      "config.sourceData must give a list or an object, received string",
    ],
    [
      "a required field that is missing",
      rules({ required: true }),
      [{ a: 1 }, { a: null }],
      'config.mappingRules.0: "a" is required, but its source finds nothing (element [1])',
    ],
    [
      "a filter that fails",
      rules({ transform: "times: 2" }),
      [{ a: 1 }, { a: "x" }],
      'config.mappingRules.0.transform: "times" in {{source | times: 2}} needs a number; its value is text (element [1])',
    ],
    [
      "a result that is too large",
      rules({ source: "{{input.text}}" }),
      Array.from({ length: 20 }, () => 1),
      "config.mappingRules grows beyond 16777216 characters",
    ],
    [
      "work without end",
      rules({ source: "{{input.list | sort | size}}" }),
      Array.from({ length: 20_000 }, () => 1),
      "steps of work (element [",
    ],
  ])("fails with %s", (_, config, list, message) => {
    const { work } = compile(config);
    const scope = aScope({ input: { list, text: "x".repeat(1024 * 1024) } });
    expect(() => work?.request(scope)).toThrow(
      expect.objectContaining({
        name: TemplateError.name,
        message: expect.stringContaining(message) as string,
      }),
    );
  });

  test("maps ten thousand elements", () => {
    const sourceData = Array.from({ length: 10_000 }, (_, i) => ({ at: i * 1000, n: i }));
    const mappingRules = [
      { source: "at", target: "at", transform: "date: '%F'" },
      { source: "n", target: "n", transform: "times: 1.5 | round: 2" },
    ];
    const output = give({ sourceData: "{{input}}", mappingRules }, { input: sourceData });
    expect(output).toHaveLength(10_000);
    expect(output).toHaveProperty("[3]", { at: "1970-01-01", n: 4.5 });
  });

  test("warns of a path that looks like a root", () => {
    const { report } = compile({ sourceData: [], mappingRules: { a: "item.id", b: "id" } });
    expect(report.warnings).toEqual([
      {
        path: ["steps", 0, "config", "mappingRules", "a"],
        message: 'The path "item.id" leads into the element',
        hint: "{{item.id}} leads elsewhere",
      },
    ]);
  });
});

describe("mistakes in a transform", () => {
  const rule = { source: "a", target: "a" };

  test.each<[string, Config, readonly string[]]>([
    ["nothing", {}, ["config.mapping: Required"]],
    [
      "text for a mapping",
      { mapping: "{{input}}" },
      ['config.mapping: Expected object, received string "{{input}}"'],
    ],
    [
      "both forms",
      { mapping: {}, sourceData: [], mappingRules: [rule] },
      ["config.mapping: Stands beside `sourceData` and `mappingRules`; keep one form"],
    ],
    ["rules without data", { mappingRules: [rule] }, ["config.sourceData: Required"]],
    ["data without rules", { sourceData: [] }, ["config.mappingRules: Required"]],
    [
      "no rules",
      { sourceData: [], mappingRules: [] },
      ["config.mappingRules: Must have at least one rule"],
    ],
    [
      "rules of no kind",
      { sourceData: [], mappingRules: 5 },
      ["config.mappingRules: Expected array, received number 5"],
    ],
    [
      "an empty rule",
      { sourceData: [], mappingRules: [{}] },
      ["config.mappingRules.0.source: Required", "config.mappingRules.0.target: Required"],
    ],
    [
      "two rules for one field",
      { sourceData: [], mappingRules: [rule, rule] },
      ['config.mappingRules: Has two rules for "a"'],
    ],
    [
      "a field that no rule has",
      { sourceData: [], mappingRules: [{ ...rule, defualt: 1 }] },
      ['config.mappingRules.0.defualt: Unknown field "defualt"'],
    ],
    [
      "a path that is none",
      { sourceData: [], mappingRules: { a: "b c" } },
      ['config.mappingRules.a: Must be a path or a template, received "b c"'],
    ],
    [
      "a source that is no text",
      { sourceData: [], mappingRules: { a: 5 } },
      ["config.mappingRules.a: Expected string, received number 5"],
    ],
    [
      "an unknown filter",
      { sourceData: [], mappingRules: [{ ...rule, transform: "upcasee" }] },
      [
        'config.mappingRules.0.transform: The template {{source | upcasee}} has the unknown filter "upcasee"',
      ],
    ],
    [
      "a chain with braces",
      { sourceData: [], mappingRules: [{ ...rule, transform: "upcase}} {{input" }] },
      ['config.mappingRules.0.transform: Must be a chain of filters, received "upcase}} {{input"'],
    ],
    [
      "a template that cannot be read",
      { sourceData: "{{", mappingRules: [{ ...rule, default: "{{a b}}" }] },
      [
        "config.sourceData: The template {{ is not closed",
        'config.mappingRules.0.default: The template {{a b}} cannot be read from "b" on',
      ],
    ],
    [
      "fields of a later version",
      { mapping: {}, strict: true, validationRules: [] },
      [
        'config.strict: "strict" is not in this version of Millrace yet',
        'config.validationRules: "validationRules" is not in this version of Millrace yet',
      ],
    ],
    ["an unknown field", { mapping: {}, maping: {} }, ['config.maping: Unknown field "maping"']],
  ])("finds %s", (_, config, issues) => {
    expect(issuesOf(config)).toEqual(issues);
  });
});
