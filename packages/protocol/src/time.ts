declare const brand: unique symbol;
/** Milliseconds since 1970-01-01 UTC, by the store's clock. */
export type Timestamp = number & { readonly [brand]: "Timestamp" };

/** The latest instant that a JavaScript date can show, in the year 275760. */
export const MAX_TIMESTAMP = 8_640_000_000_000_000 as Timestamp;

/** Clamps to what a date can show, so that arithmetic on far deadlines cannot produce an unprintable instant. */
export function toTimestamp(epochMs: number): Timestamp {
  return Math.min(Math.max(Math.trunc(epochMs), 0), MAX_TIMESTAMP) as Timestamp;
}

/** The later of "at" plus a duration, clamped. */
export const after = (at: Timestamp, durationMs: number): Timestamp => toTimestamp(at + durationMs);

// oxlint-disable-next-line no-restricted-globals -- formats the instant it is given; reads no clock
export const toIso = (at: Timestamp): string => new Date(at).toISOString();
