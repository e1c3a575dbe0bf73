import { describe, expect, test } from "vitest";
import { after, MAX_TIMESTAMP, toIso, toTimestamp } from "./time.ts";

describe("toTimestamp", () => {
  test.each([
    [0, 0],
    [1_795_176_000_000, 1_795_176_000_000],
    [1.9, 1],
    [-0.5, 0],
    [-1, 0],
    [-Infinity, 0],
    [Infinity, MAX_TIMESTAMP],
    [Number.MAX_VALUE, MAX_TIMESTAMP],
    [MAX_TIMESTAMP + 1, MAX_TIMESTAMP],
    [MAX_TIMESTAMP, MAX_TIMESTAMP],
  ])("makes %d to %d, which a date can show", (ms, at) => {
    expect(toTimestamp(ms)).toBe(at);
    expect(Object.is(toTimestamp(ms), -0)).toBe(false);
    expect(() => toIso(toTimestamp(ms))).not.toThrow();
  });
});

describe("after", () => {
  test("adds a duration, and never leaves what a date can show", () => {
    const at = toTimestamp(1_000);
    expect(after(at, 500)).toBe(1_500);
    expect(after(at, 0.9)).toBe(1_000);
    expect(after(at, -2_000)).toBe(0);
    expect(after(at, 1e300)).toBe(MAX_TIMESTAMP);
    expect(after(MAX_TIMESTAMP, 1)).toBe(MAX_TIMESTAMP);
  });
});

describe("toIso", () => {
  test("shows the first and the last instant", () => {
    expect(toIso(toTimestamp(0))).toBe("1970-01-01T00:00:00.000Z");
    expect(toIso(MAX_TIMESTAMP)).toBe("+275760-09-13T00:00:00.000Z");
  });
});
