// `npm run bench`: runs the scenarios one after the other and prints a table. See `docs/reference/performance.md`.
import { Bench } from "./bench.ts";
import { measureDisk } from "./disk.ts";
import { holds, type Measurement } from "./measurement.ts";
import { readOptions, USAGE, type Options } from "./options.ts";
import { collectPlans } from "./plans/collect-plans.ts";
import { writePlans } from "./plans/page.ts";
import { cleanUpAtExit } from "./processes.ts";
import { createProgress, type Progress } from "./progress.ts";
import { PAGE, writePage } from "./report/page.ts";
import { describeMachine, toJson, type Report } from "./report/report.ts";
import { drawTable, toValue } from "./report/table.ts";
import { FULL, QUICK } from "./sizes.ts";

const DISK_MS = 3_000;
/** Above it, something else takes a good part of a core. */
const QUIET_LOAD = 0.5;

async function main(options: Options): Promise<boolean> {
  const progress = createProgress(process.stderr);
  const startedAt = performance.now();
  const machine = describeMachine();
  if (machine.loadBefore > QUIET_LOAD) {
    const load = machine.loadBefore.toFixed(1);
    progress.say(
      `This machine is busy (load ${load}): the numbers will be worse than they could be.`,
    );
  }
  const { store, profiles, isQuick } = options;
  const sizes = isQuick ? QUICK : FULL;
  await using bench = await Bench.open({ sizes, store, profiles, progress });
  progress.stage("the disk");
  const disk = measureDisk(bench.folder, DISK_MS);
  const { measurements, leftOut, isWhole } = await measureAll(options, bench);
  const durationMs = performance.now() - startedAt;
  const found = { disk, store: bench.store, leftOut, isQuick, durationMs, measurements };
  const report: Report = { ...machine, ...found };
  process.stdout.write(`${options.isJson ? toJson(report) : `\n${drawTable(report)}`}\n`);
  const adds = addsUp(measurements, progress);
  if (options.isWriting && isWhole && adds) {
    await writePage(report);
    progress.say(`written to ${PAGE}`);
  }
  return isWhole && adds;
}

interface Found {
  readonly measurements: readonly Measurement[];
  /** Names and reasons. */
  readonly leftOut: readonly string[];
  /** Every scenario came to its end. */
  readonly isWhole: boolean;
}

/** One that fails does not keep the others from running. */
async function measureAll({ scenarios }: Options, bench: Bench): Promise<Found> {
  const { progress } = bench;
  const measurements: Measurement[] = [];
  const leftOut: string[] = [];
  let isWhole = true;
  for (const [i, scenario] of scenarios.entries()) {
    progress.say(`\n[${i + 1}/${scenarios.length}] ${scenario.name}`);
    const why = scenario.leftOut?.[bench.store.name];
    if (why !== undefined) {
      leftOut.push(`${scenario.name} (${why})`);
      progress.say(`    left out: ${why}`);
      continue;
    }
    try {
      for await (const measurement of scenario.run(bench)) {
        measurements.push(measurement);
        progress.say(`    ${measurement.what}: ${toValue(measurement)}`);
      }
    } catch (error) {
      isWhole = false;
      const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
      progress.say(`${scenario.name} failed: ${why}`);
    }
  }
  return { measurements, leftOut, isWhole };
}

function addsUp(measurements: readonly Measurement[], progress: Progress): boolean {
  const wrong = measurements.filter((one) => one.kind === "checked" && !holds(one));
  for (const { what } of wrong) progress.say(`DOES NOT ADD UP: ${what}`);
  return wrong.length === 0;
}

cleanUpAtExit();
try {
  const options = readOptions(process.argv.slice(2));
  if (options === "help") process.stdout.write(`${USAGE}\n`);
  else if (options === "plans") await writePlans(await collectPlans());
  else if (!(await main(options))) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}\n`);
  process.exitCode = 1;
}
