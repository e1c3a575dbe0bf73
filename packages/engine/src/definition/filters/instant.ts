// Instants of templates: ISO 8601 text, or milliseconds since 1970. Text without a zone is UTC.
import { Temporal } from "temporal-polyfill";
import { didYouMean } from "../did-you-mean.ts";
import type { JsonValue } from "@millrace/protocol";
import { ArgumentError, TemplateError } from "./template-error.ts";
import { typeOf } from "./text-of.ts";

/** An instant and the zone in which it is shown. */
export type Moment = Temporal.ZonedDateTime;

const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?:([Zz])|([+-]\d\d):?(\d\d))?)?$/;

/** 0001-01-01 to 9999-12-31: years that ISO text writes with four digits, in every zone but at the edges. */
const MIN_EPOCH_MS = -62_135_596_800_000;
const MAX_EPOCH_MS = 253_402_300_799_999;

/** @throws {TemplateError} it is no instant */
export function readMoment(value: JsonValue): Moment {
  if (typeof value === "number") return toMoment(value, "UTC");
  if (typeof value !== "string") {
    throw new TemplateError(
      `needs a date as ISO text or milliseconds; its value is ${typeOf(value)}`,
    );
  }
  const moment = parseMoment(value);
  if (moment !== undefined) return moment;
  throw new TemplateError(
    "needs a date as ISO text, such as 2026-03-29T09:00:00Z; its value is another text",
  );
}

function parseMoment(text: string): Moment | undefined {
  const match = ISO.exec(text);
  if (match === null) return undefined;
  const number = (group: number): number => Number(match[group] ?? 0);
  const offset = match[9] === undefined ? "UTC" : `${match[9]}:${match[10] ?? "00"}`;
  try {
    const plain = Temporal.PlainDateTime.from(
      {
        year: number(1),
        month: number(2),
        day: number(3),
        hour: number(4),
        minute: number(5),
        second: number(6),
        millisecond: Math.trunc(Number(`0.${match[7] ?? 0}`) * 1000),
      },
      { overflow: "reject" },
    );
    return checkRange(plain.toZonedDateTime(offset));
  } catch (error) {
    // There is no such day or hour, or no such offset.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

const toMoment = (epochMs: number, zone: string): Moment => {
  checkEpoch(epochMs);
  return Temporal.Instant.fromEpochMilliseconds(Math.trunc(epochMs)).toZonedDateTimeISO(zone);
};

const checkRange = (moment: Moment): Moment => {
  checkEpoch(moment.epochMilliseconds);
  return moment;
};

function checkEpoch(epochMs: number): void {
  if (epochMs >= MIN_EPOCH_MS && epochMs <= MAX_EPOCH_MS) return;
  throw new TemplateError("needs a date of the years 1 to 9999");
}

/** The same instant, shown in another zone. */
export const inZone = (moment: Moment, zone: string): Moment => moment.withTimeZone(zone);

/** ISO text to the millisecond: with `Z` for UTC, with its offset for any other zone. */
export function toIsoText(moment: Moment): string {
  return moment.timeZoneId === "UTC"
    ? moment.toInstant().toString({ smallestUnit: "millisecond" })
    : moment.toString({ smallestUnit: "millisecond", timeZoneName: "never" });
}

export const UNITS = [
  "years",
  "months",
  "weeks",
  "days",
  "hours",
  "minutes",
  "seconds",
  "milliseconds",
] as const;
export type Unit = (typeof UNITS)[number];

/** Months and years keep the day of the month if there is one, else take the last. */
export function addTo(moment: Moment, amount: number, unit: Unit): Moment {
  try {
    return checkRange(moment.add({ [unit]: amount }));
  } catch (error) {
    if (error instanceof RangeError) throw new TemplateError("needs a date of the years 1 to 9999");
    throw error;
  }
}

/** @throws {ArgumentError} there is no such zone */
export function readZone(name: string): string {
  try {
    return new Temporal.ZonedDateTime(0n, name).timeZoneId;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new ArgumentError(
      `needs a time zone; there is no ${JSON.stringify(name.slice(0, 60))}`,
      () =>
        didYouMean(name, Intl.supportedValuesOf("timeZone"))() ??
        "such as Europe/Berlin, UTC or +02:00",
    );
  }
}
