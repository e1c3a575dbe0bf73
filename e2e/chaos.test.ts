// Everything at once, on the real thing: the short form of `npm run chaos`, whose page is docs/operating/chaos.md.
import { describe, expect, onTestFailed, test } from "vitest";
import { runChaos, type ChaosOptions } from "../chaos/chaos.ts";
import { FAULT_KINDS } from "../chaos/plan-faults.ts";
import { PLANTS } from "../chaos/plants.ts";

/** Guards against a hang; three quarters of a minute are usual. */
const TIMEOUT_MS = 360_000;
const SHORT: ChaosOptions = {
  seed: 35,
  lengthMs: 25_000,
  faultEveryMs: 1_400,
  // Longer than a lease.
  longestFreezeMs: 9_000,
  deedsPerSecond: 10,
};

describe(
  "three nodes, two workers and a PostgreSQL, of which all fail",
  { timeout: TIMEOUT_MS },
  () => {
    test("lose nothing and double nothing (faults 2, 5, 7, 18, 20, 35)", async () => {
      const told: string[] = [];
      onTestFailed(() => console.error(told.join("\n")));
      const { violations, faults, history } = await runChaos({
        ...SHORT,
        tell: (text) => told.push(text),
      });
      expect(violations).toEqual([]);
      const kinds = new Set<string>(faults.map(({ kind }) => kind));
      expect(FAULT_KINDS.filter((kind) => !kinds.has(kind))).toEqual([]);
      // There was something to lose.
      expect(history.runs.length).toBeGreaterThan(100);
    });

    test("are found out when they do wrong: what is planted is seen", async () => {
      const { violations } = await runChaos({
        ...SHORT,
        lengthMs: 3_000,
        faultEveryMs: null,
        plants: PLANTS,
      });
      const rules = new Set<string>(violations.map(({ rule }) => rule));
      // Another result than the body's, a start under a new key, a signal under a new id.
      expect(["K2", "K4", "K5"].filter((rule) => !rules.has(rule))).toEqual([]);
    });
  },
);
