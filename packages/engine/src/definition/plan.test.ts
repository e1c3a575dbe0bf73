import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { STEP_KINDS } from "../steps/step-kinds.ts";
import { compileDefinition, parseDefinition } from "./parse-definition.ts";
import type { Plan } from "./plan.ts";

const step = (id: string): JsonValue => ({ id, type: "function", function: "f" });

const condition = (id: string, then: string[], otherwise: string[] = []): JsonValue => ({
  id,
  type: "condition",
  config: JSON.parse(
    `{ "left": 1, "operator": "eq", "right": 1, "then": ${JSON.stringify(then)}, "else": ${JSON.stringify(otherwise)} }`,
  ) as JsonValue,
});

function planOf(...steps: JsonValue[]): Plan {
  const parsed = parseDefinition({ name: "a", steps }, STEP_KINDS);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return compileDefinition(parsed.definition, STEP_KINDS);
}

/** `id>next`, and for a condition its two branches as ranges. */
const sketch = ({ steps }: Plan): string[] =>
  steps.map(({ id, next, fork }) => {
    if (fork === null) return `${id}>${next}`;
    const { whenTrue, whenFalse } = fork;
    return `${id}>${next} [${whenTrue.from},${whenTrue.to}) [${whenFalse.from},${whenFalse.to})`;
  });

describe("the program order", () => {
  test("is the order of the list where nothing branches", () => {
    expect(sketch(planOf(step("a"), step("b"), step("c")))).toEqual(["a>1", "b>2", "c>3"]);
  });

  test("puts branches behind their condition, in the order in which they are named", () => {
    const plan = planOf(
      step("x"),
      step("z"),
      condition("c", ["b", "a"], ["z"]),
      step("a"),
      step("b"),
      step("y"),
    );
    expect(sketch(plan)).toEqual(["x>1", "c>5 [2,4) [4,5)", "b>3", "a>5", "z>5", "y>6"]);
  });

  test("leads from the last step of a nested branch to what follows the outermost", () => {
    const plan = planOf(
      condition("c", ["d"], ["e"]),
      condition("d", ["f"], []),
      condition("e", [], ["g"]),
      step("f"),
      step("g"),
      step("end"),
    );
    expect(sketch(plan)).toEqual([
      "c>5 [1,3) [3,5)",
      "d>5 [2,3) [3,3)",
      "f>5",
      "e>5 [4,4) [4,5)",
      "g>5",
      "end>6",
    ]);
  });

  test("ends the run after a branch with nothing behind it", () => {
    expect(sketch(planOf(condition("c", ["a"]), step("a")))).toEqual(["c>2 [1,2) [2,2)", "a>2"]);
  });

  test("knows the position of every step", () => {
    const plan = planOf(condition("c", ["a"]), step("b"), step("a"));
    expect(Array.from(plan.positions)).toEqual([
      ["c", 0],
      ["a", 1],
      ["b", 2],
    ]);
    expect(plan.steps.map((one) => one.position)).toEqual([0, 1, 2]);
  });
});
