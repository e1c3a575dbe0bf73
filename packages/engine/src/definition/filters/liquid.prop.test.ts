// What filters have in common with Liquid, compared with LiquidJS on random values.
import type { JsonValue } from "@millrace/protocol";
import * as fc from "fast-check";
import { Liquid } from "liquidjs";
import { describe, expect, test } from "vitest";
import { fill } from "../../testkit/a-template.ts";

const liquid = new Liquid();

const ours = (filters: string, x: JsonValue): unknown =>
  fill(`{{ x | ${filters} }}`, { roots: { x } });
const theirs = (filters: string, x: JsonValue): unknown =>
  liquid.evalValueSync(`x | ${filters}`, { x });

const text = fc.string({
  unit: fc.constantFrom(..."a b C . - é & < \" ' 7 \n % +".split(" "), " ", "ab"),
  maxLength: 30,
});
const number = fc.integer({ min: -1000, max: 1000 });
const record = fc.record({ a: number, b: text, c: fc.boolean() });

/** A value of which the two make different things, as JSON, which has no minus zero; null: none was found. */
function findDifference(values: fc.Arbitrary<JsonValue>, filters: string): unknown {
  const property = fc.property(
    values,
    (x) => JSON.stringify(ours(filters, x)) === JSON.stringify(theirs(filters, x)),
  );
  return fc.check(property, { numRuns: 50 }).counterexample;
}

describe("filters as in Liquid", () => {
  test.each([
    "upcase",
    "downcase",
    "capitalize",
    "strip",
    "lstrip",
    "rstrip",
    "size",
    "append: 'x'",
    "prepend: 'x'",
    "replace: 'a', '$&'",
    "replace_first: 'b', 'xy'",
    "remove: 'ab'",
    "truncate: 7",
    "truncate: 9, '…'",
    "split: 'b'",
    "slice: 2",
    "slice: 1, 4",
    "slice: -3, 2",
    "url_encode",
    "base64_encode",
    "base64_encode | base64_decode",
    "url_encode | url_decode",
    "split: ' ' | join: '+'",
    "newline_to_br",
  ])("of texts: %s", (filters) => {
    expect(findDifference(text, filters)).toBeNull();
  });

  test.each([
    "first",
    "last",
    "reverse",
    "size",
    "join: ', '",
    "uniq",
    "compact",
    "sum",
    "slice: 1, 2",
    "concat: x",
    "push: 5",
    "sort",
    "sort | first",
  ])("of lists of numbers: %s", (filters) => {
    expect(findDifference(fc.array(number, { minLength: 1 }), filters)).toBeNull();
  });

  test.each([
    "map: 'a'",
    "sum: 'a'",
    "where: 'c'",
    "where: 'c', false",
    "reject: 'c'",
    "find: 'c', true",
    "sort: 'a' | map: 'a'",
    "sort_natural: 'b' | map: 'b' | size",
    "group_by: 'c' | map: 'name'",
    "group_by: 'c' | map: 'items' | size",
  ])("of lists of objects: %s", (filters) => {
    expect(findDifference(fc.array(record, { minLength: 1 }), filters)).toBeNull();
  });

  test.each([
    "plus: 3",
    "minus: 7",
    "times: -2",
    "divided_by: 8",
    "abs",
    "at_least: 4",
    "at_most: 4",
  ])("of whole numbers: %s", (filters) => {
    expect(findDifference(number, filters)).toBeNull();
  });

  test.each(["ceil", "floor", "abs"])("of numbers: %s", (filters) => {
    expect(
      findDifference(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }).map((x) => x + 0),
        filters,
      ),
    ).toBeNull();
  });
});
