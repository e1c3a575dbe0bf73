// Names for the far side that follow from a step's idempotency key: the same in every attempt.
import { hash } from "node:crypto";

const LONGEST = 255;

/**
 * A key for one of the calls that an action makes. Stripe takes up to 255 characters, and a header takes no others
 * than these; a step's id may have any letters.
 */
export function toCallKey(idempotencyKey: string, call: string): string {
  const key = `${idempotencyKey}/${call}`;
  const fits = key.length <= LONGEST && /^[\u0021-\u007e]+$/.test(key);
  return fits ? key : `${digest(idempotencyKey)}/${call}`;
}

/** As a UUID of version 8, whose bits are ours. */
export function toUuid(idempotencyKey: string): string {
  const hex = digest(idempotencyKey);
  // The variant is the two upper bits, 10.
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

/** 64 hexadecimal digits. */
export const digest = (text: string): string => hash("sha256", text, "hex");
