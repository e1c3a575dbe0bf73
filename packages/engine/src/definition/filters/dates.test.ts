import type { JsonValue } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fill } from "../../testkit/a-template.ts";

const apply = (x: JsonValue, filters: string): unknown =>
  fill(`{{ x | ${filters} }}`, { roots: { x } });

/** A Sunday, in the hour in which Berlin goes from 02:00 to 03:00. */
const SPRING = "2026-03-29T01:05:09.042Z";

describe("date", () => {
  test.each([
    ["%Y-%m-%d %H:%M:%S.%L", "2026-03-29 01:05:09.042"],
    ["%F %T %R %D %x %X", "2026-03-29 01:05:09 01:05 03/29/26 03/29/26 01:05:09"],
    ["%C|%y|%j|%e|%k|%l|%I", "20|26|088|29| 1| 1|01"],
    ["%A %a %B %b %h", "Sunday Sun March Mar Mar"],
    ["%u %w %U %W %V %G", "7 0 13 12 13 2026"],
    ["%p %P %r", "AM am 01:05:09 AM"],
    ["%z %:z %Z", "+0000 +00:00 UTC"],
    ["%s %Q", "1774746309 1774746309042"],
    ["%c", "Sun Mar 29 01:05:09 2026"],
    ["%v", "29-MAR-2026"],
    ["%%%n%t.", "%\n\t."],
    ["%-d %-m %_m %0e %-H %^a %^B %-y", "29 3  3 29 1 SUN MARCH 26"],
    ["no part at all", "no part at all"],
    ["", ""],
  ])("of pattern %s gives %s", (pattern, text) => {
    expect(apply(SPRING, `date: '${pattern}'`)).toBe(text);
  });

  test.each<[JsonValue, string]>([
    ["2026-01-01T00:00:00Z", "12 AM, 0 00"],
    ["2026-01-01T12:00:00Z", "12 PM, 12 12"],
    ["2026-01-01T23:00:00Z", "11 PM, 23 23"],
  ])("knows the hours of %s", (x, text) => {
    expect(apply(x, "date: '%I %p, %-H %H'")).toBe(text);
  });

  // By GNU date.
  test.each([
    ["2023-01-01", "01 00 52 2022 7"],
    ["2024-12-30", "52 53 01 2025 1"],
    ["2021-01-04", "01 01 01 2021 1"],
    ["2020-12-31", "52 52 53 2020 4"],
  ])("knows the weeks of %s", (x, weeks) => {
    expect(apply(x, "date: '%U %W %V %G %u'")).toBe(weeks);
  });

  test.each<[JsonValue, string]>([
    [0, "1970-01-01T00:00:00.000Z"],
    [1_700_000_000_000.9, "2023-11-14T22:13:20.000Z"],
    [-1, "1969-12-31T23:59:59.999Z"],
    ["2026-03-29", "2026-03-29T00:00:00.000Z"],
    ["2026-03-29T10:00", "2026-03-29T10:00:00.000Z"],
    ["2026-03-29 10:00:01", "2026-03-29T10:00:01.000Z"],
    ["2026-03-29T10:00:01.123456789Z", "2026-03-29T10:00:01.123Z"],
    ["2026-03-29t10:00:01,5z", "2026-03-29T10:00:01.500Z"],
    ["2026-03-29T10:00:01+0530", "2026-03-29T04:30:01.000Z"],
    ["2026-03-29T10:00:01-08:00", "2026-03-29T18:00:01.000Z"],
    ["0001-01-01", "0001-01-01T00:00:00.000Z"],
    ["9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"],
  ])("reads %s as %s", (x, iso) => {
    expect(apply(x, "to_iso")).toBe(iso);
  });

  test.each<[JsonValue, RegExp]>([
    ["tomorrow", /needs a date as ISO text, such as .+; its value is another text/],
    ["2026-02-29", /another text/],
    ["2026-13-01", /another text/],
    ["2026-03-29T24:00Z", /another text/],
    ["2026-03-29T10:00:60Z", /another text/],
    ["2026-03-29T10:00+25:00", /another text/],
    ["2026-03-29T10", /another text/],
    ["0000-12-31", /years 1 to 9999/],
    ["0001-01-01T00:00+01:00", /years 1 to 9999/],
    [1e15, /years 1 to 9999/],
    [true, /needs a date as ISO text or milliseconds; its value is a boolean/],
    [{}, /its value is an object/],
  ])("refuses %s", (x, message) => {
    for (const filter of ["to_iso", "to_unix", "date: '%Y'", "date_add: 1, 'day'"]) {
      expect(() => apply(x, filter)).toThrow(message);
    }
  });

  test("shows a text with an offset in it, and everything else in UTC", () => {
    expect(apply("2026-03-29T10:00:00+05:30", "date: '%H:%M %:z %Z'")).toBe("10:00 +05:30 +05:30");
    expect(apply("2026-03-29T10:00:00", "date: '%H:%M %z'")).toBe("10:00 +0000");
    expect(apply(SPRING, "date: '%H:%M %z', 'Europe/Berlin'")).toBe("03:05 +0200");
    expect(apply("2026-03-29T10:00:00+05:30", "date: '%H:%M', 'UTC'")).toBe("04:30");
  });

  test("agrees with the platform's own dates", () => {
    fc.assert(
      fc.property(fc.integer({ min: -6e13, max: 2.5e14 }), (ms) => {
        const iso = new Date(ms).toISOString();
        expect(apply(ms, "to_iso")).toBe(iso);
        expect(apply(iso, "to_unix")).toBe(Math.floor(ms / 1000));
        expect(apply(ms, "date: '%Y-%m-%dT%H:%M:%S.%LZ'")).toBe(iso);
      }),
    );
  });
});

describe("timezone", () => {
  test.each([
    ["Europe/Berlin", "2026-03-29T03:05:09.042+02:00"],
    ["america/new_york", "2026-03-28T21:05:09.042-04:00"],
    ["Asia/Kolkata", "2026-03-29T06:35:09.042+05:30"],
    ["UTC", SPRING],
    ["-03:30", "2026-03-28T21:35:09.042-03:30"],
  ])("shows an instant in %s", (zone, text) => {
    expect(apply(SPRING, `timezone: '${zone}'`)).toBe(text);
    expect(apply(SPRING, `timezone: '${zone}' | to_iso`)).toBe(SPRING);
  });

  test("refuses what is no zone, also from data", () => {
    expect(() => fill("{{ now | timezone: input.zone }}", { input: { zone: "Mars" } })).toThrow(
      /"timezone" in .+ needs a time zone; there is no "Mars"/,
    );
    expect(() => fill("{{ now | timezone: input.zone }}", { input: {} })).toThrow(
      /needs text as zone; it is missing/,
    );
  });
});

describe("date_add", () => {
  test.each<[string, string, string]>([
    ["2026-03-29", "1, 'day'", "2026-03-30T00:00:00.000Z"],
    ["2026-03-29", "-1, 'days'", "2026-03-28T00:00:00.000Z"],
    ["2024-01-31", "1, 'months'", "2024-02-29T00:00:00.000Z"],
    ["2024-02-29", "1, 'Year'", "2025-02-28T00:00:00.000Z"],
    ["2026-03-29", "2, 'weeks'", "2026-04-12T00:00:00.000Z"],
    ["2026-03-29", "90, 'minutes'", "2026-03-29T01:30:00.000Z"],
    ["2026-03-29", "3600, 'seconds'", "2026-03-29T01:00:00.000Z"],
    ["2026-03-29", "1, 'millisecond'", "2026-03-29T00:00:00.001Z"],
    ["2026-03-29T23:00:00+02:00", "'2', 'hours'", "2026-03-30T01:00:00.000+02:00"],
  ])("to %s of %s gives %s", (x, args, iso) => {
    expect(apply(x, `date_add: ${args}`)).toBe(iso);
  });

  test("refuses to leave the years that it can write, and fractions", () => {
    expect(() => apply("9999-12-31", "date_add: 1, 'days'")).toThrow(/years 1 to 9999/);
    expect(() => apply("2026-03-29", "date_add: 1000000000000000, 'years'")).toThrow(/years 1/);
    expect(() => fill("{{ now | date_add: input.x, 'days' }}", { input: { x: 1.5 } })).toThrow(
      /needs a whole number from/,
    );
  });
});
