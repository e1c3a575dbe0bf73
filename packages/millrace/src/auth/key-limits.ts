import type { KeyLimits } from "@millrace/engine";

/** Categories that are limited; `probe` is not. */
export const LIMITED_CATEGORIES = ["read", "write", "execute"] as const;
export type LimitedCategory = (typeof LIMITED_CATEGORIES)[number];

/** Requests a minute of a key that was made without saying. */
export const DEFAULT_KEY_LIMITS: KeyLimits = { read: 1_000, write: 100, execute: 500 };
export const NO_LIMITS: KeyLimits = { read: null, write: null, execute: null };
export const MAX_KEY_LIMIT = 1_000_000;
