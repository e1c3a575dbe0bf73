import { asJsonText, newRunId, toShard, toTimestamp, type JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { compileDefinition, parseDefinition } from "../definition/parse-definition.ts";
import type { Plan } from "../definition/plan.ts";
import { RunScope } from "../definition/scope.ts";
import { STEP_KINDS } from "./step-kinds.ts";

type Fields = Readonly<Record<string, JsonValue>>;

const IS_ONE = { left: "{{input.n}}", operator: "eq", right: "1" };
const IS_TWO = { left: "{{input.n}}", operator: "eq", right: 2 };
const HAS_TEXT = { left: "{{input.text}}", operator: "contains", right: "x{{input.n}}" };
const INPUT = { n: 1, text: "ax1", list: ["a", "b"] };

const parse = (fields: Fields): ReturnType<typeof parseDefinition> =>
  parseDefinition(
    {
      name: "a",
      steps: [
        { id: "c", type: "condition", ...fields },
        { id: "x", type: "function", function: "f" },
        { id: "y", type: "function", function: "f" },
      ],
    },
    STEP_KINDS,
  );

function planOf(fields: Fields): Plan {
  const parsed = parse(fields);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return compileDefinition(parsed.definition, STEP_KINDS);
}

function resultOf(config: Fields): JsonValue {
  const scope = new RunScope({
    id: newRunId(toTimestamp(1), toShard(1), () => 1),
    input: asJsonText(JSON.stringify(INPUT)),
    // A brand only.
    workflowId: "wf_a" as never,
    workflowVersion: 1,
    trigger: "api",
  });
  const body = planOf({ config }).steps[0]?.work.request(scope);
  if (body?.kind !== "value" || body.outcome.status !== "completed") throw new Error("no value");
  return JSON.parse(body.outcome.output) as JsonValue;
}

function issuesOf(config: Fields): readonly string[] {
  const parsed = parse({ config });
  return parsed.ok
    ? []
    : parsed.issues.map(({ path, message }) => `${path.slice(3).join(".")}: ${message}`);
}

describe("a condition", () => {
  test.each<[string, Fields, boolean]>([
    ["one comparison", { conditions: IS_ONE }, true],
    ["a comparison in config itself", IS_TWO, false],
    ["text with a path in it", { conditions: HAS_TEXT }, true],
    ["all of a group", { conditions: { and: [IS_ONE, HAS_TEXT] } }, true],
    ["all of a group, if one fails", { conditions: { and: [IS_ONE, IS_TWO] } }, false],
    ["any of a group", { conditions: { or: [IS_TWO, IS_ONE] } }, true],
    ["any of a group in config itself", { or: [IS_TWO, IS_TWO] }, false],
    ["groups in groups", { and: [{ or: [IS_TWO, IS_ONE] }, { and: [HAS_TEXT] }] }, true],
    ["a list", { left: ["{{input.n}}", 2], operator: "contains", right: 1 }, true],
    ["what is missing", { left: "{{input.x}}", operator: "exists" }, false],
    ["that something is missing", { left: "{{input.x}}", operator: "exists", right: false }, true],
    [
      "that something is not empty",
      { left: "{{input.list}}", operator: "isEmpty", right: false },
      true,
    ],
    ["equality with null", { left: "{{input.x}}", operator: "eq", right: null }, true],
  ])("tests %s", (_, config, result) => {
    expect(resultOf(config)).toEqual({ result });
  });

  test("passes the result of the step before it on", () => {
    expect(planOf({ config: IS_ONE }).steps[0]?.work.passesResult).toBe(true);
  });

  test("takes its branches from config or from beside it", () => {
    const branches = JSON.parse('{ "then": ["y"], "else": ["x"] }') as Fields;
    const inside = planOf({ config: { ...IS_ONE, ...branches } });
    const beside = planOf({ config: IS_ONE, ...branches });
    for (const plan of [inside, beside]) {
      expect(plan.steps.map((step) => step.id)).toEqual(["c", "y", "x"]);
      expect(plan.steps[0]?.fork).toMatchObject({
        whenTrue: { from: 1, to: 2 },
        whenFalse: { from: 2, to: 3 },
      });
    }
  });

  test("does not take one branch from both places", () => {
    const branch = JSON.parse('{ "then": ["y"] }') as Fields;
    const parsed = parse({ config: { ...IS_ONE, ...branch }, ...branch });
    expect(parsed.ok ? [] : parsed.issues).toEqual([
      { path: ["steps", 0, "then"], message: "Is given twice: also as config.then" },
    ]);
  });

  test.each<[string, Fields, string]>([
    ["no conditions", {}, "conditions: Required"],
    [
      "a list of conditions",
      { conditions: [IS_ONE] },
      "conditions: Expected object, received array",
    ],
    [
      "conditions in two places",
      { conditions: IS_ONE, ...IS_TWO },
      "conditions: Stands beside a condition in config itself; keep one of them",
    ],
    ["no left", { conditions: { operator: "eq", right: 1 } }, "conditions.left: Required"],
    ["no right", { conditions: { left: 1, operator: "eq" } }, "conditions.right: Required"],
    ["no operator", { conditions: { left: 1, right: 1 } }, "conditions.operator: Required"],
    [
      "an unknown operator",
      { conditions: { ...IS_ONE, operator: "==" } },
      'conditions.operator: Unknown operator "=="',
    ],
    [
      "a prototype's name as operator",
      { conditions: { ...IS_ONE, operator: "constructor" } },
      'conditions.operator: Unknown operator "constructor"',
    ],
    [
      "a later operator",
      { conditions: { ...IS_ONE, operator: "matches" } },
      'conditions.operator: The operator "matches" is not in this version of Millrace yet',
    ],
    [
      "a value for exists",
      { left: 1, operator: "exists", right: 5 },
      "right: `exists` takes no value, received number 5",
    ],
    [
      "an empty group",
      { conditions: { and: [] } },
      "conditions.and: Must have at least one member",
    ],
    [
      "a group that is no list",
      { conditions: { or: IS_ONE } },
      "conditions.or: Expected array, received object",
    ],
    [
      "two groups side by side",
      { conditions: { and: [IS_ONE], or: [IS_ONE] } },
      "conditions.or: Stands beside `and`",
    ],
    [
      "an unknown field in a group",
      { and: [{ ...IS_ONE, rigth: 1 }] },
      'and.0.rigth: Unknown field "rigth"',
    ],
    ["text in a group", { or: ["x"] }, 'or.0: Expected object, received string "x"'],
    [
      "a bad template in a group",
      { or: [IS_ONE, { ...IS_ONE, left: "{{" }] },
      "or.1.left: The template {{ is not closed",
    ],
    [
      "an expression",
      { condition: "input.n > 1" },
      'conditions: Required|condition: Unknown field "condition"',
    ],
  ])("refuses %s", (_, config, issue) => {
    expect(issuesOf(config).join("|")).toBe(issue);
  });

  test("suggests the operator that was meant", () => {
    const parsed = parse({ config: { ...IS_ONE, operator: "startswith" } });
    expect(parsed.ok ? [] : parsed.issues).toMatchObject([{ hint: 'did you mean "startsWith"?' }]);
  });
});
