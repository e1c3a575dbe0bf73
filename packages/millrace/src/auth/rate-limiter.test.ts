import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { LimitedCategory } from "./key-limits.ts";
import { RateLimiter, type RateClock, type RateDecision } from "./rate-limiter.ts";

const MINUTE_MS = 60_000;
const EPOCH_MS = 1_800_000_000_000;

class Bench {
  nowMs = 123_456;
  readonly clock: RateClock = {
    monotonicMs: () => this.nowMs,
    epochMs: () => EPOCH_MS + this.nowMs,
  };
  readonly limiter = new RateLimiter(this.clock);

  take(limit: number, keyId = "a", category: LimitedCategory = "execute"): RateDecision {
    return this.limiter.take({ keyId, category, limit });
  }

  /** @returns how many of `count` pass */
  takeMany(count: number, limit: number): number {
    return Array.from({ length: count }, () => this.take(limit)).filter((it) => it.isAllowed)
      .length;
  }
}

describe("the rate limiter", () => {
  test("lets 500 requests of a minute through, refuses the next, and takes it a minute later", () => {
    const bench = new Bench();
    expect(bench.takeMany(500, 500)).toBe(500);
    bench.nowMs += 59_999;
    expect(bench.take(500).isAllowed).toBe(false);
    bench.nowMs += 1_001;
    expect(bench.take(500).isAllowed).toBe(true);
  });

  test("counts each key and each category for itself", () => {
    const bench = new Bench();
    expect(bench.takeMany(2, 1)).toBe(1);
    expect(bench.take(1, "b").isAllowed).toBe(true);
    expect(bench.take(1, "a", "read").isAllowed).toBe(true);
    expect(bench.take(1, "a").isAllowed).toBe(false);
  });

  test("says how many are left, and when there is room again", () => {
    const bench = new Bench();
    const first = bench.take(2);
    expect(first).toMatchObject({ isAllowed: true, limit: 2, remaining: 1 });
    bench.nowMs += 20_000;
    expect(bench.take(2).remaining).toBe(0);
    const refused = bench.take(2);
    expect(refused).toMatchObject({ isAllowed: false, remaining: 0 });
    expect(refused.resetAtSeconds).toBe(first.resetAtSeconds);
    expect(refused.retryAfterSeconds).toBe(41);
    bench.nowMs += refused.retryAfterSeconds * 1000;
    expect((EPOCH_MS + bench.nowMs) / 1000).toBeGreaterThanOrEqual(refused.resetAtSeconds);
    expect(bench.takeMany(2, 2)).toBe(1);
  });

  test("does not count what it refuses", () => {
    const bench = new Bench();
    bench.take(1);
    for (let n = 0; n < 60; n++) {
      bench.nowMs += 1_000;
      bench.take(1);
    }
    bench.nowMs += 1_000;
    expect(bench.take(1).isAllowed).toBe(true);
  });

  test("forgets a key that has made no request for a while", () => {
    const bench = new Bench();
    for (let n = 0; n < 1_000; n++) bench.take(5, `key ${n}`);
    expect(bench.limiter.size).toBe(1_000);
    bench.nowMs += 2 * MINUTE_MS;
    bench.take(5, "another");
    expect(bench.limiter.size).toBe(1);
  });

  test("never lets more through than the limit in any minute, and refuses nobody for longer than 61 seconds", () => {
    const gaps = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 20 }), (pauses, limit) => {
        const bench = new Bench();
        const passed: number[] = [];
        for (const pause of pauses) {
          bench.nowMs += pause;
          const countSince = (ms: number): number =>
            passed.filter((at) => at > bench.nowMs - ms).length;
          const { isAllowed } = bench.take(limit);
          const isRight = isAllowed
            ? countSince(MINUTE_MS) < limit
            : countSince(MINUTE_MS + 1_000) >= limit;
          expect([isAllowed, isRight]).toEqual([isAllowed, true]);
          if (isAllowed) passed.push(bench.nowMs);
        }
      }),
    );
  });
});
