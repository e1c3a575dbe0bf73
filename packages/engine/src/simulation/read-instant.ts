import { MAX_TIMESTAMP, MillraceError, toTimestamp, type Timestamp } from "@millrace/protocol";
import { parseInstant } from "../steps/instant.ts";

/** Milliseconds since 1970, or ISO 8601 text, which is in UTC where it names no zone. */
export type Instant = Date | number | string;

/**
 * Reads what a test gives as an instant, without asking for the zone that the test runs in.
 *
 * @param what names it in the error: `startAt`
 * @throws {MillraceError} option.invalid
 */
export function readInstant(at: Instant, what: string): Timestamp {
  // Callers without types give anything; a `Date` of another realm is one, too.
  const ms = typeof at === "string" ? parseInstant(at) : at === null ? undefined : Number(at);
  if (ms !== undefined && ms >= 0 && ms <= MAX_TIMESTAMP) return toTimestamp(ms);
  const hint = 'give a Date, milliseconds since 1970, or text such as "2030-01-01T09:00:00Z"';
  throw new MillraceError("option.invalid", `\`${what}\`: ${String(at)} is no instant; ${hint}`);
}
