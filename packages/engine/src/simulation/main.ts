// `npm run simulate -- --seeds N [--from S] [--plant NAME] [--follow TEXT]`: plays seeds and says which fails, so
// that it can be played again. `--follow` prints each exchange with the store that names TEXT: a run's id, a node's.
import { parseArgs } from "node:util";
import { PLANTS, simulate } from "./simulate.ts";

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
const from = Number(values.from);
const count = Number(values.seeds);
let turns = 0;
let runs = 0;
let crashes = 0;
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
  if (report.violation !== null) {
    process.stdout.write(
      `seed ${seed}: ${report.violation}\n  again: npm run simulate -- --from ${seed} --seeds 1${plant === undefined ? "" : ` --plant ${plant}`}\n`,
    );
    process.exitCode = 1;
    break;
  }
  if (process.stdout.isTTY) process.stdout.write(`\r${seed - from + 1} of ${count} seeds`);
}
const seconds = (performance.now() - startedMs) / 1_000;
process.stdout.write(
  `${process.stdout.isTTY ? "\n" : ""}${runs} runs, ${crashes} crashes, ${turns} events in ${seconds.toFixed(1)} s\n`,
);

function follow(text: string): (line: string) => void {
  return (line) => {
    if (line.includes(text) || line.endsWith("is killed"))
      process.stdout.write(`${line.slice(0, 1_000)}\n`);
  };
}
