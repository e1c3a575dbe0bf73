import { after, hashText, type Failure, type Timestamp } from "@millrace/protocol";
import type { RetryPolicy } from "./program.ts";

/** A lost worker, a refused connection, 429 and 5xx are tried three times without configuration. */
export const INFRASTRUCTURE_RETRIES = 2;

/** 1 s, 2 s, 4 s, … up to 30 s: gentle to what failed, and most passing faults are over by then. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  retries: 0,
  initialDelayMs: 1_000,
  maxDelayMs: 30_000,
  factor: 2,
};

export interface FailedAttempt {
  readonly failure: Failure;
  /** 1 for the first. */
  readonly attempt: number;
  readonly at: Timestamp;
  /** The author or the far side asked to wait at least this long. null: nobody asked. */
  readonly retryAfterMs: number | null;
  /** The author said that trying again would not help. */
  readonly terminal: boolean;
  /** Decides the jitter, so that replay and simulation draw the same. */
  readonly salt: string;
}

/** @returns when to try again, or null: that was the last attempt */
export function nextAttemptAt(policy: RetryPolicy, failed: FailedAttempt): Timestamp | null {
  if (failed.terminal || failed.attempt > allowedRetries(policy, failed.failure)) return null;
  if (failed.retryAfterMs !== null) return after(failed.at, Math.max(0, failed.retryAfterMs));
  return after(failed.at, backoffMs(policy, failed.attempt, failed.salt));
}

function allowedRetries(policy: RetryPolicy, failure: Failure): number {
  switch (failure.source) {
    case "definition":
      return 0;
    case "infrastructure":
      return Math.max(policy.retries, INFRASTRUCTURE_RETRIES);
    case "code":
      return policy.retries;
  }
}

/** Exponential, capped, less up to a quarter: runs that failed together do not come back together. */
export function backoffMs(policy: RetryPolicy, attempt: number, salt: string): number {
  // A large exponent gives Infinity, which the cap tames.
  const full = Math.min(policy.maxDelayMs, policy.initialDelayMs * policy.factor ** (attempt - 1));
  const jitter = (hashText(`${salt}#${attempt}`) / 2 ** 32) * 0.25;
  return Math.round(full * (1 - jitter));
}
