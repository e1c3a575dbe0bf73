import type { JsonValue } from "@millrace/protocol";
import { beforeAll, describe, expect, test } from "vitest";
import { aScope } from "../../testkit/a-scope.ts";
import { aTemplate } from "../../testkit/a-template.ts";
import { evaluate, render, TemplateError } from "../render.ts";
import type { Scope } from "../scope.ts";

const MEGABYTE = 1024 * 1024;
/** A hang guard: what is not stopped takes minutes, or all of the memory. */
const HANG_MS = 60_000;

const input = {
  numbers: Array.from({ length: 100_000 }, (_, i) => i),
  objects: Array.from({ length: 50_000 }, (_, i) => ({ a: i, b: [i] })),
  spread: Array.from({ length: 100_000 }, (_, i) => (i % 2 === 0 ? 1e300 : 1e-300)),
  text: "x".repeat(MEGABYTE),
  markup: "<".repeat(MEGABYTE),
  quotes: '"'.repeat(MEGABYTE),
  control: "\u0001".repeat(MEGABYTE),
  emoji: "👍".repeat(MEGABYTE / 2),
  deep: nested(250),
};

function nested(levels: number): JsonValue {
  let value: JsonValue = [1];
  for (let i = 1; i < levels; i++) value = [value];
  return value;
}

describe("a template that would take everything", () => {
  let scope: Scope;
  beforeAll(() => {
    scope = aScope({ input });
  });

  test.each<[string, JsonValue, RegExp]>([
    [
      "joins many by a long text",
      "{{ input.numbers | join: input.text }}",
      /"join" in .+ grows beyond/,
    ],
    [
      "replaces each character by a long text",
      "{{ input.text | replace: 'x', input.text }}",
      /grows beyond/,
    ],
    [
      "replaces the first character, again and again",
      `{{ input.text ${"| replace_first: 'x', input.text".repeat(20)} }}`,
      /grows beyond|steps of work/,
    ],
    [
      "appends itself",
      `{{ input.text ${"| append: input.text".repeat(50)} }}`,
      /grows beyond|steps of work/,
    ],
    [
      "is one long text in many places",
      `{{ input.numbers | slice: 0, 1000 ${"| push: input.text".repeat(90)} }}`,
      /grows beyond/,
    ],
    [
      "prints one long text in many places",
      `x{{ '' | split: ',' ${"| push: input.text".repeat(90)} }}`,
      /grows beyond/,
    ],
    [
      "makes a list too long",
      `{{ input.numbers | push: 1 }}`,
      /"push" in .+ more than 100000 elements/,
    ],
    [
      "makes a list longer by itself",
      "{{ input.objects | concat: input.numbers }}",
      /more than 100000 elements/,
    ],
    [
      "splits a long text",
      "{{ input.text | split: '' }}",
      /"split" in .+ more than 100000 elements/,
    ],
    ["splits at each character", "{{ input.text | split: 'x' }}", /more than 100000 elements/],
    [
      "escapes what grows",
      `{{ input.quotes ${"| escape".repeat(9)} }}`,
      /grows beyond|steps of work/,
    ],
    [
      "writes JSON of JSON",
      `{{ input.quotes ${"| json".repeat(30)} }}`,
      /grows beyond|steps of work/,
    ],
    [
      "encodes what grows",
      `{{ input.markup ${"| url_encode".repeat(9)} }}`,
      /grows beyond|steps of work/,
    ],
    [
      "breaks lines that grow",
      "{{ input.text | replace: 'x', '\n' | newline_to_br | newline_to_br | newline_to_br }}",
      /grows beyond/,
    ],
    [
      "sorts again and again",
      `{{ input.numbers ${"| reverse | sort".repeat(49)} | size }}`,
      /steps of work/,
    ],
    [
      "calculates again and again",
      `{{ input.objects | map: '${"a * ".repeat(99)}a' | sum }} `.repeat(30),
      /steps of work/,
    ],
    [
      "calculates in many outputs",
      `{{ input.objects | map: 'a * 1.1 + b[0] / 7' | sum }} `.repeat(50),
      /steps of work/,
    ],
    ["calculates with what is far apart", `{{ input.spread | sum }} `.repeat(50), /steps of work/],
    ["nests groups", `{{ input.deep ${"| group_by: 'x'".repeat(9)} }}`, /nested deeper than 256/],
    ["hashes again and again", `{{ input.text | sha256 }} `.repeat(200), /steps of work/],
    [
      "cuts emojis again and again",
      `{{ input.emoji | truncate: 500000 | size }} `.repeat(200),
      /steps of work/,
    ],
    [
      "strips what is no markup",
      `{{ input.markup | strip_html | size }} `.repeat(200),
      /steps of work/,
    ],
    [
      "formats dates again and again",
      "{{ now | date: '%c', 'Europe/Berlin' }}".repeat(25_000),
      /steps of work/,
    ],
    [
      "compares with everything",
      `{{ input.objects | where: 'b', input.numbers | size }} `.repeat(30),
      /steps of work/,
    ],
    ["tells everything apart", `{{ input.objects | uniq | size }} `.repeat(30), /steps of work/],
    [
      "reads JSON again and again",
      `{{ input.numbers | json | parse_json | size }} `.repeat(60),
      /steps of work/,
    ],
    ["puts deep data deeper", [[[[[[["{{ input.deep | push: 1 }}"]]]]]]], /nested deeper than 256/],
  ])(
    "%s: is stopped",
    (_, value, message) => {
      const template = aTemplate(value);
      expect(() => render(template, scope)).toThrow(
        expect.objectContaining({
          name: TemplateError.name,
          message: expect.stringMatching(message) as string,
        }),
      );
    },
    HANG_MS,
  );

  test("fails as well where a value is asked for, which takes no memory yet", () => {
    const texts = `{{ '' | split: ',' ${"| push: input.text".repeat(90)} }}`;
    expect(() => evaluate(aTemplate(texts), scope)).toThrow(/grows beyond/);
    const deep = "{{ input.deep | group_by: 'x' | group_by: 'x' | group_by: 'x' | group_by: 'x' }}";
    expect(() => evaluate(aTemplate(deep), scope)).toThrow(/nested deeper than 256/);
  });

  test("is not one that only uses what it may", () => {
    const give = (text: string): unknown => evaluate(aTemplate(text), scope);
    expect(give("{{ input.numbers | map: 'x' | size }}")).toBe(100_000);
    expect(give("{{ input.numbers | sort | reverse | sum }}")).toBe(4_999_950_000);
    expect(give("{{ input.objects | sum: 'a * 1.5' }}")).toBe(1_874_962_500);
    expect(give("{{ input.text | upcase | size }}")).toBe(MEGABYTE);
    expect(give("{{ input.control | json | size }}")).toBe(6 * MEGABYTE + 2);
    expect(give("{{ input.deep | push: 1 | size }}")).toBe(2);
  });
});
