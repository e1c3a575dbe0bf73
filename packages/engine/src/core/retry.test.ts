import { after, type Failure, type FailureSource } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { NOON } from "../testkit/builders.ts";
import { backoffMs, DEFAULT_RETRY_POLICY, INFRASTRUCTURE_RETRIES, nextAttemptAt } from "./retry.ts";

const policy = { ...DEFAULT_RETRY_POLICY, retries: 1 };
const failed = (source: FailureSource, attempt: number) => {
  const failure: Failure = { code: "step.failed", message: "no", source };
  return { failure, attempt, at: NOON, retryAfterMs: null, terminal: false, salt: "s" };
};

describe("nextAttemptAt", () => {
  test("allows as many further attempts as the author asked for", () => {
    expect(nextAttemptAt(policy, failed("code", 1))).not.toBeNull();
    expect(nextAttemptAt(policy, failed("code", 2))).toBeNull();
    expect(nextAttemptAt(DEFAULT_RETRY_POLICY, failed("code", 1))).toBeNull();
  });

  test("tries the infrastructure three times without being asked, and more often when asked", () => {
    expect(
      nextAttemptAt(DEFAULT_RETRY_POLICY, failed("infrastructure", INFRASTRUCTURE_RETRIES)),
    ).not.toBeNull();
    expect(
      nextAttemptAt(DEFAULT_RETRY_POLICY, failed("infrastructure", INFRASTRUCTURE_RETRIES + 1)),
    ).toBeNull();
    expect(nextAttemptAt({ ...policy, retries: 9 }, failed("infrastructure", 9))).not.toBeNull();
  });

  test("never repeats what can never work, or what the author called terminal", () => {
    expect(nextAttemptAt({ ...policy, retries: 9 }, failed("definition", 1))).toBeNull();
    expect(
      nextAttemptAt({ ...policy, retries: 9 }, { ...failed("code", 1), terminal: true }),
    ).toBeNull();
  });

  test("waits as long as it was asked to, and not less than no time", () => {
    expect(nextAttemptAt(policy, { ...failed("code", 1), retryAfterMs: 7_000 })).toBe(
      after(NOON, 7_000),
    );
    expect(nextAttemptAt(policy, { ...failed("code", 1), retryAfterMs: -5 })).toBe(NOON);
  });
});

describe("backoffMs", () => {
  test("doubles up to its cap and is shortened by at most a quarter", () => {
    for (const [attempt, full] of [
      [1, 1_000],
      [2, 2_000],
      [3, 4_000],
      [6, 30_000],
      [5_000, 30_000],
    ] as const) {
      const ms = backoffMs(DEFAULT_RETRY_POLICY, attempt, "salt");
      expect(ms).toBeLessThanOrEqual(full);
      expect(ms).toBeGreaterThanOrEqual(full * 0.75);
    }
  });

  test("differs between runs and is the same for the same run", () => {
    expect(backoffMs(DEFAULT_RETRY_POLICY, 1, "a")).toBe(backoffMs(DEFAULT_RETRY_POLICY, 1, "a"));
    const all = new Set(
      Array.from({ length: 50 }, (_, i) => backoffMs(DEFAULT_RETRY_POLICY, 1, `run ${i}`)),
    );
    expect(all.size).toBeGreaterThan(20);
  });
});
