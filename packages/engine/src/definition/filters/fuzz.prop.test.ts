import { toJsonText, type JsonValue } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { aScope } from "../../testkit/a-scope.ts";
import { readTemplate } from "../../testkit/a-template.ts";
import { evaluate, render, TemplateError } from "../render.ts";
import { FILTERS } from "./filters.ts";

const name = fc.constantFrom("a", "b", "name", "constructor", "__proto__", "toString", "x y", "0");

/** JSON as it comes from outside: with keys of prototypes, and texts that look like numbers, dates and templates. */
const json = fc
  .letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom(null, true, false, 0, -1.5, 1e21, 1e-7, 1e308, 42, 1_700_000_000_000),
      fc.constantFrom("", "Ada", "12.5", "-3", "2026-03-29", "{{input}}", "<b>'x'", "a,b", "UTC"),
      fc.constantFrom("%Y", "USD", "days", "a * b", "👍\ud800", '{"a":[1]}', "a"),
      fc.array(tie("value"), { maxLength: 4 }),
      fc.array(fc.dictionary(name, tie("value"), { maxKeys: 3, noNullPrototype: true }), {
        maxLength: 4,
      }),
      fc.dictionary(name, tie("value"), { maxKeys: 4, noNullPrototype: true }),
    ),
  }))
  // Through text: nothing is shared, and there is no minus zero.
  .value.map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);

const path = fc
  .tuple(
    fc.constantFrom(
      "input",
      "item",
      "result",
      "steps.one.output",
      "a",
      "env",
      "now",
      "error",
      "event",
    ),
    fc.array(fc.oneof(name, fc.constantFrom("1", "-1")), { maxLength: 2 }),
  )
  .map(([root, names]) => root + names.map((one) => `['${one}']`).join(""));

const literal = fc.constantFrom(
  ..."'a' 'a*b' 'a.b' '' ',' '%Y-%m-%d' '%^b' 'UTC' 'Europe/Berlin' 'USD' 'de-DE' 'days' 'month' 0 1 2 -1 0.1 100 1e300 true null".split(
    " ",
  ),
  "'(a + 1) / b'",
  "'-a % 0.3'",
  '"a\\"\\u00e9"',
);
const operand = fc.oneof(literal, path);

/** Right as a rule, so that most are run. */
const call = fc.constantFrom(...FILTERS.values()).chain((filter) =>
  fc
    .tuple(
      fc.tuple(...filter.params.map(() => operand)),
      fc.integer({ min: 0, max: filter.params.length }),
    )
    .map(([args, count]) => {
      const needed = filter.params.filter((param) => param.isOptional !== true).length;
      const given = args.slice(0, Math.max(count, needed)).join(", ");
      return given === "" ? filter.name : `${filter.name}: ${given}`;
    }),
);

const output = fc
  .tuple(operand, fc.array(call, { maxLength: 4 }))
  .map(([head, calls]) => `{{ ${[head, ...calls].join(" | ")} }}`);

const noise = fc.constantFrom("", " ", "{{", "}}", "'", "|", ":", "\\", "<p>", "{% x %}");
const text = fc.oneof(
  { weight: 6, arbitrary: output },
  {
    weight: 2,
    arbitrary: fc.array(fc.oneof(output, noise), { maxLength: 4 }).map((it) => it.join("")),
  },
  { weight: 1, arbitrary: fc.array(fc.oneof(noise, operand, call)).map((it) => it.join("")) },
);
const template = fc.oneof(
  text,
  fc.tuple(text, text).map(([a, b]): JsonValue => ({ a, b: [b, 1], __proto__: null })),
);

type Result =
  | { readonly kind: "value"; readonly value: JsonValue | undefined }
  | { readonly kind: "failed"; readonly message: string };

/** Anything but a value or a TemplateError is thrown on. */
function attempt(what: () => JsonValue | undefined): Result {
  try {
    return { kind: "value", value: what() };
  } catch (error) {
    if (error instanceof TemplateError) return { kind: "failed", message: error.message };
    throw error;
  }
}

/** As `render` gives it. */
const toJson = (result: Result): Result =>
  result.kind === "value"
    ? { kind: "value", value: JSON.parse(JSON.stringify(result.value ?? null)) as JsonValue }
    : result;

/** Nothing is in it that JSON cannot say. */
const isStorable = (result: Result): boolean =>
  result.kind === "failed" || toJsonText(result.value).ok;

describe("any template over any data", () => {
  test("is reported, or gives JSON, or fails with a TemplateError", () => {
    const seen = { reported: 0, value: 0, failed: 0 };
    const isHtml = fc.boolean();
    fc.assert(
      fc.property(template, json, json, isHtml, (source, input, item, html) => {
        const { template: parsed, problems } = readTemplate(source, html ? { escape: "html" } : {});
        seen.reported += Math.sign(problems.length);
        fc.pre(problems.length === 0);
        const before = JSON.stringify([input, item]);
        const parts = { input, outputs: { one: item }, roots: { item, event: { data: item } } };
        const rendered = attempt(() => JSON.parse(render(parsed, aScope(parts))) as JsonValue);
        const evaluated = attempt(() => evaluate(parsed, aScope(parts)));
        expect(rendered).toEqual(toJson(evaluated));
        expect(isStorable(evaluated)).toBe(true);
        expect(JSON.stringify([input, item])).toBe(before);
        seen[evaluated.kind]++;
      }),
      { numRuns: 3_000 },
    );
    // It looks at enough of each kind.
    expect(Math.min(seen.reported, seen.value, seen.failed)).toBeGreaterThan(300);
  });

  test("never shows what the data does not have", () => {
    const hidden = [
      "constructor",
      "__proto__",
      "toString",
      "hasOwnProperty",
      "length",
      "prototype",
    ];
    const roots = ["", "input.", "result.", "steps.one.output.", "item.0.", "env.", "event."];
    const scope = aScope({
      input: { a: {} },
      outputs: { one: [] },
      roots: { item: ["text"], event: { data: {} } },
    });
    for (const root of roots) {
      for (const key of hidden) {
        const path = `{{${root}${key}}}`;
        expect([path, evaluate(readTemplate(path).template, scope)]).toEqual([path, undefined]);
        const mapped = readTemplate(`{{ item | map: '${key}' | first }}`).template;
        expect(evaluate(mapped, scope)).toBeNull();
      }
    }
  });
});
