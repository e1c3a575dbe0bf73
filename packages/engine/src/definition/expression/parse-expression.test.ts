import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { anExpression, hearExpression } from "../../testkit/an-expression.ts";
import { aScope, type ScopeParts } from "../../testkit/a-scope.ts";
import { TemplateError } from "../render.ts";
import { parseExpression } from "./parse-expression.ts";

const SCOPE: ScopeParts = {
  input: {
    n: 5,
    text: "Ada",
    digits: "10",
    yes: true,
    zero: 0,
    empty: "",
    nothing: null,
    list: [1, "two", { a: [3] }],
    "first-name": "Ada",
    nested: { key: "n", index: 2 },
    new: "new",
    customer: { tags: ["vip"] },
  },
  result: { total: 20_000, status: "succeeded", text: "of the result" },
  outputs: { "calculate-total": { total: 7 }, second: [1, 2], nothing: null },
  skipped: ["other"],
  roots: {
    item: { price: 3 },
    index: 1,
    order: { id: 9 },
    event: { data: { kind: "order.created", text: "of the event" } },
  },
  env: { REGION: "eu" },
  now: 1_700_000_000_000,
};

const valueOf = (source: string, parts: ScopeParts = SCOPE): JsonValue | undefined =>
  anExpression(source).evaluate(aScope(parts));

type Row = [source: string, value: JsonValue | undefined];

describe("a literal", () => {
  test.each<Row>([
    ["1", 1],
    ["0x10", 16],
    ["1.5e3", 1500],
    ["1_000", 1000],
    ["'a\\'b'", "a'b"],
    ['"a"', "a"],
    ["`a ' /b/`", "a ' /b/"],
    ["``", ""],
    ["`/a/` + `// b`", "/a/// b"],
    ["true", true],
    ["false", false],
    ["null", null],
    ["undefined", undefined],
    ["[]", []],
    ["[1, 'a', [null], input.n]", [1, "a", [null], 5]],
    ["[1, input.missing]", [1, null]],
    ["(((1)))", 1],
    ["\n 1\t", 1],
  ])("%s is %j", (source, value) => {
    expect(valueOf(source)).toEqual(value);
  });
});

describe("a name", () => {
  test.each<Row>([
    ["input.n", 5],
    ["result.status", "succeeded"],
    ["input['first-name']", "Ada"],
    ["input.list[0]", 1],
    ["input.list['1']", "two"],
    ["input.list[input.nested.index].a[0]", 3],
    ["input[input.nested.key]", 5],
    ["input.list.length", 3],
    ["input.text.length", 3],
    ["input?.list?.[2]?.a", [3]],
    ["input.new", "new"],
    ["(input).n", 5],
    ["item.price + index", 4],
    ["order.id", 9],
    ["event.data.kind", "order.created"],
    ["env.REGION", "eu"],
    ["workflow.name", "A"],
    ["now", "2023-11-14T22:13:20.000Z"],
    ["run.triggerType", "api"],
  ])("%s leads to %j", (source, value) => {
    expect(valueOf(source)).toEqual(value);
  });

  test.each<Row>([
    ["total", 20_000],
    ["text", "of the result"],
    ["digits", "10"],
    ["kind", "order.created"],
    ["unknown", undefined],
    ["unknown.deeper.still", undefined],
  ])("%s on its own is a field of the result, the input or the event: %j", (source, value) => {
    expect(valueOf(source)).toEqual(value);
  });

  test.each([
    "input.missing",
    "input.missing.deeper[0]",
    "input.nothing.deeper",
    "input.n.length",
    "input.text[0]",
    "input.text.toString",
    "input.list[3]",
    "input.list[-1]",
    "input.list[0.5]",
    "input.list['01']",
    "input.list.map",
    "input.list[null]",
    "input[true]",
    "input[undefined]",
    "input[input.list]",
    "input.toString",
    "input.hasOwnProperty",
    "input['to' + 'String']",
    "input['__pro' + 'to__']",
    "input['construct' + 'or']",
    "input.list['construct' + 'or']",
    "input.text['construct' + 'or']",
    "hasOwnProperty",
    "toString",
    "globalThis",
    "process",
    "error.message",
  ])("%s is missing", (source) => {
    expect(valueOf(source)).toBeUndefined();
  });

  test("finds a key that looks like a prototype's, if the data has it", () => {
    const input = JSON.parse('{"__proto__":1,"toString":2}') as JsonValue;
    expect(valueOf("input['__pro' + 'to__']", { input })).toBe(1);
    expect(valueOf("input.toString", { input })).toBe(2);
  });

  test("that another language reserves is a name like any other", () => {
    const input = { package: { weight: 2 }, await: 1, let: 2, public: 3, async: 4, of: 5 };
    expect(valueOf("package.weight + await + let + public + async + of", { input })).toBe(17);
  });
});

describe("steps", () => {
  test.each<Row>([
    ['steps["calculate-total"].result.total', 7],
    ["steps['calculate-total'].output.total", 7],
    ["steps.second.result[1]", 2],
    ["steps.second.result.length", 2],
    ["(steps.second).result", [1, 2]],
    ["steps?.second?.result", [1, 2]],
    ["steps.second['result']", [1, 2]],
    ["steps.second['res' + 'ult']", [1, 2]],
    ["steps['sec' + 'ond'].status", "completed"],
    ["steps.nothing.result", null],
    ["steps.second.status", "completed"],
    ["steps.other.status", "skipped"],
    ["steps.other.result", undefined],
    ["steps.third.status", "pending"],
    ["steps.third.status === 'pending' && !steps.third.result", true],
    ["steps.third.result.deeper", undefined],
    ["steps[null].status", undefined],
    ["steps.constructs.status", "pending"],
    ["steps.second", { result: [1, 2], output: [1, 2], status: "completed" }],
    ["steps.third", { status: "pending" }],
  ])("%s is %j", (source, value) => {
    expect(valueOf(source)).toEqual(value);
  });

  test("are reported once each, if the source says which", () => {
    const { references } = hearExpression(
      "steps.a.result + steps['b-c'].result + steps.a.output + steps[input.d].result + [steps[1].status]",
    );
    expect(references).toEqual(["a", "b-c", "1"]);
  });

  test("are reported where the expression stands", () => {
    const heard: unknown[] = [];
    const hear = (...what: unknown[]): void => void heard.push(what);
    parseExpression("steps.a.result > resutl.b", ["config", 0], {
      problem: hear,
      warning: hear,
      reference: hear,
    });
    expect(heard).toEqual([
      [["config", 0], "a"],
      [["config", 0], expect.stringContaining("resutl"), 'did you mean "result"?'],
    ]);
  });
});

describe("an operator gives", () => {
  test.each<Row>([
    // The seeds' own.
    ["result.total > 10000", true],
    ['result.status === "succeeded"', true],
    ["result.approved === true", false],
    ["customer.lifetimeValue > 10000 && customer.purchases > 5", false],
    // Order of operations.
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3", 9],
    ["10 - 4 - 3", 3],
    ["24 / 4 / 2", 3],
    ["7 % 4 * 2", 6],
    ["1 + 1 === 2 && 2 > 1 || false", true],
    ["false && true || true", true],
    ["!true === false", true],
    ["- 2 * - 3", 6],
    ["true ? 1 : false ? 2 : 3", 1],
    ["false ? 1 : false ? 2 : 3", 3],
    ["1 < 2 === true", true],
    // Arithmetic.
    ["0.1 + 0.2", 0.1 + 0.2],
    ["'5' * '2'", 10],
    ["'5' - 2", 3],
    ["-7 % 4", -3],
    ["1.5 / 0.5", 3],
    ["-input.digits", -10],
    ["+input.digits", 10],
    ["-0", 0],
    ["0 * -1", 0],
    // Text.
    ["'a' + 'b'", "ab"],
    ["'a' + 1 + 2", "a12"],
    ["1 + 2 + 'a'", "3a"],
    ["'a' + null + input.missing + true", "atrue"],
    ["'' + 1e-7", "0.0000001"],
    // Equality.
    ["1 === 1", true],
    ["1 === '1'", false],
    ["1 !== '1'", true],
    ["null === input.missing", false],
    ["input.missing === undefined", true],
    ["[1, [2]] === [1, [2]]", true],
    ["[1, 2] === [2, 1]", false],
    ["[1] === [1, 2]", false],
    ["input.list[2] === item", false],
    ["input.list[2] === input.list[2]", true],
    ["null == input.missing", true],
    ["1 == '1.0'", true],
    ["'1' == '1.0'", false],
    ["0 == ''", false],
    ["0 == null", false],
    ["0 == false", false],
    ["null == ''", false],
    ["[1] == ['1']", false],
    ["1 != '1'", false],
    ["1 != 2", true],
    // Order.
    ["2 > '10'", false],
    ["'2' > '10'", true],
    ["'b' >= 'a'", true],
    ["'a' <= 'a'", true],
    ["3 <= 3", true],
    ["3 < 3", false],
    ["now > '2023-01-01'", true],
    ["input.missing > 1", false],
    ["input.missing <= 1", false],
    ["null >= 0", false],
    ["null <= null", false],
    ["true > false", false],
    ["[2] > 1", false],
    ["'x' > 1", false],
    // Choices give one of their sides.
    ["input.n && 'b'", "b"],
    ["input.empty && 'b'", ""],
    ["input.empty || 'b'", "b"],
    ["input.list || 'b'", [1, "two", { a: [3] }]],
    ["input.zero ?? 1", 0],
    ["input.nothing ?? 1", 1],
    ["input.missing ?? 1", 1],
    ["input.missing && 1 / 0", undefined],
    ["true || 1 / 0", true],
    ["1 ?? 1 / 0", 1],
    ["true ? 1 : 1 / 0", 1],
    ["false ? 1 / 0 : 2", 2],
    ["[] ? 1 : 2", 1],
    ["!input.list[2]", false],
    ["!0 && !'' && !null && !undefined", true],
    ["(1 && 2).length ?? 'none'", "none"],
    // Membership.
    ["'paid' in ['open', 'paid']", true],
    ["'a' in [1]", false],
    ["[3] in [input.list[2].a]", true],
    ["0 in ['a']", false],
    ["'n' in input", true],
    ["'m' in input", false],
    ["'toString' in input", false],
    ["null in input", false],
    ["0 in input", false],
    ["'a' in input.missing", false],
    ["'a' in null", false],
    ["undefined in ['a']", false],
  ])("%s: %j", (source, value) => {
    expect(valueOf(source)).toEqual(value);
  });

  test("a zero that JSON knows", () => {
    expect(Object.is(valueOf("0 * -1"), 0)).toBe(true);
    expect(Object.is(valueOf("-0"), 0)).toBe(true);
  });
});

describe("a call gives", () => {
  test.each<Row>([
    ["input.text.includes('d')", true],
    ["input.text.includes('D')", false],
    ["input.digits.includes(1)", true],
    ["input.list.includes('two')", true],
    ["input.list.includes('2')", false],
    ["[[1], [2]].includes([2])", true],
    ["'abc'.startsWith('ab')", true],
    ["'abc'.startsWith('b')", false],
    ["'abc'.endsWith('bc')", true],
    ["'abc'.endsWith('ab')", false],
    ["'7 apples'.startsWith(7)", true],
    ["' Ä '.trim().toLowerCase()", "ä"],
    ["'straße'.toUpperCase()", "STRASSE"],
    ["[1, 2].some(2)", true],
    ["[1, 2].some(3)", false],
    ["[1, 1].every(1)", true],
    ["[1, 2].every(1)", false],
    ["[].every(1)", true],
    ["input.customer?.tags?.includes?.('vip')", true],
    ["input.missing.includes('a')", undefined],
    ["input.nothing.trim()", undefined],
    ["!input.missing.tags.includes('vip')", true],
    ["input.missing.includes(1 / 0)", undefined],
    ["'a'.includes(input.missing)", false],
    ["'a'.startsWith(null)", false],
    ["[null].includes(input.missing)", false],
    ["input.text.trim().length", 3],
    ["Number('2') + Number(3) + Number(true) + Number(false)", 6],
    ["String(12) + String('a') + String(null) + String(input.missing)", "12a"],
    ["String(true)", "true"],
    ["String(1e21)", "1000000000000000000000"],
    ["String([1, 'a'])", '[1,"a"]'],
    ["String(item)", '{"price":3}'],
    ["Boolean('')", false],
    ["Boolean('false')", true],
    ["Boolean([])", true],
    ["now()", 1_700_000_000_000],
    ["now() - 86400000 < now()", true],
  ])("%s: %j", (source, value) => {
    expect(valueOf(source)).toEqual(value);
  });
});

describe("an expression fails, in words,", () => {
  test.each([
    ["1 / 0", "divides by zero"],
    ["1 % 0", "divides by zero"],
    ["1 / '0'", "divides by zero"],
    ["input.missing - 1", "the left side of - must be a number, but it is missing"],
    ["1 * input.text", "the right side of * must be a number, but it is of type string"],
    ["'' * 1", "the left side of * must be a number, but it is of type string"],
    ["null * 1", "the left side of * must be a number, but it is of type null"],
    ["true * 1", "the left side of * must be a number, but it is of type boolean"],
    ["-input.missing", "what - stands before must be a number, but it is missing"],
    ["+[1]", "what + stands before must be a number, but it is of type array"],
    ["1 + input.missing", "the right side of + must be a number or a text, but it is missing"],
    ["null + 1", "the left side of + must be a number or a text, but it is of type null"],
    ["[] + []", "the left side of + must be a number or a text, but it is of type array"],
    ["'a' + input", "+ joins texts, and one side is of type object; use String(…) for its JSON"],
    ["1e308 * 10", "the result of * is too large for a number"],
    ["1e308 + 1e308", "the result of + is too large for a number"],
    ["Number(input.missing)", "what Number(…) gets must be a number, but it is missing"],
    ["Number('12 pieces')", "what Number(…) gets must be a number, but it is of type string"],
    ["Number('')", "what Number(…) gets must be a number, but it is of type string"],
    ["'a' in 'abc'", "the right side of in must be a list or an object, but it is of type string"],
    [
      "input.n.includes(1)",
      "includes is asked of a text or a list, but what stands before it is of type number",
    ],
    ["input.n.trim()", "trim is asked of a text, but what stands before it is of type number"],
    ["'a'.some('a')", "some is asked of a list, but what stands before it is of type string"],
    ["input.every(1)", "every is asked of a list, but what stands before it is of type object"],
    ["'a'.includes([1])", "includes looks for a text, but what it got is of type array"],
  ])("%s: %s", (source, problem) => {
    const message = `The expression ${source}: ${problem}`;
    expect(() => valueOf(source)).toThrow(new TemplateError(message));
  });

  test("and says nothing of the data", () => {
    const input = { card: "4242 4242" };
    expect(() => valueOf("input.card * 2", { input })).toThrow(/^(?!.*4242)/);
  });
});

describe("a source in braces", () => {
  test.each<Row>([
    ["{{ input.n }}", 5],
    ["{{input.n > 4}}", true],
    ["  {{ 'a' }}  ", "a"],
  ])("%s is what stands inside", (source, value) => {
    expect(valueOf(source)).toEqual(value);
  });

  test("loses one pair of them only, and only around the whole", () => {
    for (const source of [
      "{{input.n}} > {{input.n}}",
      "{{input.n}} > 1",
      "{{{{input.n}}}}",
      "{input.n}",
      "{{input.n}",
    ]) {
      expect([source, hearExpression(source).problems]).toEqual([
        source,
        [`The expression ${source} has braces`],
      ]);
    }
  });

  test("is kept without them", () => {
    expect(anExpression(" {{ input.n }} ").source).toBe("input.n");
  });
});

describe("a name that is nearly a root", () => {
  test.each([
    ["inptu.total > 1", 'did you mean "input"?'],
    ["results.total > 1", 'did you mean "result"?'],
    ["step.a", 'did you mean "steps"?'],
    ["Input.a", 'did you mean "input"?'],
  ])("gives a warning: %s", (source, hint) => {
    const { expression, warnings } = hearExpression(source);
    expect(expression).toBeDefined();
    expect(warnings).toEqual([expect.stringMatching(/is read as a field of the result/)]);
    expect(warnings[0]).toContain(hint);
  });

  test.each(["input.inptu", "score > 70", "items.length > 1", "now", "customer.a", "run.id"])(
    "is not %s",
    (source) => {
      expect(hearExpression(source).warnings).toEqual([]);
    },
  );
});
