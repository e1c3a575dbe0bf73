// `npm run simulate -- --seeds N [--from S] [--plant NAME] [--follow TEXT]`: plays seeds and says which fails, so
// that it can be played again. `--follow` prints each exchange with the store that names TEXT: a run's id, a node's.
import { parseArgs } from "node:util";
import { addCoverage, FAULTS, NO_COVERAGE, type Coverage } from "./faults.ts";
import { PLANTS, simulate } from "./simulate.ts";
import { tellFailure } from "./tell-failure.ts";

const { values } = parseArgs({
  options: {
    seeds: { type: "string", default: "500" },
    from: { type: "string", default: "1" },
    plant: { type: "string" },
    follow: { type: "string" },
  },
});
const plant = PLANTS.find((name) => name === values.plant);
if (values.plant !== undefined && plant === undefined) {
  process.stderr.write(`There is no plant "${values.plant}"; there are ${PLANTS.join(", ")}.\n`);
  process.exit(2);
}
// `| head` has read enough.
process.stdout.on("error", () => process.exit(0));
/** On a terminal each seed is told of, elsewhere each so many. */
const TELL_EVERY = process.stdout.isTTY ? 1 : 500;
const from = Number(values.from);
const count = Number(values.seeds);
let turns = 0;
let runs = 0;
let crashes = 0;
let coverage = NO_COVERAGE;
const startedMs = performance.now();
for (let seed = from; seed < from + count; seed++) {
  const report = await simulate({
    seed,
    ...(plant === undefined ? {} : { plant }),
    ...(values.follow === undefined ? {} : { listener: follow(values.follow) }),
  });
  turns += report.turns;
  runs += report.runs;
  crashes += report.crashes;
  coverage = addCoverage(coverage, report.coverage);
  if (report.violation !== null) {
    process.stdout.write(await tellFailure(report, plant));
    process.exitCode = 1;
    break;
  }
  tellProgress(seed - from + 1);
}
const seconds = (performance.now() - startedMs) / 1_000;
process.stdout.write(
  `${process.stdout.isTTY ? "\n" : ""}${runs} runs, ${crashes} crashes, ${turns} events in ${seconds.toFixed(1)} s\n`,
);
if (count > 1) process.stdout.write(toTable(coverage));

function tellProgress(played: number): void {
  if (played % TELL_EVERY !== 0 && played !== count) return;
  const told = `${played} of ${count} seeds`;
  process.stdout.write(process.stdout.isTTY ? `\r${told}` : `${told}\n`);
}

/** How often each fault happened. */
function toTable(counts: Coverage): string {
  const width = Math.max(...FAULTS.map(({ length }) => length));
  return FAULTS.map((fault) => `  ${fault.padEnd(width)}  ${counts[fault]}\n`).join("");
}

function follow(text: string): (line: string) => void {
  return (line) => {
    if (line.includes(text) || line.endsWith("is killed"))
      process.stdout.write(`${line.slice(0, 1_000)}\n`);
  };
}
