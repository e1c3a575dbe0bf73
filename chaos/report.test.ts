import { describe, expect, test } from "vitest";
import type { ChaosResult } from "./chaos.ts";
import { toReport } from "./report.ts";

const OPTIONS = {
  seed: 7,
  lengthMs: 60_000,
  faultEveryMs: 3_000,
  longestFreezeMs: 9_000,
  deedsPerSecond: 10,
};

function aResult(more: Partial<ChaosResult> = {}): ChaosResult {
  const run = { id: "r1", workflow: "wf_chain", intent: "start-0", parent: null, fence: 1 };
  return {
    faults: [
      { kind: "node-kill", target: "node-1", atMs: 0, lengthMs: 0, beganMs: 1_500, endedMs: 4_000 },
    ],
    recoveries: [
      { node: "node-1", atMs: 1_500, runCount: 3, ms: 7_240, isClean: true },
      { node: "node-2", atMs: 9_500, runCount: 1, ms: null, isClean: false },
    ],
    violations: [],
    history: {
      starts: [],
      signals: [],
      events: [],
      listeners: new Map(),
      cancels: new Set(),
      seenEnds: new Map(),
      badAnswers: [],
      bodies: [],
      runs: [{ ...run, status: "completed", result: null, waitingOn: null, journal: [] }],
      keys: [],
      leftovers: {},
      fences: new Map(),
      fallenFences: [],
      views: [],
      exits: [],
    },
    loadMs: 60_000,
    settledMs: 2_000,
    requestCount: 100,
    unansweredCount: 9,
    leftOutCount: 0,
    failedStartCount: 0,
    ...more,
  };
}

describe("toReport", () => {
  test("tells seed, faults, runs and recoveries", () => {
    const lines = toReport(OPTIONS, aResult()).split("\n");
    expect(lines).toEqual(
      expect.arrayContaining([
        "| Seed | 7 |",
        "| `node-kill` | 1 |",
        "| `wf_chain`, completed | 1 |",
        "| all kills | 2 | not seen | not seen |",
        "| nothing else wrong meanwhile | 1 | 7.2 s | 7.2 s |",
        "| 1.5 s | 4.0 s | `node-kill` | `node-1` |",
        "None.",
      ]),
    );
  });

  test("names every violation", () => {
    const what = "start-0 has the runs r1, r2";
    expect(toReport(OPTIONS, aResult({ violations: [{ rule: "K2", what }] }))).toContain(
      `- K2: ${what}`,
    );
  });
});
