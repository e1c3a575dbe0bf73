// What a step is called, in the characters that a header carries; a step's id may have any letters.
import { digest } from "../stable-key.ts";

/** Longer keys are refused by some, and no longer ones are known to be needed. Source: Stripe's API. */
const LONGEST_KEY = 255;

/** The key itself where it fits, else a digest of it: the same in every attempt either way. */
export const toKeyHeader = (idempotencyKey: string): string =>
  idempotencyKey.length <= LONGEST_KEY && /^[\x21-\x7E]+$/.test(idempotencyKey)
    ? idempotencyKey
    : digest(idempotencyKey);

/** `décider` → `d%C3%A9cider`, for `decodeURIComponent`. */
export const toTextHeader = (text: string): string =>
  text.toWellFormed().replaceAll(/[^\x21-\x24\x26-\x7E]/gu, encodeURIComponent);
