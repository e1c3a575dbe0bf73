import { describe, expect, test } from "vitest";
import { toDurationMs } from "./duration.ts";
import { MAX_DURATION_MS } from "./limits.ts";

describe("toDurationMs", () => {
  test.for([
    [0, 0],
    [1_500, 1_500],
    [1.6, 2],
    ["250ms", 250],
    ["30s", 30_000],
    ["5m", 300_000],
    ["2h", 7_200_000],
    ["3 days", 259_200_000],
    ["1 Day", 86_400_000],
    ["1.5h", 5_400_000],
    ["1h 30m", 5_400_000],
    ["1h30m", 5_400_000],
    ["2 weeks", 1_209_600_000],
  ] as const)("reads %s", ([duration, ms]) => {
    expect(toDurationMs(duration, "timeout")).toBe(ms);
  });

  test.for(["", "soon", "5", "-5m", "5 parsecs", "5m!", "m", "s5", "1e3s", "5ss"])(
    "refuses %j",
    (text) => {
      expect(() => toDurationMs(text, "timeout")).toThrow(/^`timeout`: ".*" is no duration/);
    },
  );

  test("refuses numbers below nothing, above 100 years, and none (fault 39)", () => {
    expect(() => toDurationMs(-1, "timeout")).toThrow("is less than nothing");
    expect(() => toDurationMs(MAX_DURATION_MS + 1, "timeout")).toThrow("is longer than 100 years");
    expect(() => toDurationMs("99999999 days", "timeout")).toThrow("is longer than 100 years");
    expect(() => toDurationMs(Number.NaN, "timeout")).toThrow("is no duration");
    expect(() => toDurationMs(Infinity, "timeout")).toThrow("is longer than 100 years");
  });
});
