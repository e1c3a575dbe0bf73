// How long what has ended is kept.
import {
  after,
  toDurationMs,
  type Duration,
  type FinishedStatus,
  type Timestamp,
} from "@millrace/protocol";

export interface Retention {
  /** Of ended runs, by how they ended. null: for ever. */
  readonly keptMs: Readonly<Record<FinishedStatus, number | null>>;
  /** Of rows of the audit. null: for ever. */
  readonly auditMs: number | null;
}

/**
 * Milliseconds, text such as `"90 days"`, or `"forever"`. Of runs from their end; 0: until the next pass, which comes a
 * minute after it at the earliest. A change counts for runs that end from then on, and for all rows of the audit.
 */
export interface RetentionOptions {
  /** Default: 30 days. */
  readonly completed?: Duration;
  /** Default: 90 days. */
  readonly failed?: Duration;
  /** Default: 30 days. */
  readonly cancelled?: Duration;
  /** Rows of the audit. Default: 400 days. */
  readonly audit?: Duration;
}

const DAY_MS = 24 * 60 * 60_000;

export const DEFAULT_RETENTION: Retention = {
  keptMs: { completed: 30 * DAY_MS, failed: 90 * DAY_MS, cancelled: 30 * DAY_MS },
  auditMs: 400 * DAY_MS,
};

/**
 * What is sent again must find what it wrote the first time: a start that finds no run would make a second one. A node
 * that misses an answer asks again within milliseconds, and after a lease it is another node; this is several leases.
 */
export const LEAST_KEPT_MS: number = 60_000;

/** @throws {MillraceError} option.invalid */
export function toRetention(options: RetentionOptions): Retention {
  const { keptMs, auditMs } = DEFAULT_RETENTION;
  const read = (name: keyof RetentionOptions, defaultMs: number | null): number | null => {
    const given = options[name];
    if (given === undefined) return defaultMs;
    return given === "forever" ? null : toDurationMs(given, `retention.${name}`);
  };
  return {
    keptMs: {
      completed: read("completed", keptMs.completed),
      failed: read("failed", keptMs.failed),
      cancelled: read("cancelled", keptMs.cancelled),
    },
    auditMs: read("audit", auditMs),
  };
}

/** @param ownMs what the run's workflow says; null: nothing */
export function expiryOf(
  end: { readonly status: FinishedStatus; readonly finishedAt: Timestamp },
  ownMs: number | null,
  retention: Retention,
): Timestamp | null {
  const keptMs = ownMs ?? retention.keptMs[end.status];
  return keptMs === null ? null : after(end.finishedAt, Math.max(keptMs, LEAST_KEPT_MS));
}
