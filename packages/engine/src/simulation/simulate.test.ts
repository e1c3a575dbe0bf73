import { describe, expect, test } from "vitest";
import { simulate, PLANTS } from "./simulate.ts";

const SEEDS = 500;
/** A planted mistake is found within so many stories, or the simulator has lost its teeth. */
const SEEDS_TO_BITE = 400;

describe("simulate", () => {
  test(`finds nothing wrong in ${SEEDS} stories of crashes, frozen nodes, lost and doubled messages`, async () => {
    const failures: string[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { violation } = await simulate({ seed });
      if (violation !== null)
        failures.push(`npm run simulate -- --from ${seed} --seeds 1   # ${violation}`);
    }
    expect(failures).toEqual([]);
  }, 120_000);

  test("plays every seed the same way twice", async () => {
    const differing: number[] = [];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const first = await simulate({ seed });
      const second = await simulate({ seed });
      if (first.trace !== second.trace || first.turns !== second.turns) differing.push(seed);
    }
    expect(differing).toEqual([]);
  }, 120_000);

  test("really kills nodes and really finishes runs", async () => {
    const reports = await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map((seed) => simulate({ seed })));
    expect(Math.min(...reports.map((report) => report.runs))).toBeGreaterThan(0);
    expect(reports.reduce((sum, report) => sum + report.crashes, 0)).toBeGreaterThan(10);
  });

  test.each(PLANTS)(
    "finds the planted mistake %s",
    async (plant) => {
      for (let seed = 1; seed <= SEEDS_TO_BITE; seed++) {
        const { violation } = await simulate({ seed, plant });
        if (violation !== null) {
          // The seed that it prints replays exactly.
          const again = await simulate({ seed, plant });
          expect(again.violation).toBe(violation);
          return;
        }
      }
      expect.unreachable(`${plant} was not found in ${SEEDS_TO_BITE} seeds`);
    },
    120_000,
  );
});
