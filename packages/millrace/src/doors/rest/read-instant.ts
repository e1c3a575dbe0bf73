import { toTimestamp, type Timestamp } from "@millrace/protocol";
import type { QueryReader } from "./read-query.ts";

/** ISO 8601 with a zone: without one an instant means another on each machine. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/;

/** @returns undefined: not an instant, or one without its zone */
export function parseInstant(text: string): Timestamp | undefined {
  const epochMs = INSTANT.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(epochMs) ? undefined : toTimestamp(epochMs);
}

export const readInstant: QueryReader<Timestamp> = (text) => {
  const value = parseInstant(text);
  return value === undefined
    ? { problem: "Expected an instant like 2027-01-31T12:00:00Z" }
    : { value };
};
