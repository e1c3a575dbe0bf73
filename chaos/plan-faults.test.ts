import { describe, expect, test } from "vitest";
import { createRandom } from "../packages/engine/src/simulation/random.ts";
import { FAULT_KINDS, NODE_COUNT, planFaults, type Fault } from "./plan-faults.ts";

const OPTIONS = { lengthMs: 120_000, everyMs: 2_000, longestFreezeMs: 20_000 };
const SEEDS = Array.from({ length: 100 }, (_, n) => n + 1);

const planOf = (seed: number): readonly Fault[] => planFaults(createRandom(seed), OPTIONS);

const overlaps = (one: Fault, other: Fault): boolean =>
  one !== other && one.atMs < other.atMs + other.lengthMs && other.atMs < one.atMs + one.lengthMs;

describe("planFaults", () => {
  test("plans the same for the same seed, and another for another", () => {
    expect(planOf(1)).toEqual(planOf(1));
    expect(planOf(1)).not.toEqual(planOf(2));
  });

  test.each(SEEDS)("hits no target twice at a time, and is over at the end (seed %i)", (seed) => {
    const plan = planOf(seed);
    for (const fault of plan) {
      const same = plan.filter(({ target }) => target === fault.target);
      expect(same.filter((other) => overlaps(fault, other))).toEqual([]);
      expect(fault.atMs + fault.lengthMs).toBeLessThanOrEqual(OPTIONS.lengthMs);
    }
  });

  test.each(SEEDS)("leaves a node that works (seed %i)", (seed) => {
    const away = planOf(seed).filter(({ kind }) => /^node-(kill|freeze|drain)$/.test(kind));
    for (const fault of away) {
      const others = away.filter((other) => overlaps(fault, other));
      expect(others.filter((one) => others.some((other) => overlaps(one, other)))).toEqual([]);
      expect(new Set([fault, ...others].map(({ target }) => target)).size).toBeLessThan(
        NODE_COUNT + 1,
      );
    }
  });

  test("has every kind", () => {
    for (const seed of SEEDS) {
      expect(new Set(planOf(seed).map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));
    }
  });
});
