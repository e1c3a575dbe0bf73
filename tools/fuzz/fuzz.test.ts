import { describe, expect, test } from "vitest";
import { createRandom } from "../../packages/engine/src/simulation/random.ts";
import { TARGETS } from "./targets.ts";

/** `npm run fuzz` plays as many as one likes, and looks at the time of each. */
const CASES = 1_500;

describe("what comes in", { timeout: 60_000 }, () => {
  test.each(TARGETS)("has a result or words for every kind of damage to $name", async (target) => {
    const ends = new Set<string>();
    for (let seed = 1; seed <= CASES; seed++) {
      try {
        ends.add(await target.play(createRandom(seed)));
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    await target.close?.();
    // Both sides were reached, or the damage says nothing.
    expect(ends).toContain("refused");
    expect(ends.size).toBeGreaterThan(2);
  });
});
