import type { JsonValue } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { compareJson } from "./json-diff.ts";

const pathsOf = (before: JsonValue, after: JsonValue): readonly string[] =>
  compareJson(before, after).map(({ kind, path }) => `${kind} ${path}`);

describe("compareJson", () => {
  test("finds nothing between equals, whatever the order of fields", () => {
    expect(compareJson({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toEqual([]);
  });

  test("tells added, removed and changed fields by their paths", () => {
    const before = { same: 1, gone: 1, deep: { list: [1, 2], kind: "a" } };
    const after = { same: 1, deep: { list: [1, 3, 4], kind: { a: 1 } }, fresh: null };
    expect(pathsOf(before, after)).toEqual([
      "removed gone",
      "changed deep.list[1]",
      "added deep.list[2]",
      "changed deep.kind",
      "added fresh",
    ]);
  });

  test("takes an element that was put in between for one change", () => {
    const [a, b, c] = [{ id: "a" }, { id: "b" }, { id: "c" }];
    expect(pathsOf({ steps: [a, c] }, { steps: [a, b, c] })).toEqual(["added steps[b]"]);
    expect(pathsOf({ steps: [a, b, c] }, { steps: [a, c] })).toEqual(["removed steps[b]"]);
  });

  test("tells another order of the same elements", () => {
    const [a, b] = [{ id: "a" }, { id: "b", x: 1 }];
    expect(compareJson([a, b], [{ ...b, x: 2 }, a])).toEqual([
      { kind: "moved", path: "", before: ["a", "b"], after: ["b", "a"] },
      { kind: "changed", path: "[b].x", before: 1, after: 2 },
    ]);
  });

  test("compares by place where ids are missing or doubled", () => {
    expect(pathsOf([{ id: "a" }, { id: "a" }], [{ id: "a" }, { id: "b" }])).toEqual([
      "changed [1].id",
    ]);
    expect(pathsOf([{ id: "a" }], [{ name: "a" }])).toEqual(["removed [0].id", "added [0].name"]);
  });
});
