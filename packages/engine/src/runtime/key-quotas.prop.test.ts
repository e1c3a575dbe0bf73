import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { QuotaWorld } from "../testkit/quota-world.ts";

const NODES = 3;
const MINUTE_MS = 60_000;

/** Requests at one node, and how long nothing comes after them. */
interface Burst {
  readonly node: number;
  /** Of the limit. */
  readonly part: number;
  readonly pauseMs: number;
  /** Of its question to the store. */
  readonly delayMs: number;
}

const bursts = (longestPauseMs: number): fc.Arbitrary<readonly Burst[]> =>
  fc.array(
    fc.record({
      node: fc.nat({ max: NODES - 1 }),
      part: fc.oneof(fc.constant(0.000_01), fc.double({ min: 0, max: 0.4, noNaN: true })),
      pauseMs: fc.nat({ max: longestPauseMs }),
      delayMs: fc.constantFrom(0, 0, 3, 40),
    }),
    { minLength: 5, maxLength: 25 },
  );

interface Passed {
  readonly atMs: number;
  readonly count: number;
}

async function play(
  limit: number,
  plan: readonly Burst[],
  flood: boolean,
): Promise<readonly Passed[]> {
  const world = await QuotaWorld.open(NODES);
  const nodes = Array.from({ length: NODES }, () => world.openNode());
  const passed: Passed[] = [];
  const send = async (node: number, count: number): Promise<void> => {
    const quotas = nodes[node % NODES] ?? world.openNode();
    const allowed = await world.allowed(quotas, count, { limit });
    passed.push({ atMs: world.clock.monotonicMs(), count: allowed });
  };
  for (const { node, part, pauseMs, delayMs } of plan) {
    world.delayMs = () => delayMs;
    await send(node, Math.ceil(limit * part));
    await world.clock.advance(pauseMs);
  }
  // More than there is room for, at each of them.
  if (flood) for (const [node] of nodes.entries()) await send(node, limit + 1);
  return passed;
}

const sumOf = (passed: readonly Passed[]): number => passed.reduce((sum, it) => sum + it.count, 0);

describe.each([
  [100, 60],
  [500, 40],
  [1_000, 30],
  [60_000, 5],
] as const)("three nodes with a limit of %i", (limit, numRuns) => {
  test("grant 99 in 100 of it within a minute, and never more than it", async () => {
    await fc.assert(
      fc.asyncProperty(bursts(2_000), async (plan) => {
        const granted = sumOf(await play(limit, plan, true));
        expect(granted).toBeLessThanOrEqual(limit);
        expect(granted).toBeGreaterThanOrEqual(limit * 0.99);
      }),
      { numRuns },
    );
  });

  test("never grant more than it in any 60 seconds, wherever they begin", async () => {
    await fc.assert(
      fc.asyncProperty(bursts(30_000), async (plan) => {
        const passed = await play(limit, plan, false);
        for (const { atMs } of passed) {
          const within = passed.filter((it) => it.atMs >= atMs && it.atMs < atMs + MINUTE_MS);
          expect(sumOf(within)).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns },
    );
  });
});
