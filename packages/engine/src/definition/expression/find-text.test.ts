import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hasText } from "./find-text.ts";

/** Long enough for the search of our own, with few letters, so that parts almost stand everywhere. */
const long = (min: number, max: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom("a", "aa", "ab", "aab"), { minLength: 1, maxLength: 5 })
    .chain((words) =>
      fc.integer({ min, max }).map((length) => words.join("").repeat(length).slice(0, length)),
    );

describe("hasText", () => {
  test("finds what the engine finds", () => {
    fc.assert(
      fc.property(long(1_500, 3_000), long(1, 800), long(1, 200), (text, start, end) => {
        for (const part of [start, `${start}b${end}`, `${start}c`]) {
          expect(hasText(text, part)).toBe(text.includes(part));
        }
      }),
      { numRuns: 200 },
    );
  });

  test("finds a part wherever it stands", () => {
    const part = "ab".repeat(2_000);
    const rest = "a".repeat(2_000);
    expect(hasText(part, part)).toBe(true);
    expect(hasText(part + rest, part)).toBe(true);
    expect(hasText(rest + part, part)).toBe(true);
    expect(hasText(rest + part + rest, part)).toBe(true);
    expect(hasText(part, `${part}a`)).toBe(false);
    expect(hasText(rest, "")).toBe(true);
  });

  test("does not look at everything again for each place", () => {
    // The engine's own search would take half an hour here, so a test that ends at all has shown it.
    const text = "a".repeat(4_000_000);
    const half = "a".repeat(1_000_000);
    expect(hasText(text, `${half}b${half}`)).toBe(false);
  });
});
