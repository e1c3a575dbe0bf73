import { describe, expect, test } from "vitest";
import { createRandom } from "../../packages/engine/src/simulation/random.ts";
import { TARGETS } from "./targets.ts";

/** `npm run fuzz` plays as many as one likes, and looks at the time of each. */
const CASES = 1_500;

describe("the language", () => {
  test.each(TARGETS)("has a result or words for every kind of damage to $name", ({ play }) => {
    const ends = new Set<string>();
    for (let seed = 1; seed <= CASES; seed++) {
      try {
        ends.add(play(createRandom(seed)));
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
    // Both sides were reached, or the damage says nothing.
    expect(ends).toContain("refused");
    expect(ends.size).toBeGreaterThan(2);
  });
});
