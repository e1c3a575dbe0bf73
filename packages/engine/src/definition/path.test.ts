import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aScope, type ScopeParts } from "../testkit/a-scope.ts";
import { findSource, isPathName, lookUp, parsePath, type Path } from "./path.ts";

const INPUT = {
  customer: { email: "ada@example.com", "first-name": "Ada", größe: 3, $id: 9, "a.b c": "odd" },
  items: [{ product: "Widget" }, { product: "Gadget" }],
  text: "text",
  nothing: null,
  both: "input",
};

const PARTS: ScopeParts = {
  input: INPUT,
  result: { both: "result", own: 1, item: "shadowed" },
  outputs: { "calculate-total": { total: 7 } },
  skipped: ["other"],
  roots: { row: { id: 5 }, event: { type: "paid", data: { amount: 3, own: 2 } } },
  env: { REGION: "eu" },
  now: 1_700_000_000_000,
};

function toPath(source: string): Path {
  const parsed = parsePath(source);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.path;
}

const find = (source: string, parts: ScopeParts = PARTS): JsonValue | undefined =>
  lookUp(toPath(source), aScope(parts));

describe("a path", () => {
  test.each<[string, JsonValue]>([
    ["input.customer.email", "ada@example.com"],
    ["input.customer.first-name", "Ada"],
    ["input.customer.größe", 3],
    ["input.customer.$id", 9],
    ["input.customer['a.b c']", "odd"],
    ['input["customer"]["a.b c"]', "odd"],
    ["input.items.0.product", "Widget"],
    ["input.items[1].product", "Gadget"],
    ["input.items['1'].product", "Gadget"],
    ["input.nothing", null],
    ["steps.calculate-total.output.total", 7],
    ["steps.calculate-total.result.total", 7],
    ["steps.calculate-total.output", { total: 7 }],
    ["steps['calculate-total'].output.total", 7],
    ["steps.calculate-total.status", "completed"],
    ["steps.other.status", "skipped"],
    ["steps.third.status", "pending"],
    ["result.own", 1],
    ["run.version", 2],
    ["run.workflowId", "wf_a"],
    ["run.trigger", "api"],
    ["run.startedAt", "1970-01-01T00:00:00.001Z"],
    ["workflow.name", "A"],
    ["env.REGION", "eu"],
    ["now", "2023-11-14T22:13:20.000Z"],
    ["row.id", 5],
    ["event.type", "paid"],
    ["both", "result"],
    ["own", 1],
    ["text", "text"],
    ["amount", 3],
    ["customer.first-name", "Ada"],
    ["['both']", "result"],
  ])("%s leads to its value", (source, value) => {
    expect(find(source)).toEqual(value);
  });

  test.each([
    "input.missing",
    "input.missing.deeper",
    "input.nothing.deeper",
    "input.text.length",
    "input.text.0",
    "input.items.length",
    "input.items.2",
    "input.items.01",
    "input.items.-1",
    "input.items.product",
    "input.constructor",
    "input.constructor.name",
    "input.__proto__",
    "input.__proto__.x",
    "input['__proto__']",
    "input.customer.toString",
    "constructor",
    "constructor.name",
    "__proto__",
    "toString",
    "hasOwnProperty",
    "steps.other.output",
    "steps.third.output.x",
    "steps.constructor.output",
    "steps.calculate-total.status.length",
    "now.length",
    "item.x",
    "error",
    "unknown",
  ])("%s leads nowhere", (source) => {
    expect(find(source)).toBeUndefined();
  });

  test("finds a key that looks like a prototype's if the data has it", () => {
    const input: JsonValue = JSON.parse('{"__proto__":{"a":1},"constructor":2,"0":3}') as JsonValue;
    expect(find("input.__proto__.a", { input })).toBe(1);
    expect(find("input.constructor", { input })).toBe(2);
    expect(find("constructor", { input })).toBe(2);
    expect(find("input[0]", { input })).toBe(3);
  });

  test("knows the text of a root and of an output, and of nothing else", () => {
    const scope = aScope(PARTS);
    expect(findSource(toPath("input"), scope)?.text).toBe(JSON.stringify(INPUT));
    expect(findSource(toPath("steps.calculate-total.output"), scope)?.text).toBe('{"total":7}');
    for (const source of ["own", "steps.other.output", "steps.other.status", "missing"]) {
      expect(findSource(toPath(source), scope)).toBeUndefined();
    }
  });

  test.each([
    ["", /is empty/],
    ["input.a b", /cannot be read from " b" on/],
    ["input.", /cannot be read from "\."/],
    ["input..a", /cannot be read/],
    ["input[a]", /cannot be read/],
    ["input[-1]", /cannot be read/],
    ["input[0", /cannot be read/],
    ["input['a'", /cannot be read from ""/],
    ["input['a]", /a quote that is not closed/],
    [String.raw`input['\a']`, /unknown escape/],
    [".input", /cannot be read from "\.input"/],
    ["-input", /cannot be read from "-input"/],
    ["[a].input", /cannot be read from "\[a\]/],
    ["input.a + 1", /cannot be read/],
    ["steps", /names no step/],
    ["steps.a", /neither output nor status/],
    ["steps.a.total", /unknown field "total" of a step/],
    ["run.constructor", /unknown field "constructor" of run/],
    ["steps.a.constructor", /unknown field "constructor" of a step/],
    ["execution.version", /unknown field "version" of execution/],
  ])("%s is refused", (source, message) => {
    const parsed = parsePath(source);
    expect(parsed.ok ? "" : parsed.message).toMatch(message);
  });
});

describe("isPathName", () => {
  test("accepts what a path can say, whatever the script", () => {
    const names = ["a", "__proto__", "create-invoice", "schritt_2", "größe", "注文", "1"];
    expect(names.filter((name) => !isPathName(name))).toEqual([]);
  });

  test("refuses what means something else in a path or a key", () => {
    const names = ["", "a.b", "a b", "a#2", "loop[3]/a", "a|b", "{{a}}", "a\n"];
    expect(names.filter(isPathName)).toEqual([]);
  });
});
