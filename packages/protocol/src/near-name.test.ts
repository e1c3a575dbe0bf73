import { describe, expect, test } from "vitest";
import { nearName } from "./near-name.ts";

const KNOWN = ["retries", "retryConfig", "timeoutMs", "if", "id"];

describe("nearName", () => {
  test.each([
    ["a letter too many", "retriess", "retries"],
    ["a letter too few", "retrie", "retries"],
    ["a wrong letter", "retrjes", "retries"],
    ["two neighbours swapped", "reteirs", "retries"],
    ["another case", "TIMEOUTMS", "timeoutMs"],
    ["two neighbours swapped, which is one slip", "fi", "if"],
    ["one slip in a short name", "ix", "if"],
    ["the nearer of two", "Id", "id"],
  ])("finds a name with %s", (_, name, near) => {
    expect(nearName(name, KNOWN)).toBe(near);
  });

  test.each([
    ["three slips", "rtrs"],
    ["two slips in a short name", "xy"],
    ["an empty name", ""],
    ["a long text", "retries".repeat(100)],
  ])("finds nothing for %s", (_, name) => {
    expect(nearName(name, KNOWN.slice(0, 3))).toBeUndefined();
  });

  test("looks at the first thousand candidates only", () => {
    const many = Array.from({ length: 1_001 }, (_, i) => `step-number-${i}`);
    expect(nearName("step-number-1000", many)).not.toBe("step-number-1000");
    expect(nearName("step-number-0999", many)).toBe("step-number-999");
  });
});
