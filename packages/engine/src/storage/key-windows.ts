// Requests of API keys, counted over all nodes of a store. A window is what a key has asked of one category within the
// last 61 seconds of the store's clock, by second: the present one, and the 60 before it.
//
//   W1. What a window holds never exceeds the limit that is given with the taking.
//   W2. A count is forgotten 60 to 61 seconds after it was taken.
import type { TenantId, Timestamp } from "@millrace/protocol";

/** Seconds that a window looks back on, with the present one. */
export const WINDOW_SECONDS = 61;

export type RequestCategory = "read" | "write" | "execute";

export interface QuotaRequest {
  readonly tenant: TenantId;
  readonly key: string;
  readonly category: RequestCategory;
  /** Requests a minute; 1 or more. */
  readonly limit: number;
  /** As many as there is room for are given. 1 or more. */
  readonly wanted: number;
  /** What was given at `second` and not used: it leaves the window first, if it still is there. */
  readonly unused: number;
  /** Since the epoch, by the store's clock. */
  readonly second: number;
}

export interface Quota {
  readonly granted: number;
  /** At which it was counted. */
  readonly second: number;
  /** What the window holds now, with what was granted. */
  readonly total: number;
  /** The first second that has a count. */
  readonly oldest: number;
  /** The store's time. */
  readonly now: Timestamp;
  /** How many nodes there are, at least 1. */
  readonly nodes: number;
}

/** Shared by the nodes of a store. Durable as long as its counts matter, and no longer. */
export interface KeyWindows {
  /**
   * One statement. Not to be repeated when its outcome is unknown: what it took is then lost until it is forgotten.
   *
   * @throws {MillraceError} storage.unavailable
   */
  take(request: QuotaRequest): Promise<Quota>;
}
