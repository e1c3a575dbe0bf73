import {
  asJsonText,
  fromJsonText,
  MAX_JSON_DEPTH,
  newRunId,
  toShard,
  toTimestamp,
  type JsonValue,
} from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { evaluate, MAX_RENDERED_LENGTH, render, TemplateError } from "./render.ts";
import { LazyJson, RunScope } from "./scope.ts";
import { parseTemplate, type Template } from "./template.ts";

const INPUT = {
  name: "Ada",
  total: 4317.84,
  tiny: 1e-7,
  items: [1, { a: null }],
  nothing: null,
  yes: true,
  evil: "{{input.name}} ${{input.total}}",
};

function scopeOf(input: JsonValue): RunScope {
  const scope = new RunScope({
    id: newRunId(toTimestamp(1), toShard(1), () => 1),
    input: asJsonText(JSON.stringify(input)),
    workflowId: "wf_a" as never,
    workflowVersion: 1,
    trigger: "api",
  });
  scope.complete("a", new LazyJson(asJsonText("[1,2]")));
  return scope;
}

function toTemplate(value: JsonValue): Template {
  const problems: string[] = [];
  const root = parseTemplate(value, [], {
    problem: (_, message) => problems.push(message),
    reference: () => {},
  });
  expect(problems).toEqual([]);
  return { where: "config.x", root };
}

const rendered = (value: JsonValue, input: JsonValue = INPUT): JsonValue =>
  fromJsonText(render(toTemplate(value), scopeOf(input)));

describe("a template", () => {
  test.each<[string, JsonValue, JsonValue]>([
    ["keeps the type of a lone number", "{{input.total}}", 4317.84],
    ["keeps the type of a lone boolean", "{{ input.yes }}", true],
    ["keeps the type of a lone null", "{{input.nothing}}", null],
    ["keeps the type of a lone list", "{{input.items}}", [1, { a: null }]],
    ["passes on a whole output", "{{steps.a.output}}", [1, 2]],
    ["is null on its own if the value is missing", "{{input.missing}}", null],
    ["is text as soon as a space stands beside the path", " {{input.total}}", " 4317.84"],
    ["is text if there are two paths", "{{input.name}}{{input.name}}", "AdaAda"],
    ["takes a dollar sign as it stands", "Total: ${{input.total}}", "Total: $4317.84"],
    ["prints a missing value as nothing", "<{{input.missing}}>", "<>"],
    ["prints null as nothing", "<{{input.nothing}}>", "<>"],
    ["prints a boolean as a word", "<{{input.yes}}>", "<true>"],
    ["prints lists and objects as JSON", "<{{input.items}}>", '<[1,{"a":null}]>'],
    ["prints numbers without an exponent", "<{{input.tiny}}>", "<0.0000001>"],
    ["omits a key whose value is missing", { a: "{{input.missing}}", b: 1 }, { b: 1 }],
    ["omits the first of the keys without a stray comma", { a: "{{input.x}}", b: [] }, { b: [] }],
    ["puts null for a missing value in a list", ["{{input.missing}}", 1], [null, 1]],
    ["keeps a key whose text is empty", { a: "<{{input.missing}}>" }, { a: "<>" }],
    ["fills nested objects and lists", { a: [{ b: "{{input.name}}" }] }, { a: [{ b: "Ada" }] }],
    ["never reads data as a template", "{{input.evil}}", INPUT.evil],
    ["never reads data inside text as a template", "<{{input.evil}}>", `<${INPUT.evil}>`],
    ["never reads keys as templates", { "{{input.name}}": 1 }, { "{{input.name}}": 1 }],
    ["leaves single braces alone", "{input.name} }} {", "{input.name} }} {"],
    ["keeps text around a path exactly", '"\\\n{{input.name}}\u0000', '"\\\nAda\u0000'],
  ])("%s", (_, template, value) => {
    expect(rendered(template)).toEqual(value);
    const evaluated = evaluate(toTemplate(template), scopeOf(INPUT));
    expect(evaluated ?? null).toEqual(value);
  });

  test("tells a missing value from null where a value is asked for", () => {
    expect(evaluate(toTemplate("{{input.missing}}"), scopeOf(INPUT))).toBeUndefined();
  });

  test("keeps a key called __proto__ a key", () => {
    const template: JsonValue = JSON.parse('{"__proto__":{"a":"{{input.name}}"}}') as JsonValue;
    expect(render(toTemplate(template), scopeOf(INPUT))).toBe('{"__proto__":{"a":"Ada"}}');
  });

  test("without a path gives back any JSON as it is", () => {
    const plain = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("{{"));
    fc.assert(
      fc.property(plain, (value) => {
        // Through text, as every definition comes: it has no -0 and no shared parts.
        const json = JSON.stringify(value);
        expect(render(toTemplate(JSON.parse(json) as JsonValue), scopeOf(null))).toBe(json);
      }),
    );
  });

  test("gives any value back as it was, alone or in an object", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const json = JSON.stringify({ x: value });
        const input = JSON.parse(json) as JsonValue;
        expect(render(toTemplate("{{input}}"), scopeOf(input))).toBe(json);
        expect(render(toTemplate({ x: "{{input.x}}" }), scopeOf(input))).toBe(json);
      }),
    );
  });
});

describe("limits of a template", () => {
  const nested = (levels: number): JsonValue => {
    let value: JsonValue = 1;
    for (let i = 0; i < levels; i++) value = [value];
    return value;
  };

  test("lets a value be as deep as a payload may be", () => {
    expect(rendered(["{{input}}"], nested(MAX_JSON_DEPTH - 1))).toEqual(nested(MAX_JSON_DEPTH));
    expect(rendered({ a: "{{input.0}}" }, nested(MAX_JSON_DEPTH))).toBeDefined();
  });

  test("refuses a value that would be nested deeper, so that runs cannot grow one step by step", () => {
    const template = toTemplate(["{{input}}"]);
    const scope = scopeOf(nested(MAX_JSON_DEPTH));
    expect(() => render(template, scope)).toThrow(TemplateError);
    expect(() => render(template, scope)).toThrow(/^config\.x is nested deeper than 256/);
  });

  test("refuses text that grows beyond memory, in a text and in a list", () => {
    const input = "x".repeat(1024 * 1024);
    const times = MAX_RENDERED_LENGTH / input.length + 1;
    const text = toTemplate("{{input}}".repeat(times));
    const list = toTemplate(Array.from({ length: times }, () => "{{input}}"));
    expect(() => render(text, scopeOf(input))).toThrow(/^config\.x grows beyond/);
    expect(() => evaluate(text, scopeOf(input))).toThrow(TemplateError);
    expect(() => render(list, scopeOf(input))).toThrow(TemplateError);
  });
});
