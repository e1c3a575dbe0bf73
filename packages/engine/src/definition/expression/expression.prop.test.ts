// Whatever is written: a problem in words, or an expression that evaluates to JSON, to nothing, or to a TemplateError.
import { isDeepStrictEqual } from "node:util";
import type { JsonValue } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hearExpression } from "../../testkit/an-expression.ts";
import { aScope } from "../../testkit/a-scope.ts";
import { TemplateError } from "../render.ts";
import type { Scope } from "../scope.ts";
import type { Expression } from "./expression.ts";

const toJson = (value: unknown): JsonValue => JSON.parse(JSON.stringify(value)) as JsonValue;
const json = (maxDepth: number): fc.Arbitrary<JsonValue> => fc.jsonValue({ maxDepth }).map(toJson);

/** Any of the words in the text. */
const anyOf = (words: string): fc.Arbitrary<string> => fc.constantFrom(...words.split(" "));

const name = anyOf(
  "input result steps item now a b length in new undefined NaN this await x-y " +
    "constructor __proto__ prototype toString valueOf",
);

const literal = fc.oneof(
  fc.double().map(String),
  fc.integer().map(String),
  fc.string({ maxLength: 5 }).map((text) => JSON.stringify(text)),
  fc.constantFrom(
    "''",
    "`a`",
    "null",
    "true",
    "false",
    "1e308",
    "0",
    "-0",
    "[]",
    "1n",
    "/a/",
    "010",
  ),
);

const operator = fc.oneof(
  { arbitrary: anyOf("=== !== == != > >= < <= && || ?? + - * / % in"), weight: 4 },
  anyOf("instanceof = ** | & => , . ?. ;"),
);

const call = fc.oneof(
  {
    arbitrary: anyOf("includes startsWith endsWith toLowerCase toUpperCase trim some every"),
    weight: 4,
  },
  anyOf("Number String Boolean now eval constructor toString map"),
);

/** Mostly right, since what is wrong somewhere is refused as a whole. */
const { source } = fc.letrec<{ source: string }>((tie) => ({
  source: fc.oneof(
    { depthSize: "medium", withCrossShrink: true },
    { arbitrary: literal, weight: 3 },
    { arbitrary: fc.constantFrom("input", "result", "input.a", "result.b", "a", "b.a"), weight: 6 },
    { arbitrary: fc.constantFrom("steps.a", "steps.b.result", "steps['c-d'].status"), weight: 2 },
    { arbitrary: name, weight: 1 },
    {
      arbitrary: fc
        .tuple(tie("source"), operator, tie("source"))
        .map(([left, sign, right]) => `${left} ${sign} ${right}`),
      weight: 8,
    },
    fc
      .tuple(fc.constantFrom("!", "-", "+", "~", "typeof ", "..."), tie("source"))
      .map((it) => it.join("")),
    fc
      .tuple(tie("source"), tie("source"), tie("source"))
      .map(([a, b, c]) => `(${a} ? ${b} : ${c})`),
    fc.tuple(tie("source"), name).map(([a, b]) => `${a}.${b}`),
    fc.tuple(tie("source"), tie("source")).map(([a, b]) => `${a}[${b}]`),
    fc.tuple(tie("source"), call, tie("source")).map(([a, b, c]) => `(${a}).${b}(${c})`),
    fc.tuple(tie("source"), call).map(([a, b]) => `(${a}).${b}()`),
    fc.tuple(call, tie("source")).map(([a, b]) => `${a}(${b})`),
    fc.array(tie("source"), { maxLength: 3 }).map((items) => `[${items.join(", ")}]`),
    tie("source").map((it) => `(${it})`),
    tie("source").map((it) => `{{${it}}}`),
  ),
}));

/** The words and signs of the language and around it, in any order. */
const salad = fc
  .array(
    fc.oneof(name, literal, operator, call, anyOf("( ) [ ] { } ` ${ ' // /* ? : ! ++ <!-- \n")),
    {
      maxLength: 30,
    },
  )
  .map((parts) => parts.join(" "));

const isJson = (value: unknown): boolean => {
  if (value === null || typeof value === "string" || typeof value === "boolean") return true;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object") return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    (prototype === Object.prototype || prototype === Array.prototype) &&
    Object.values(value).every(isJson)
  );
};

const OUTCOMES = ["refused", "value", "failure"];

/** @returns what came of it, or what should not have */
function outcomeOf(text: string, input: JsonValue, result: JsonValue): string {
  const { expression, problems, hints } = hearExpression(text);
  if (expression === undefined) {
    const isSaid = problems.length === 1 && /^The expression .{1,200}$/su.test(problems[0] ?? "");
    return isSaid && hints[0] !== undefined ? "refused" : `refused as ${problems.join()}`;
  }
  if (problems.length > 0) return `not refused, with ${problems.join()}`;
  const outputs = { a: input, b: result };
  const scope = aScope({ input, result, outputs, roots: { item: input } });
  const before = JSON.stringify([input, result]);
  const first = evaluate(expression, scope);
  // A replay must find the same, and nothing may be changed by it.
  const isSame = isDeepStrictEqual(evaluate(expression, scope), first);
  if (!isSame || JSON.stringify([input, result]) !== before) return "another one the second time";
  return first.outcome;
}

function evaluate(expression: Expression, scope: Scope): { outcome: string; value?: unknown } {
  try {
    const value = expression.evaluate(scope);
    const isFine = value === undefined || isJson(value);
    return { outcome: isFine ? "value" : "a value that is no JSON", value };
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    const isSaid = /^The expression .+: .+$/su.test(error.message);
    return { outcome: isSaid ? "failure" : error.message };
  }
}

const data = fc.oneof(
  json(3),
  fc.record({ a: json(2), b: fc.oneof(fc.integer(), fc.string(), json(1)) }).map(toJson),
  fc.array(fc.integer(), { maxLength: 4 }),
);

describe("any source", () => {
  test("of the grammar, or near it", () => {
    const counts = new Map<string, number>();
    fc.assert(
      fc.property(source, data, data, (...given) => {
        const outcome = outcomeOf(...given);
        counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
        expect(OUTCOMES).toContain(outcome);
      }),
      { numRuns: 3_000 },
    );
    // A generator that is refused all the time, or never, would show nothing.
    expect(Math.min(...OUTCOMES.map((outcome) => counts.get(outcome) ?? 0))).toBeGreaterThan(100);
  });

  test("of words and signs in any order", () => {
    fc.assert(
      fc.property(salad, data, data, (...given) => {
        expect(OUTCOMES).toContain(outcomeOf(...given));
      }),
      { numRuns: 1_000 },
    );
  });

  test("of any characters", () => {
    const characters = fc.oneof(
      fc.string({ maxLength: 50 }),
      // Halves of pairs, too.
      fc.string({ unit: fc.nat(0xffff).map((code) => String.fromCharCode(code)), maxLength: 50 }),
    );
    fc.assert(
      fc.property(characters, data, data, (...given) => {
        expect(OUTCOMES).toContain(outcomeOf(...given));
      }),
      { numRuns: 1_000 },
    );
  });

  test("that is a part of one that is right", () => {
    const whole = `steps["a-b"].result.total > 10 && (input.x ?? [1, "two"]).includes(\`y\`) ? !a : -1`;
    const place = fc.nat(whole.length);
    fc.assert(
      fc.property(place, place, fc.string({ maxLength: 2 }), (from, to, text) => {
        const changed = whole.slice(0, from) + text + whole.slice(to);
        expect(OUTCOMES).toContain(outcomeOf(changed, {}, {}));
      }),
      { numRuns: 1_000 },
    );
  });
});
