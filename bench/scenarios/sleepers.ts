import type { Bench, Scenario } from "../bench.ts";
import type { BudgetName } from "../budgets.ts";
import type { Measured } from "../measurement.ts";
import { toAmount, toCount } from "../report/numbers.ts";

export const sleepers: Scenario = {
  name: "sleepers",
  run: (bench) => measure(bench),
};

async function* measure(bench: Bench): AsyncGenerator<Measured> {
  const { sleepers, restMs } = bench.sizes;
  const most = Math.max(...sleepers);
  await using opened = await bench.openPlace();
  const { place } = opened;
  bench.progress.stage(`${toCount(most)} sleeping runs`);
  const { emptyBytes, residentBytes } = await bench.runJob("sleep", { place, sleepers, restMs });
  for (const [i, bytes] of residentBytes.entries()) {
    const count = sleepers[i] ?? 0;
    const what = `resident memory, ${toCount(count)} sleeping runs, just started`;
    yield toRow(what, bytes, emptyBytes, count === most ? "sleepingMegabytes" : null);
  }
  const what = `resident memory, ${toCount(most)} sleeping runs, process started anew`;
  bench.progress.stage(what);
  const again = await bench.runJob("sleep", { place, sleepers: [0], restMs });
  yield toRow(what, again.residentBytes[0] ?? NaN, again.emptyBytes, "sleepingMegabytes");
}

const BYTES_IN_MB = 1e6;

function toRow(
  what: string,
  bytes: number,
  emptyBytes: number,
  budget: BudgetName | null,
): Measured {
  const note = `${toAmount(emptyBytes / BYTES_IN_MB, "MB")} at the start`;
  return { kind: "measured", what, value: bytes / BYTES_IN_MB, unit: "MB", budget, note };
}
