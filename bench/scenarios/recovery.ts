// One node of two dies with all that it had in memory, and the other takes over.
import { setTimeout as pause } from "node:timers/promises";
import type { Bench, Scenario } from "../bench.ts";
import { toUrl, type Place } from "../engine/store.ts";
import type { Measurement } from "../measurement.ts";
import { readNumbers } from "../postgres/read-row.ts";
import { toCount, toDuration } from "../report/numbers.ts";

const LONGEST_RECOVERY_MS = 120_000;
const POLL_MS = 100;

export const recovery: Scenario = {
  name: "recovery",
  leftOut: { sqlite: "a file has one node; see the scenario kill" },
  async *run(bench) {
    const { recoveryRuns } = bench.sizes;
    const runs = `${toCount(recoveryRuns)} live runs`;
    bench.progress.stage(`kill -9 of a node with ${runs}`);
    const found = await bench.inPlace((place) => measure(bench, place));
    yield {
      kind: "measured",
      what: `kill -9 of a node with ${runs}: until the last of them has moved on another node`,
      value: found.lastMs,
      unit: "ms",
      budget: "recoveryMs",
      note: `the first after ${toDuration(found.firstMs)}; each is replayed, does its next step and ends`,
    };
    yield check("runs that the killed node owned", found.owned, recoveryRuns);
    yield check("runs that ended after it was killed", found.ended, recoveryRuns);
  },
};

interface Recovered {
  readonly owned: number;
  readonly ended: number;
  /** From the kill. */
  readonly firstMs: number;
  readonly lastMs: number;
}

async function measure(bench: Bench, place: Place): Promise<Recovered> {
  const { recoveryRuns: runCount } = bench.sizes;
  const victim = bench.startJob("hold", { place, runCount });
  await victim.ready;
  // Later, or it would take its share at once.
  const other = bench.startJob("standBy", { place, runCount: runCount * 2 });
  await other.ready;
  const url = toUrl(place);
  const before = await readNumbers<"owned" | "at">(url, OWNED);
  await victim.kill();
  await ended(url, runCount);
  const after = await readNumbers<"ended" | "first" | "last">(url, ENDED, [before.at]);
  other.proceed();
  await other.result;
  return {
    owned: before.owned,
    ended: after.ended,
    firstMs: after.first - before.at,
    lastMs: after.last - before.at,
  };
}

/** Fewer than that end if one was lost: then time runs out, and the count shows it. */
async function ended(url: string, expected: number): Promise<void> {
  const untilAt = performance.now() + LONGEST_RECOVERY_MS;
  while (performance.now() < untilAt) {
    const { ended } = await readNumbers<"ended">(
      url,
      "select count(*) as ended from millrace.history",
    );
    if (ended >= expected) return;
    await pause(POLL_MS);
  }
}

const OWNED = `
select count(*) as owned, (extract(epoch from clock_timestamp()) * 1000)::bigint as at
from millrace.runs where owner is not null`;

const ENDED = `
select count(*) as ended, min(finished_at) as first, max(finished_at) as last
from millrace.history where status = 'completed' and finished_at >= $1`;

const check = (what: string, found: number, expected: number): Measurement => ({
  kind: "checked",
  what: `kill -9 of one node of two: ${what}`,
  found,
  expected,
  note: "",
});
