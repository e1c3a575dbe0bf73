import { MAX_DURATION_MS, MillraceError } from "@millrace/protocol";

/** Milliseconds, or text: `"30s"`, `"5m"`, `"2h"`, `"3 days"`, `"1h 30m"`. */
export type Duration = number | string;

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
  ["w", 604_800_000],
]);

const LONG_UNITS: ReadonlyMap<string, string> = new Map([
  ["millisecond", "ms"],
  ["sec", "s"],
  ["second", "s"],
  ["min", "m"],
  ["minute", "m"],
  ["hr", "h"],
  ["hour", "h"],
  ["day", "d"],
  ["week", "w"],
]);

const WHOLE = /^(?:\d{1,15}(?:\.\d{1,6})? ?[a-z]{1,12}(?: |$|(?=\d)))+$/;
const PART = /(\d{1,15}(?:\.\d{1,6})?) ?([a-z]{1,12})/g;
const LONGEST_TEXT = 100;
const HINT = 'write milliseconds, or text such as "30s", "5m", "2h" or "3 days"';

/**
 * @param what names it in the error: `timeout`
 * @returns whole milliseconds, from 0 to 100 years
 * @throws {MillraceError} option.invalid
 */
export function toDurationMs(duration: Duration, what: string): number {
  const ms = typeof duration === "number" ? duration : parseText(duration);
  if (ms === undefined || Number.isNaN(ms))
    throw invalid(what, duration, `is no duration; ${HINT}`);
  if (ms < 0) throw invalid(what, duration, "is less than nothing");
  if (ms > MAX_DURATION_MS) throw invalid(what, duration, "is longer than 100 years");
  return Math.round(ms);
}

function parseText(text: unknown): number | undefined {
  if (typeof text !== "string" || text.length > LONGEST_TEXT) return undefined;
  const plain = text.trim().toLowerCase();
  if (!WHOLE.test(plain)) return undefined;
  let sum = 0;
  for (const [, count, unit] of plain.matchAll(PART)) {
    const unitMs = findUnit(unit ?? "");
    if (unitMs === undefined) return undefined;
    sum += Number(count) * unitMs;
  }
  return sum;
}

function findUnit(unit: string): number | undefined {
  const short = LONG_UNITS.get(unit.endsWith("s") ? unit.slice(0, -1) : unit) ?? unit;
  return UNITS_MS.get(short);
}

function invalid(what: string, value: unknown, problem: string): MillraceError {
  const shown =
    typeof value === "string" ? JSON.stringify(value.slice(0, LONGEST_TEXT)) : String(value);
  return new MillraceError("option.invalid", `\`${what}\`: ${shown} ${problem}`);
}
