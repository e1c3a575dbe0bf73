// `npm run chaos`: see docs/operating/chaos.md.
import { writeFile } from "node:fs/promises";
import { runChaos, type ChaosOptions } from "./chaos.ts";
import { readOptions, USAGE, type Options } from "./options.ts";
import { readPlants } from "./plants.ts";
import { toReport } from "./report.ts";
import { runSoak, toSoakReport } from "./soak.ts";

const DEFAULT_PER_SECOND = 20;
const FAULT_EVERY_MS = 3_000;
const LONGEST_FREEZE_MS = 60_000;
/** Of runs of a node that was killed, while nothing else was wrong. */
const RECOVERED_WITHIN_MS = 10_000;
const INTERRUPTED = 130;

const tell = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** @returns whether all was as it must be */
async function playChaos({ seed, minutes, perSecond, profile, report }: Options): Promise<boolean> {
  const options: ChaosOptions = {
    seed,
    lengthMs: minutes * 60_000,
    faultEveryMs: FAULT_EVERY_MS,
    longestFreezeMs: LONGEST_FREEZE_MS,
    deedsPerSecond: perSecond ?? DEFAULT_PER_SECOND,
    profile,
    plants: readPlants(),
    tell,
  };
  const result = await runChaos(options);
  await show(toReport(options, result), report);
  const slow = result.recoveries.filter(
    ({ isClean, ms }) => isClean && (ms ?? Infinity) > RECOVERED_WITHIN_MS,
  );
  for (const { node, atMs, ms } of slow)
    tell(`runs of ${node}, killed at ${atMs} ms, took ${ms} ms`);
  return result.violations.length === 0 && slow.length === 0;
}

async function playSoak({ seed, minutes, perSecond, profile, report }: Options): Promise<boolean> {
  if (profile !== null) throw new Error("A soak knows no --profile.");
  const result = await runSoak({ seed, lengthMs: minutes * 60_000, perSecond, tell });
  await show(toSoakReport(result), report);
  return result.isFlat;
}

async function show(text: string, file: string | null): Promise<void> {
  if (file === null) process.stdout.write(`${text}\n`);
  else await writeFile(file, text);
}

// What was started dies with this process.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => process.exit(INTERRUPTED));
}
/** @returns the exit code */
async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2));
    if (options === "help") {
      process.stdout.write(`${USAGE}\n`);
      return 0;
    }
    return (await (options.isSoak ? playSoak(options) : playChaos(options))) ? 0 : 1;
  } catch (error) {
    tell(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    return 1;
  }
}

// Not by `process.exitCode`: after connections were reset, Node 24 may spin for ever when it clears up at its own end.
process.exit(await main());
