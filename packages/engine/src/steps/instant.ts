import { MAX_TIMESTAMP } from "@millrace/protocol";

/** A date, with or without a time to the minute, second or fraction, with or without a zone. */
const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-])(\d\d):?(\d\d))?)?$/;

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAY_MS = 86_400_000;

/**
 * Reads ISO 8601 text without asking the process for its clock or zone: a text without a zone is UTC.
 *
 * @returns epoch ms, from 0; undefined: not such a text, or no such day
 */
export function parseInstant(text: string): number | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const number = (group: number): number => Number(match[group] ?? 0);
  const year = number(1);
  const month = number(2);
  const day = number(3);
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = (DAYS_IN_MONTH[month - 1] ?? 0) + (month === 2 && isLeap ? 1 : 0);
  if (day < 1 || day > days || number(4) > 23 || number(5) > 59 || number(6) > 59) return undefined;
  if (number(10) > 23 || number(11) > 59) return undefined;
  const fractionMs = Math.trunc(Number(`0.${match[7] ?? 0}`) * 1000);
  const zoneMs = (number(10) * 60 + number(11)) * 60_000 * (match[9] === "-" ? -1 : 1);
  const timeMs = ((number(4) * 60 + number(5)) * 60 + number(6)) * 1000 + fractionMs;
  return checkInstant(toDays(year, month, day) * DAY_MS + timeMs - zoneMs);
}

/** @returns the instant, if it can be shown as a date and is not before 1970 */
export const checkInstant = (epochMs: number): number | undefined =>
  epochMs >= 0 && epochMs <= MAX_TIMESTAMP ? epochMs : undefined;

/** Days from 1970-01-01, by the count of leap days before the year's first of March. */
function toDays(year: number, month: number, day: number): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const marchMonth = (month + 9) % 12;
  const dayOfYear = Math.floor((153 * marchMonth + 2) / 5) + day - 1;
  const leapDays =
    Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400);
  return marchYear * 365 + leapDays + dayOfYear - 719_468;
}
