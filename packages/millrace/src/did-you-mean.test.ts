import { describe, expect, test } from "vitest";
import { findNearest } from "./did-you-mean.ts";

const NAMES = ["input", "idempotencyKey", "connectionId", "onMismatch", "metadata"];

describe("findNearest", () => {
  test.for([
    ["inptu", "input"],
    ["imput", "input"],
    ["Input", "input"],
    ["idempotencykey", "idempotencyKey"],
    ["idempotancyKey", "idempotencyKey"],
    ["metdata", "metadata"],
    ["conectionID", "connectionId"],
  ] as const)("finds for %s %s", ([name, expected]) => {
    expect(findNearest(name, NAMES)).toBe(expected);
  });

  test("finds nothing where nothing is near", () => {
    for (const name of ["", "x", "payload", "__proto__", "x".repeat(100_000)]) {
      expect(findNearest(name, NAMES)).toBeUndefined();
    }
  });

  test("takes the nearer of two", () => {
    expect(findNearest("ports", ["part", "port"])).toBe("port");
  });
});
