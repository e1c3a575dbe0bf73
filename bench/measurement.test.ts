import { describe, expect, test } from "vitest";
import { isMet, type Measured } from "./measurement.ts";

const aMeasured = (fields: Partial<Measured>): Measured => ({
  kind: "measured",
  what: "",
  value: 0,
  unit: "ms",
  budget: null,
  note: "",
  ...fields,
});

describe("a budget", () => {
  test.for([
    [{ unit: "runs/s", budget: "runsPerSecond", value: 40_000 }, true],
    [{ unit: "runs/s", budget: "runsPerSecond", value: 39_999 }, false],
    [{ unit: "ms", budget: "startToResultP50Ms", value: 0.5 }, true],
    [{ unit: "ms", budget: "startToResultP50Ms", value: 0.501 }, false],
    [{ unit: "ratio", budget: "lateStepRatio", value: 1.04 }, true],
    [{ unit: "ratio", budget: "lateStepRatio", value: 1.06 }, false],
    [{ unit: "ratio", budget: "fullStoreRatio", value: 0.9 }, true],
    [{ unit: "ratio", budget: "fullStoreRatio", value: 0.89 }, false],
    [{ unit: "ratio", budget: "fullStoreRatio", value: Number.NaN }, false],
    [{ unit: "ms", budget: null, value: 1 }, null],
    // The design has none for this store.
    [{ unit: "ms", budget: "recoveryMs", value: 1 }, null],
  ] as const)("is compared with what was measured: %o", ([fields, expected]) => {
    expect(isMet(aMeasured(fields), "sqlite")).toBe(expected);
  });

  test("is that of the store", () => {
    const measured = aMeasured({ unit: "runs/s", budget: "runsPerSecond", value: 12_000 });
    expect(isMet(measured, "postgres")).toBe(true);
    expect(isMet(measured, "sqlite")).toBe(false);
  });
});
