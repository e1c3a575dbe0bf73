import { asJsonText, newRunId, toShard, toTimestamp, type JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { isPathName, lookUp, parsePath } from "./path.ts";
import { LazyJson, RunScope } from "./scope.ts";

const INPUT = {
  customer: { email: "ada@example.com", "first-name": "Ada", größe: 3, $id: 9 },
  items: [{ product: "Widget" }, { product: "Gadget" }],
  text: "text",
  nothing: null,
};

function scopeOf(input: JsonValue): RunScope {
  const scope = new RunScope({
    id: newRunId(toTimestamp(1), toShard(1), () => 1),
    input: asJsonText(JSON.stringify(input)),
    // A brand only; the scope shows it as text.
    workflowId: "wf_orders" as never,
    workflowVersion: 3,
    trigger: "api",
  });
  scope.complete("calculate-total", new LazyJson(asJsonText('{"total":7}')));
  scope.skip("other");
  return scope;
}

function find(source: string, input: JsonValue = INPUT): JsonValue | undefined {
  const parsed = parsePath(source);
  if (!parsed.ok) throw new Error(parsed.message);
  return lookUp(parsed.path, scopeOf(input));
}

describe("a path", () => {
  test.each<[string, JsonValue]>([
    ["input.customer.email", "ada@example.com"],
    ["input.customer.first-name", "Ada"],
    ["input.customer.größe", 3],
    ["input.customer.$id", 9],
    ["input.items.0.product", "Widget"],
    ["input.items[1].product", "Gadget"],
    ["input.nothing", null],
    ["steps.calculate-total.output.total", 7],
    ["steps.calculate-total.output", { total: 7 }],
    ["steps.calculate-total.status", "completed"],
    ["steps.other.status", "skipped"],
    ["steps.third.status", "pending"],
    ["result.customer.email", "ada@example.com"],
    ["run.version", 3],
    ["run.workflowId", "wf_orders"],
    ["run.trigger", "api"],
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
    "input.items.product",
    "input.constructor",
    "input.constructor.name",
    "input.__proto__",
    "input.customer.toString",
    "steps.other.output",
    "steps.third.output.x",
    "steps.calculate-total.status.length",
  ])("%s leads nowhere", (source) => {
    expect(find(source)).toBeUndefined();
  });

  test("finds a key that looks like a prototype's if the data has it", () => {
    const input: JsonValue = JSON.parse('{"__proto__":{"a":1},"constructor":2,"0":3}') as JsonValue;
    expect(find("input.__proto__.a", input)).toBe(1);
    expect(find("input.constructor", input)).toBe(2);
    expect(find("input[0]", input)).toBe(3);
  });

  test.each([
    ["", /is empty/],
    ["customer.email", /unknown name "customer"/],
    ["item.price", /"item" is not in this version/],
    ["input.items | sum", /filter/],
    ["input.a b", /cannot be read from " b" on/],
    ["input.", /cannot be read from "\."/],
    ["input..a", /cannot be read/],
    ["input[a]", /cannot be read/],
    ["input[0", /cannot be read/],
    [".input", /cannot be read from "\.input"/],
    ["[0].input", /unknown name "0"/],
    ["input.a + 1", /cannot be read/],
    ["steps", /names no step/],
    ["steps.a", /neither output nor status/],
    ["steps.a.total", /unknown field "total" of a step/],
    ["run.constructor", /unknown field "constructor" of run/],
    ["constructor.name", /unknown name "constructor"/],
    ["steps.a.constructor", /unknown field "constructor" of a step/],
    ["run.startedAt", /unknown field "startedAt" of run/],
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
