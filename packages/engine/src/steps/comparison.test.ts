import type { JsonValue } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { COMPARISONS, TESTS } from "./comparison.ts";

const compare = (left: JsonValue | undefined, operator: string, right?: JsonValue): boolean => {
  const comparison = COMPARISONS.get(operator);
  if (comparison !== undefined) return comparison(left, right);
  const check = TESTS.get(operator);
  if (check === undefined) throw new Error(operator);
  return check(left);
};

type Row = [left: JsonValue | undefined, operator: string, right?: JsonValue];

describe("a comparison holds", () => {
  test.each<Row>([
    [5, "eq", 5],
    [5, "eq", "5"],
    ["5.0", "eq", 5],
    [" 5 ", "eq", 5],
    ["a", "eq", "a"],
    [true, "eq", true],
    [undefined, "eq", null],
    [{ a: 1, b: [2] }, "eq", { b: [2], a: 1 }],
    ["007", "ne", "7"],
    ["a", "ne", "A"],
    [true, "ne", "true"],
    [0, "ne", null],
    [0, "ne", ""],
    [null, "ne", []],
    [[], "ne", {}],
    [[1], "ne", [1, 2]],
    [{ a: 1 }, "ne", { a: 1, b: 2 }],
    [{ a: 1 }, "ne", { b: 1 }],
    [{ a: null }, "ne", { b: null }],
    [{}, "ne", { constructor: null }],
    [10, "gt", "9"],
    ["10", "gt", "9"],
    ["-1.5e3", "lt", 0],
    ["b", "gt", "a"],
    ["2024-01-15", "lt", "2024-02-01"],
    [5, "gte", 5],
    [5, "lte", "5"],
    ["a", "gte", "a"],
    ["order_5", "contains", "der"],
    ["order_5", "contains", 5],
    ["1000000000000000000000", "startsWith", 1e21],
    ["a".repeat(2_000), "contains", "a".repeat(1_000)],
    [[1, "2", null], "contains", 2],
    [[{ a: 1 }], "contains", { a: 1 }],
    [[null], "contains", null],
    ["order_5", "startsWith", "order"],
    ["order_5", "endsWith", 5],
    [12, "startsWith", "1"],
    [0, "exists"],
    [false, "exists"],
    ["", "exists"],
    [undefined, "isEmpty"],
    [null, "isEmpty"],
    ["", "isEmpty"],
    [[], "isEmpty"],
    [{}, "isEmpty"],
  ])("%j %s %j", (...row) => {
    expect(compare(...row)).toBe(true);
  });
});

describe("a comparison does not hold", () => {
  test.each<Row>([
    ["5a", "eq", 5],
    ["", "eq", 0],
    ["0x10", "eq", 16],
    ["Infinity", "eq", 1],
    [9, "gt", "10"],
    [undefined, "gt", 0],
    [undefined, "lt", 0],
    [undefined, "gte", null],
    [null, "gte", null],
    ["a", "gt", 5],
    [true, "gt", false],
    [[2], "gt", [1]],
    [{ a: 1 }, "contains", "a"],
    [undefined, "contains", "a"],
    ["abc", "contains", null],
    ["a".repeat(2_000), "contains", `${"a".repeat(1_000)}b`],
    ["abc", "startsWith", "b"],
    ["abc", "endsWith", "b"],
    [undefined, "exists"],
    [null, "exists"],
    [0, "isEmpty"],
    [false, "isEmpty"],
    [" ", "isEmpty"],
    [[null], "isEmpty"],
  ])("%j %s %j", (...row) => {
    expect(compare(...row)).toBe(false);
  });
});

describe("comparisons of any two values", () => {
  const value = fc
    .jsonValue({ maxDepth: 3 })
    .map((any) => JSON.parse(JSON.stringify(any)) as JsonValue);
  const scalar = fc.oneof(
    fc.integer(),
    fc.integer().map(String),
    fc.constantFrom<JsonValue>("", "a", null, true),
  );
  const any = fc.oneof(value, scalar);

  test("are equal or not, and symmetric in that", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(compare(a, "ne", b)).toBe(!compare(a, "eq", b));
        expect(compare(a, "eq", b)).toBe(compare(b, "eq", a));
        expect(compare(a, "eq", JSON.parse(JSON.stringify(a)) as JsonValue)).toBe(true);
      }),
    );
  });

  test("are at most one of less and greater, and the other way round from the other side", () => {
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(compare(a, "lt", b)).toBe(compare(b, "gt", a));
        expect(compare(a, "lte", b)).toBe(compare(b, "gte", a));
        expect(compare(a, "lt", b) && compare(a, "gte", b)).toBe(false);
      }),
    );
  });
});
