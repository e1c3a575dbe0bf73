import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseInstant } from "./instant.ts";

describe("parseInstant", () => {
  test.each([
    ["2024-01-15T10:00:05.123Z", "2024-01-15T10:00:05.123Z"],
    ["2024-01-15", "2024-01-15T00:00:00.000Z"],
    ["2024-01-15T10:00", "2024-01-15T10:00:00.000Z"],
    ["2024-01-15 10:00:05", "2024-01-15T10:00:05.000Z"],
    ["2024-01-15t10:00:05z", "2024-01-15T10:00:05.000Z"],
    ["2024-01-15T10:00:05,5Z", "2024-01-15T10:00:05.500Z"],
    ["2024-01-15T10:00:05.123456789Z", "2024-01-15T10:00:05.123Z"],
    ["2024-01-15T10:00:05+02:00", "2024-01-15T08:00:05.000Z"],
    ["2024-01-15T10:00:05-0530", "2024-01-15T15:30:05.000Z"],
    ["2024-02-29", "2024-02-29T00:00:00.000Z"],
    ["2000-02-29", "2000-02-29T00:00:00.000Z"],
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
  ])("reads %s as %s", (text, iso) => {
    expect(parseInstant(text)).toBe(Date.parse(iso));
  });

  test.each([
    "",
    "tomorrow",
    "2024",
    "2024-01",
    "2024-1-5",
    "2023-02-29",
    "2100-02-29",
    "2024-04-31",
    "2024-13-01",
    "2024-00-01",
    "2024-01-00",
    "2024-01-15T24:00:00Z",
    "2024-01-15T10:60:00Z",
    "2024-01-15T10:00:60Z",
    "2024-01-15T10:00:00+24:00",
    "2024-01-15T10:00:00+01:60",
    "2024-01-15Tz",
    "2024-01-15T10:00:00Z trailing",
    "1969-12-31T23:59:59Z",
    "+02024-01-15",
  ])("does not read %j", (text) => {
    expect(parseInstant(text)).toBeUndefined();
  });

  test("agrees with the calendar of JavaScript", () => {
    const min = new Date(0);
    const max = new Date("9999-12-31T23:59:59.999Z");
    fc.assert(
      fc.property(fc.date({ min, max, noInvalidDate: true }), (date) => {
        expect(parseInstant(date.toISOString())).toBe(date.getTime());
      }),
      { numRuns: 1_000 },
    );
  });
});
