import type { JsonText, JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { parseExpression } from "../definition/expression/parse-expression.ts";
import { FieldReader } from "../definition/field-reader.ts";
import type { JsonObject } from "../definition/json-shape.ts";
import { Report } from "../definition/report.ts";
import type { StepReader, StepWork } from "../definition/step-kind.ts";
import { parseTemplate, type TemplateListener } from "../definition/template.ts";
import { aScope, type ScopeParts } from "../testkit/a-scope.ts";
import { conditionKind } from "./condition.ts";

const IS_ONE = { left: "{{input.n}}", operator: "eq", right: "1" };
const IS_TWO = { left: "{{input.n}}", operator: "eq", right: 2 };
const HAS_TEXT = { left: "{{input.text}}", operator: "contains", right: "x{{input.n}}" };
const INPUT = { n: 1, text: "ax1", list: ["a", "b"], pattern: "^a.1$", broken: "(" };

interface Compiled {
  readonly work: StepWork | null;
  readonly report: Report;
  readonly references: readonly string[];
}

/** The kind as a definition's reader asks it. */
function compile(fields: JsonObject): Compiled {
  const report = new Report();
  const references: string[] = [];
  const listener: TemplateListener = {
    problem: (at, message, hint) => report.error(at, message, hint),
    warning: (at, message, hint) => report.warn(at, message, hint),
    reference: (_, step) => references.push(step),
  };
  const own = new FieldReader(fields, ["steps", 0], report);
  const config = own.object("config") ?? new FieldReader({}, own.at("config"), report);
  const step: StepReader = {
    id: "c",
    fields: own,
    config,
    template(from, name) {
      const value = from.value(name);
      return value === undefined ? undefined : step.parse(value, from, name);
    },
    parse(value, from, ...names) {
      const at = [...from.path, ...names];
      return { where: at.slice(2).join("."), root: parseTemplate(value, at, listener) };
    },
    expression(from, name) {
      const source = from.text(name);
      return source === undefined ? undefined : parseExpression(source, from.at(name), listener);
    },
  };
  const work = conditionKind.compile(step);
  own.refuseOthers();
  config.refuseOthers();
  return { work, report, references };
}

function workOf(fields: JsonObject): StepWork {
  const { work, report } = compile(fields);
  if (work === null || !report.isClean) throw new Error(JSON.stringify(report.errors));
  return work;
}

function outputOf(work: StepWork, parts: ScopeParts = { input: INPUT }): JsonText {
  const body = work.request(aScope(parts));
  if (body.kind !== "value" || body.outcome.status !== "completed") throw new Error("no value");
  return body.outcome.output;
}

const resultOf = (fields: JsonObject, parts?: ScopeParts): JsonValue =>
  JSON.parse(outputOf(workOf(fields), parts)) as JsonValue;

const issuesOf = (fields: JsonObject): readonly string[] =>
  compile(fields).report.errors.map(
    ({ path, message }) => `${path.slice(2).join(".")}: ${message}`,
  );

describe("a condition", () => {
  test.each<[string, JsonObject, boolean]>([
    ["one comparison", { conditions: IS_ONE }, true],
    ["a comparison in config itself", IS_TWO, false],
    ["text with a path in it", { conditions: HAS_TEXT }, true],
    ["all of a group", { conditions: { and: [IS_ONE, HAS_TEXT] } }, true],
    ["all of a group, if one fails", { conditions: { and: [IS_ONE, IS_TWO] } }, false],
    ["any of a group", { conditions: { or: [IS_TWO, IS_ONE] } }, true],
    ["any of a group in config itself", { or: [IS_TWO, IS_TWO] }, false],
    ["groups in groups", { and: [{ or: [IS_TWO, IS_ONE] }, { and: [HAS_TEXT] }] }, true],
    ["all of a list", { conditions: [IS_ONE, HAS_TEXT] }, true],
    ["all of a list, if one fails", { conditions: [IS_ONE, IS_TWO] }, false],
    ["groups in a list", { conditions: [{ or: [IS_TWO, IS_ONE] }, IS_ONE] }, true],
    ["a list of values", { left: ["{{input.n}}", 2], operator: "contains", right: 1 }, true],
    ["what is missing", { left: "{{input.x}}", operator: "exists" }, false],
    ["that something is missing", { left: "{{input.x}}", operator: "exists", right: false }, true],
    [
      "that something is not empty",
      { left: "{{input.list}}", operator: "isEmpty", right: false },
      true,
    ],
    ["equality with null", { left: "{{input.x}}", operator: "eq", right: null }, true],
    ["an expression in config", { condition: "input.n > 0 && input.list.includes('a')" }, true],
    ["an expression in braces", { condition: "{{ input.n > 1 }}" }, false],
  ])("tests %s", (_, config, result) => {
    expect(resultOf({ config })).toEqual({ result });
  });

  test.each<[string, ScopeParts, boolean]>([
    ["result.total > 10000", { result: { total: 10_001 } }, true],
    ["result.total > 10000", { result: { total: 10_000 } }, false],
    ["result.approved === true", { result: {} }, false],
    ['result.status === "succeeded"', { result: { status: "succeeded" } }, true],
    [
      "customer.lifetimeValue > 10000 && customer.purchases > 5",
      { input: { customer: { lifetimeValue: 10_001, purchases: 6 } }, result: { other: 1 } },
      true,
    ],
    ["result", { result: "text" }, true],
    ["result", { result: [] }, true],
    ["result.n", { result: { n: 0 } }, false],
    ["result.text", { result: { text: "" } }, false],
    ["result.missing", { result: {} }, false],
  ])("tests the expression beside config, %s, of %j", (condition, parts, result) => {
    expect(resultOf({ condition }, parts)).toEqual({ result });
  });

  test("passes the result of the step before it on, and says which way it goes", () => {
    const work = workOf({ condition: "input.n === 1" });
    expect(work.passesResult).toBe(true);
    expect(work.isTrue?.(outputOf(work))).toBe(true);
    expect(work.isTrue?.(outputOf(work, { input: { n: 2 } }))).toBe(false);
  });

  test("says which steps it reads", () => {
    const conditions = {
      left: "{{steps.b.output}}",
      operator: "matches",
      right: "{{steps.c.output}}",
    };
    expect(compile({ config: { conditions } }).references).toEqual(["b", "c"]);
    expect(compile({ condition: "steps['a-b'].result > 1" }).references).toEqual(["a-b"]);
  });

  test("fails if its expression cannot be evaluated", () => {
    const work = workOf({ condition: "input.missing - 1 > 0" });
    expect(() => outputOf(work)).toThrow(/the left side of - must be a number/);
  });
});

describe("matches", () => {
  const match = (left: JsonValue, right: JsonValue, input: JsonValue = INPUT): JsonValue =>
    resultOf({ config: { left, operator: "matches", right } }, { input });

  test.each<[left: JsonValue, right: string, result: boolean]>([
    ["INV-2024", "^INV-[0-9]+$", true],
    ["xINV-2024", "^INV-[0-9]+$", false],
    ["xINV-2024", "INV-\\d+", true],
    ["inv", "(?i)INV", true],
    ["a\nb", "^b$", false],
    ["a\nb", "(?m)^b$", true],
    ["größe 😀", "^\\pL+ .$", true],
    [2024, "^20", true],
    ["{{input.text}}", "^a.1$", true],
    ["{{input.missing}}", ".*", false],
    [null, ".*", false],
    [true, ".*", false],
    [["a"], "a", false],
    ["", "^$", true],
    ["a{{input.n}}", "^a1$", true],
    ["ax1", "{{input.pattern}}", true],
    ["bx1", "{{input.pattern}}", false],
    ["1", "^{{input.n}}$", true],
  ])("%j %j: %j", (left, right, result) => {
    expect(match(left, right)).toEqual({ result });
  });

  test("stands in groups like every operator", () => {
    const matches = { left: "{{input.text}}", operator: "matches", right: "^a" };
    expect(resultOf({ config: { and: [IS_ONE, matches] } })).toEqual({ result: true });
    expect(resultOf({ config: { conditions: [IS_TWO, matches] } })).toEqual({ result: false });
  });

  test.each<[string, JsonValue, string]>([
    ["look-ahead", "a(?=b)", "invalid or unsupported Perl syntax: `(?=`"],
    ["negative look-ahead", "a(?!b)", "invalid or unsupported Perl syntax: `(?!`"],
    ["look-behind", "(?<=a)b", "invalid named capture: `(?<=a)b`"],
    ["a back reference", "(a)\\1", "invalid escape sequence: `\\1`"],
    ["a back reference by name", "(?<n>a)\\k<n>", "it has a back reference"],
    ["a bracket too few", "(a", "missing closing ): `(a`"],
    ["nothing to repeat", "*a", "missing argument to repetition operator: `*`"],
  ])("refuses %s at create", (_, right, problem) => {
    const { report } = compile({ config: { left: "a", operator: "matches", right } });
    expect(report.errors).toEqual([
      {
        path: ["steps", 0, "config", "right"],
        message: `Cannot be read: ${problem}`,
        hint: "patterns are RE2's: no look-around, no back references, at most 1,000 characters",
      },
    ]);
  });

  test.each<[string, JsonValue, string]>([
    ["a pattern that is too long", "a".repeat(1_001), "right: Is longer than 1000 characters"],
    ["a pattern that repeats too much", `(${"a?".repeat(400)}){1000}`, "right: Repeats too much"],
    ["a number", 5, "right: Expected a pattern, received number 5"],
    ["a list", ["a"], "right: Expected a pattern, received array"],
  ])("refuses %s at create", (_, right, issue) => {
    expect(issuesOf({ config: { left: "a", operator: "matches", right } })).toEqual([
      `config.${issue}`,
    ]);
  });

  test("needs both sides", () => {
    expect(issuesOf({ config: { operator: "matches" } })).toEqual([
      "config.left: Required",
      "config.right: Required",
    ]);
  });

  test.each([
    ["{{input.broken}}", /^config\.right is no pattern: Cannot be read: missing closing \)/],
    ["{{input.n}}", /^config\.right is no pattern: Must be a text/],
    ["{{input.missing}}", /^config\.right is no pattern: Must be a text/],
    ["{{input.long}}", /^config\.right is no pattern: Is longer than 1000 characters/],
  ])("fails in a run if the template gives no pattern: %s", (right, message) => {
    const input = { ...INPUT, long: "a".repeat(1_001) };
    expect(() => match("a", right, input)).toThrow(message);
  });

  test("fails rather than search for long", () => {
    const text = Array.from({ length: 20_000 }, (_, i) => (i % 7 < 3 ? "a" : "b")).join("");
    expect(match("{{input}}", "^[ab]+c", text)).toEqual({ result: false });
    expect(() => match("{{input}}", "(a|b)*a(a|b){500}[cd]", text)).toThrow(
      /^A text of 20000 characters is too long for the pattern string/,
    );
  });
});

describe("a condition is refused with", () => {
  test.each<[string, JsonObject, string]>([
    ["no conditions", {}, "condition: Required"],
    ["no conditions in config", { config: {} }, "condition: Required"],
    [
      "text for conditions",
      { config: { conditions: "input.n > 1" } },
      'config.conditions: Expected object or array, received string "input.n > 1"',
    ],
    [
      "an empty list",
      { config: { conditions: [] } },
      "config.conditions: Must have at least one member",
    ],
    [
      "text in a list",
      { config: { conditions: [IS_ONE, "x"] } },
      'config.conditions.1: Expected object, received string "x"',
    ],
    [
      "an expression that cannot be read",
      { condition: "input.n = 1" },
      "condition: The expression input.n = 1 assigns a value",
    ],
    ["an empty expression", { condition: "" }, "condition: The expression is empty"],
    [
      "a number for an expression",
      { condition: 1 },
      "condition: Expected string, received number 1",
    ],
    [
      "conditions in two places of config",
      { config: { conditions: IS_ONE, ...IS_TWO } },
      "config.left: Stands beside `config.conditions`; keep one of them",
    ],
    [
      "an expression in two places",
      { condition: "input.n", config: { condition: "input.n" } },
      "config.condition: Stands beside `condition`; keep one of them",
    ],
    [
      "an expression and conditions",
      { condition: "input.n", config: { conditions: IS_ONE } },
      "config.conditions: Stands beside `condition`; keep one of them",
    ],
    [
      "an expression in config and conditions",
      { config: { condition: "input.n", conditions: IS_ONE } },
      "config.conditions: Stands beside `config.condition`; keep one of them",
    ],
    [
      "an expression and a group in config",
      { condition: "input.n", config: { or: [IS_ONE] } },
      "config.or: Stands beside `condition`; keep one of them",
    ],
    [
      "no left",
      { config: { conditions: { operator: "eq", right: 1 } } },
      "config.conditions.left: Required",
    ],
    [
      "no right",
      { config: { conditions: { left: 1, operator: "eq" } } },
      "config.conditions.right: Required",
    ],
    [
      "no operator",
      { config: { conditions: { left: 1, right: 1 } } },
      "config.conditions.operator: Required",
    ],
    [
      "an unknown operator",
      { config: { conditions: { ...IS_ONE, operator: "==" } } },
      'config.conditions.operator: Unknown operator "=="',
    ],
    [
      "a prototype's name as operator",
      { config: { conditions: { ...IS_ONE, operator: "constructor" } } },
      'config.conditions.operator: Unknown operator "constructor"',
    ],
    [
      "a value for exists",
      { config: { left: 1, operator: "exists", right: 5 } },
      "config.right: `exists` takes no value, received number 5",
    ],
    [
      "an empty group",
      { config: { conditions: { and: [] } } },
      "config.conditions.and: Must have at least one member",
    ],
    [
      "a group that is no list",
      { config: { conditions: { or: IS_ONE } } },
      "config.conditions.or: Expected array, received object",
    ],
    [
      "two groups side by side",
      { config: { conditions: { and: [IS_ONE], or: [IS_ONE] } } },
      "config.conditions.or: Stands beside `and`",
    ],
    [
      "an unknown field in a group",
      { config: { and: [{ ...IS_ONE, rigth: 1 }] } },
      'config.and.0.rigth: Unknown field "rigth"',
    ],
    [
      "text in a group",
      { config: { or: ["x"] } },
      'config.or.0: Expected object, received string "x"',
    ],
    [
      "a bad template in a group",
      { config: { or: [IS_ONE, { ...IS_ONE, left: "{{" }] } },
      "config.or.1.left: The template {{ is not closed",
    ],
  ])("%s", (_, fields, issue) => {
    expect(issuesOf(fields).join("|")).toBe(issue);
    expect(compile(fields).report.isClean).toBe(false);
  });

  test("a suggestion of the operator that was meant", () => {
    const hintOf = (operator: string): string | undefined =>
      compile({ config: { ...IS_ONE, operator } }).report.errors[0]?.hint;
    expect(hintOf("startswith")).toBe('did you mean "startsWith"?');
    expect(hintOf("match")).toBe('did you mean "matches"?');
    expect(hintOf("like")).toBe(
      "one of eq, ne, gt, gte, lt, lte, contains, startsWith, endsWith, matches, exists, isEmpty",
    );
  });
});
