// What costs too much is refused when it is read or fails when it is evaluated; nothing overflows a stack or runs long.
import { MAX_JSON_DEPTH, type JsonValue } from "@millrace/protocol";
import { parseExpressionAt } from "acorn";
import { describe, expect, test } from "vitest";
import { anExpression, hearExpression } from "../../testkit/an-expression.ts";
import { aScope } from "../../testkit/a-scope.ts";
import { buildTree } from "./build-tree.ts";
import { compileTree } from "./compile-tree.ts";
import { Evaluation, MAX_LENGTH, MAX_STEPS } from "./evaluation.ts";
import { MAX_SOURCE_LENGTH } from "./parse-expression.ts";
import { MAX_NESTING, MAX_PARTS } from "./scan-source.ts";

const join = (count: number, part: string, between: string): string =>
  Array.from({ length: count }, () => part).join(between);

const problemsOf = (source: string): readonly string[] => hearExpression(source).problems;
const valueOf = (source: string, input: JsonValue = {}): JsonValue | undefined =>
  anExpression(source).evaluate(aScope({ input }));

/** Sources of any depth, whose value is that of the innermost `input.a`. */
const NESTED: readonly (readonly [name: string, nest: (depth: number) => string])[] = [
  ["brackets", (n) => `${"(".repeat(n)}input.a${")".repeat(n)}`],
  ["negations", (n) => `${"!".repeat(n)}input.a`],
  ["minus signs", (n) => `${"- ".repeat(n)}input.a`],
  ["minus signs and brackets", (n) => `${"-(".repeat(n / 2)}input.a${")".repeat(n / 2)}`],
  ["lists", (n) => `${"[".repeat(n)}input.a${"]".repeat(n)}`],
  ["keys", (n) => `${"input[".repeat(n)}'a'${"]".repeat(n)}`],
  ["calls", (n) => `${"Number(".repeat(n)}input.a${")".repeat(n)}`],
  ["calls that were negated", (n) => `${"!Boolean(".repeat(n)}input.a${")".repeat(n)}`],
  ["choices on the right", (n) => `${"input.a ? input.a : ".repeat(n)}input.a`],
  ["choices on the left", (n) => `${"input.a ? ".repeat(n)}input.a${" : 0".repeat(n)}`],
  ["operands on the right", (n) => `${"0 + (".repeat(n)}input.a${")".repeat(n)}`],
];

describe("nesting", () => {
  test.each(NESTED)("of %s is fine up to the limit", (_, nest) => {
    const { expression, problems } = hearExpression(nest(MAX_NESTING));
    expect(problems).toEqual([]);
    expect(expression?.evaluate(aScope({ input: { a: 1, "1": 1 } }))).toBeDefined();
  });

  test.each(NESTED)("of %s is refused above the limit", (_, nest) => {
    for (const depth of [MAX_NESTING + 2, 400, 1_000, 5_000]) {
      const source = nest(depth);
      const problems = problemsOf(source);
      expect(problems).toHaveLength(1);
      expect(problems[0]).toMatch(
        source.length > MAX_SOURCE_LENGTH
          ? /more than 10000$/
          : /(nested deeper than 100 levels|more than 2000 names, values and operators)$/,
      );
    }
  });

  test.each([
    "(".repeat(10_000),
    "[".repeat(10_000),
    "!".repeat(10_000),
    "-(".repeat(5_000),
    "!(".repeat(5_000),
    ")".repeat(10_000),
    "a?".repeat(5_000),
    "a?(".repeat(3_000),
    "a?.(".repeat(2_500),
    "`".repeat(10_000),
    "`${".repeat(3_000),
    "{".repeat(10_000),
    "=>".repeat(5_000),
    "a=>".repeat(3_000),
    "a=".repeat(5_000),
    "a**".repeat(3_000),
    "new ".repeat(2_500),
    "async ".repeat(1_500),
    "await ".repeat(1_500),
    "function(){".repeat(900),
    `/${"(".repeat(9_999)}`,
    `a?.in /${"(".repeat(9_900)}/`,
    "<!--\n".repeat(2_000),
    "...".repeat(3_000),
    "a(".repeat(5_000),
    "a[".repeat(5_000),
  ])("is refused whatever it is made of: %#", (source) => {
    expect(problemsOf(source)).toHaveLength(1);
  });
});

describe("what stands side by side", () => {
  const MANY = MAX_NESTING + 50;

  test.each([
    ["choices in a list", `[${join(MANY, "input.a ? 1 : 2", ", ")}].length`, MANY],
    ["choices in brackets", join(MANY, "(input.a ? 1 : 2)", " + "), MANY],
    ["negated brackets", join(MANY, "!(!(input.a))", " && "), true],
    ["negated calls", join(MANY, "!Boolean(!input.a)", " && "), true],
    ["negations", join(MANY, "!!input.a", " && "), true],
    ["minus signs", join(MANY, "- -input.a", " + "), MANY],
    ["lists", join(MANY, "[[1]].length", " + "), MANY],
  ])("is not nested: %s", (_, source, value) => {
    expect(valueOf(source, { a: 1 })).toBe(value);
  });
});

describe("length", () => {
  test.each([
    ["a sum", "input.a", "+", 660],
    ["a product", "1", "*", 999],
    ["all of many", "input.a", "&&", 660],
    ["any of many", "input.b", "||", 660],
    ["names behind names", "a", ".", 1_999],
    ["calls behind a value", "a.trim()", " + ", 400],
  ])("of %s is fine as long as the source may be", (_, part, between, count) => {
    expect(problemsOf(join(count, part, between))).toEqual([]);
  });

  test("of a chain takes no more of the stack than a short one", () => {
    const input = { a: 1, text: " x " };
    expect(valueOf(join(660, "input.a", "+"), input)).toBe(660);
    expect(valueOf(`input.text${".trim()".repeat(900)}`, input)).toBe("x");
    expect(valueOf(join(1_999, "a", "."), input)).toBeUndefined();
    expect(valueOf(`1${" - 1".repeat(900)}`, input)).toBe(-899);
    expect(valueOf(`[${join(1_990, "1", ",")}].length`)).toBe(1_990);
  });

  test.each([
    ["operators", join(1_001, "a", "+")],
    ["names", join(MAX_PARTS + 1, "a", ".")],
    ["elements", `[${join(MAX_PARTS, "1", ",")}]`],
    ["calls", `a${".trim()".repeat(1_000)}`],
  ])("of too many %s is refused", (_, source) => {
    expect(problemsOf(source)).toEqual([
      expect.stringMatching(/has more than 2000 names, values and operators$/),
    ]);
  });

  test("of the source is bounded", () => {
    const longest = `'${"x".repeat(MAX_SOURCE_LENGTH - 2)}'`;
    expect(problemsOf(longest)).toEqual([]);
    expect(problemsOf(`${longest}+1`)[0]).toMatch(/has 10002 characters, more than 10000$/);
    expect(problemsOf(" ".repeat(1_000_000))).toEqual(["The expression is empty"]);
  });

  test("of a message is bounded", () => {
    const long = "x".repeat(5_000);
    for (const source of [
      `${long}(1)`,
      `steps.a.${long}`,
      `${"9".repeat(5_000)}n`,
      `${long} ${long}`,
    ]) {
      const { problems, hints } = hearExpression(source);
      expect(problems[0]?.length).toBeLessThan(200);
      expect(hints[0]?.length ?? 0).toBeLessThan(200);
    }
    expect(() => valueOf(`'${long}' * 1`)).toThrow(/^.{1,200}$/);
  });
});

describe("the steps of an evaluation", () => {
  const stepsOf = (source: string, input: JsonValue = {}): number => {
    const { root } = buildTree(source, parseExpressionAt(source, 0, { ecmaVersion: 2024 }));
    const evaluation = new Evaluation(aScope({ input }), source);
    compileTree(root)(evaluation);
    return evaluation.steps;
  };

  test.each<[source: string, input: JsonValue, steps: number]>([
    ["input.a > 1", { a: 1 }, 2],
    ["!input.a && input.a", { a: 0 }, 4],
    ["[1, 2, 3]", {}, 3],
    ["input.includes(0)", Array.from({ length: 1_000 }, () => 1), 1_001],
    ["input.every(1)", Array.from({ length: 1_000 }, () => 1), 1_001],
    ["1 in input", [2, 2, 1, 2], 4],
    ["input.a === input.b", { a: [1, [2, 3]], b: [1, [2, 3]] }, 7],
    ["input.a === input.b", { a: { x: 1, y: 2 }, b: { x: 1, y: 2 } }, 5],
    ["input.a.includes('b')", { a: "a".repeat(2_560) }, 12],
    ["input.a + 'b'", { a: "a".repeat(2_559) }, 12],
    ["input.a === input.b", { a: "a".repeat(2_560), b: "a".repeat(2_560) }, 13],
    ["input.a < input.b", { a: "a".repeat(2_560), b: "a".repeat(2_560) }, 13],
    ["input.a.trim()", { a: "a".repeat(2_560) }, 12],
    ["input.a.toLowerCase()", { a: "a".repeat(2_560) }, 12],
  ])("of %s are counted", (source, input, steps) => {
    expect(stepsOf(source, input)).toBe(steps);
  });

  const MANY = Array.from({ length: MAX_STEPS }, () => 1);
  const KEYS = Object.fromEntries(MANY.map((_, i) => [`k${i}`, i]));
  const TEXT = "a".repeat(1024 * 1024);

  test.each<[source: string, input: JsonValue]>([
    ["input.includes(0)", MANY],
    ["input.some(0)", MANY],
    ["input.every(1)", MANY],
    ["0 in input", MANY],
    ["input.a === input.b", { a: MANY, b: [...MANY] }],
    ["input.a == input.b", { a: KEYS, b: { ...KEYS } }],
    [join(40, "input.toLowerCase()", " < "), TEXT],
    [join(40, "input.includes('b')", " || "), TEXT],
    [join(80, "input.trim() === 'a'", " || "), TEXT],
  ])("are bounded: %#", (source, input) => {
    expect(() => valueOf(source, input)).toThrow(/: costs more than 100000 steps$/);
  });

  test("are none that a comparison does not need", () => {
    expect(valueOf("input === input", MANY)).toBe(true);
    expect(valueOf("input.a === input.b", { a: MANY, b: [1] })).toBe(false);
    expect(valueOf("input.includes(1)", MANY)).toBe(true);
  });
});

describe("what an expression makes", () => {
  const TEXT = "a".repeat(400_000);

  test.each([
    "input + input + input",
    "input + input + String(input) + 1",
    "String([input, input, input])",
    "[input, input, input]",
    "true && [[input], [input], input]",
  ])("is bounded: %s", (source) => {
    expect(() => valueOf(source, TEXT)).toThrow(/makes a (text|list) of more than 1048576 char/);
  });

  test("may be as long as the limit", () => {
    const half = "ß".repeat(MAX_LENGTH / 2);
    expect(valueOf("input + input", half)).toHaveLength(MAX_LENGTH);
    expect(valueOf("input.toUpperCase()", half)).toHaveLength(MAX_LENGTH);
    expect(() => valueOf("(input + 'ß').toUpperCase()", half)).toThrow(/makes a text of more/);
  });

  test("is not measured if it is only a part of what there is", () => {
    const list = Array.from({ length: 600_000 }, () => 1);
    expect(valueOf("input.list", { list })).toHaveLength(600_000);
    expect(valueOf("[input.list][0].length", { list })).toBe(600_000);
    expect(valueOf("'a' in ['a'] ? input.list : []", { list })).toHaveLength(600_000);
  });

  test("is no deeper than JSON may be", () => {
    const nest = (depth: number): JsonValue => (depth === 0 ? 1 : [nest(depth - 1)]);
    expect(valueOf("[input]", nest(MAX_JSON_DEPTH - 1))).toEqual(nest(MAX_JSON_DEPTH));
    expect(() => valueOf("[input]", nest(MAX_JSON_DEPTH))).toThrow(/deeper than 256 levels$/);
    expect(() => valueOf("String([input])", nest(MAX_JSON_DEPTH))).toThrow(/deeper than 256/);
  });

  test("a whole step is, too", () => {
    const scope = aScope({ outputs: { a: "a".repeat(600_000) } });
    expect(() => anExpression("steps.a").evaluate(scope)).toThrow(/makes a list of more than/);
    expect(anExpression("steps.a.result.length").evaluate(scope)).toBe(600_000);
  });
});
