import { describe, expect, test } from "vitest";
import { PLANTS, simulate, type Plant, type SimulationReport } from "./simulate.ts";

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
    "finds the planted mistake %s, and finds it again by its seed",
    async (plant) => {
      const found = await firstViolation(plant);
      expect(found.violation).not.toBeNull();
      const again = await simulate({ seed: found.seed, plant });
      expect(again).toEqual(found);
    },
    120_000,
  );
});

async function firstViolation(plant: Plant): Promise<SimulationReport> {
  for (let seed = 1; ; seed++) {
    const report = await simulate({ seed, plant });
    if (report.violation !== null || seed === SEEDS_TO_BITE) return report;
  }
}
