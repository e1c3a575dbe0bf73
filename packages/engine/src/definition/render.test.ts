import { fromJsonText, MAX_JSON_DEPTH, type JsonValue } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aScope } from "../testkit/a-scope.ts";
import { aTemplate } from "../testkit/a-template.ts";
import { evaluate, MAX_RENDERED_LENGTH, render, TemplateError } from "./render.ts";
import type { Scope } from "./scope.ts";

const INPUT = {
  name: "Ada",
  total: 4317.84,
  tiny: 1e-7,
  items: [1, { a: null }],
  nothing: null,
  yes: true,
  evil: "{{input.name}} ${{input.total}}",
};

const scopeOf = (input: JsonValue): Scope => aScope({ input, outputs: { a: [1, 2] } });

const rendered = (value: JsonValue, input: JsonValue = INPUT): JsonValue =>
  fromJsonText(render(aTemplate(value), scopeOf(input)));

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
    ["keeps the type of what filters give", "{{ input.items | size }}", 2],
    ["is text as soon as something stands beside filters", "{{input.items | size}}.", "2."],
    ["keeps the type of a lone literal", "{{ 5 }}", 5],
    ["omits a key whose filters give nothing", { a: "{{ input.none | upcase }}" }, {}],
    ["puts null for filters that give nothing", ["{{ input.none | first }}"], [null]],
    ["does not end at braces in quotes", "{{ '}}' | append: ']}' }}", "}}]}"],
    ["does not end at braces in the other quotes", '<{{ "}}\'}}" }}>', "<}}'}}>"],
    ["reads escapes in quotes", String.raw`{{ 'it\'s \\ \n \u00e9 "' }}`, "it's \\ \n é \""],
    ["reads escapes in the other quotes", String.raw`{{ "\"'" | append: '\'\\' }}!`, `"''\\!`],
    ["never reads what filters give as a template", "{{ input.evil | append: '' }}", INPUT.evil],
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
    const evaluated = evaluate(aTemplate(template), scopeOf(INPUT));
    expect(evaluated ?? null).toEqual(value);
  });

  test("tells a missing value from null where a value is asked for", () => {
    expect(evaluate(aTemplate("{{input.missing}}"), scopeOf(INPUT))).toBeUndefined();
  });

  test("keeps a key called __proto__ a key", () => {
    const template: JsonValue = JSON.parse('{"__proto__":{"a":"{{input.name}}"}}') as JsonValue;
    expect(render(aTemplate(template), scopeOf(INPUT))).toBe('{"__proto__":{"a":"Ada"}}');
  });

  test("without a path gives back any JSON as it is", () => {
    const plain = fc.jsonValue().filter((value) => !JSON.stringify(value).includes("{{"));
    fc.assert(
      fc.property(plain, (value) => {
        // Through text, as every definition comes: it has no -0 and no shared parts.
        const json = JSON.stringify(value);
        expect(render(aTemplate(JSON.parse(json) as JsonValue), scopeOf(null))).toBe(json);
      }),
    );
  });

  test("gives any value back as it was, alone or in an object", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        const json = JSON.stringify({ x: value });
        const input = JSON.parse(json) as JsonValue;
        expect(render(aTemplate("{{input}}"), scopeOf(input))).toBe(json);
        expect(render(aTemplate({ x: "{{input.x}}" }), scopeOf(input))).toBe(json);
      }),
    );
  });
});

describe("a template for HTML", () => {
  const INPUT = {
    evil: `<b>"O'Ada" & Co</b>`,
    n: 5,
    list: ["<i>"],
    lines: "<a>\nb",
    safe: "&amp;",
  };
  const EVIL = "&lt;b&gt;&quot;O&#39;Ada&quot; &amp; Co&lt;/b&gt;";

  test.each<[string, JsonValue, JsonValue]>([
    ["escapes a value in text", "<p>{{input.evil}}</p>", `<p>${EVIL}</p>`],
    ["escapes a lone value", "{{input.evil}}", EVIL],
    [
      "escapes what filters give",
      "{{input.evil | upcase}}",
      EVIL.replace(/Ada|Co|b(?=&)/g, (it) => it.toUpperCase()),
    ],
    ["escapes a literal", "{{ '<' }}", "&lt;"],
    ["escapes lists in text", "{{input.list}}!", "[&quot;&lt;i&gt;&quot;]!"],
    ["escapes everywhere inside", { a: ["{{input.evil}}"] }, { a: [EVIL] }],
    ["escapes what was escaped in the data", "{{input.safe}}", "&amp;amp;"],
    ["keeps the type of a lone number", "{{input.n}}", 5],
    ["keeps the type of a lone list", "{{input.list}}", ["<i>"]],
    ["leaves the author's own text alone", "<p>&</p>", "<p>&</p>"],
    ["does not escape with raw", "{{input.evil | raw}}", INPUT.evil],
    [
      "does not escape with raw before other filters",
      "{{input.evil | raw | append: '<'}}",
      `${INPUT.evil}<`,
    ],
    ["does not escape twice", "{{input.evil | escape}}", EVIL],
    ["does not escape twice in text", "<{{input.evil | escape}}>", `<${EVIL}>`],
    [
      "does not escape what the author adds",
      "{{input.evil | escape | append: '<br>'}}",
      `${EVIL}<br>`,
    ],
    ["does not escape twice after strip", "{{input.evil | escape | strip | default: '-'}}", EVIL],
    [
      "escapes again what another value was added to",
      "{{ 'a' | escape | append: input.evil }}",
      `a${EVIL}`,
    ],
    [
      "escapes again what was changed otherwise",
      "{{ '<' | escape | replace: 'lt', 'gt' }}",
      "&amp;gt;",
    ],
    [
      "escapes a value, not its line breaks",
      "{{input.lines | newline_to_br}}",
      "&lt;a&gt;<br />\nb",
    ],
    [
      "escapes once before line breaks",
      "{{input.lines | escape | newline_to_br}}",
      "&lt;a&gt;<br />\nb",
    ],
    [
      "escapes a value again if line breaks were upcased",
      "{{ 'a\n' | newline_to_br | upcase }}",
      "A&lt;BR /&gt;\n",
    ],
    [
      "leaves a value with raw alone before line breaks",
      "{{input.lines | raw | newline_to_br}}",
      "<a><br />\nb",
    ],
  ])("%s", (_, value, html) => {
    const template = aTemplate(value, { escape: "html" });
    expect(evaluate(template, aScope({ input: INPUT }))).toEqual(html);
    expect(fromJsonText(render(template, aScope({ input: INPUT })))).toEqual(html);
  });

  test("lets no value bring a tag or leave its quotes, whatever its text", () => {
    const template = aTemplate(
      "<p title='{{input}}'>{{input | strip}}{{input | newline_to_br}}</p>",
      {
        escape: "html",
      },
    );
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom(..."< > & \" ' a ; \n".split(" "), " ") }),
        (input) => {
          const html = render(template, aScope({ input }));
          expect(html.replaceAll("<br />", "").match(/[<>']/g)).toEqual([
            "<",
            "'",
            "'",
            ">",
            "<",
            ">",
          ]);
        },
      ),
    );
  });

  test("is the only one that escapes", () => {
    const template = aTemplate("<{{input.evil}}>{{input.evil | raw}}");
    expect(evaluate(template, aScope({ input: INPUT }))).toBe(`<${INPUT.evil}>${INPUT.evil}`);
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
    const template = aTemplate(["{{input}}"]);
    const scope = scopeOf(nested(MAX_JSON_DEPTH));
    expect(() => render(template, scope)).toThrow(TemplateError);
    expect(() => render(template, scope)).toThrow(/^config\.x is nested deeper than 256/);
  });

  test("refuses text that grows beyond memory, in a text and in a list", () => {
    const input = "x".repeat(1024 * 1024);
    const times = MAX_RENDERED_LENGTH / input.length + 1;
    const text = aTemplate("{{input}}".repeat(times));
    const list = aTemplate(Array.from({ length: times }, () => "{{input}}"));
    expect(() => render(text, scopeOf(input))).toThrow(/^config\.x grows beyond/);
    expect(() => evaluate(text, scopeOf(input))).toThrow(TemplateError);
    expect(() => render(list, scopeOf(input))).toThrow(TemplateError);
  });
});
