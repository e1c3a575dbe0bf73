// `npm run fuzz -- [--seconds 30] [--only definitions] [--from 1]`: plays case after case and says which breaks a rule,
// or takes longer than anything that somebody sends may take.
import { parseArgs } from "node:util";
import { createRandom } from "../../packages/engine/src/simulation/random.ts";
import { TARGETS, type FuzzTarget } from "./targets.ts";

/** One request may keep a server from all others for this long at most, also on a slow machine. */
const BUDGET_MS = 1_000;

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "30" },
    from: { type: "string", default: "1" },
    only: { type: "string" },
  },
});
const targets = TARGETS.filter(({ name }) => values.only === undefined || name === values.only);
if (targets.length === 0) {
  process.stderr.write(`There are ${TARGETS.map(({ name }) => name).join(", ")}.\n`);
  process.exit(2);
}
for (const target of targets)
  await fuzz(target, Number(values.from), (Number(values.seconds) * 1_000) / targets.length);

async function fuzz({ name, play, close }: FuzzTarget, from: number, forMs: number): Promise<void> {
  const ends = new Map<string, number>();
  const startedMs = performance.now();
  let longestMs = 0;
  let longestSeed = from;
  let seed = from;
  for (; performance.now() - startedMs < forMs; seed++) {
    const beganMs = performance.now();
    try {
      const end = await play(createRandom(seed));
      ends.set(end, (ends.get(end) ?? 0) + 1);
    } catch (error) {
      report(name, seed, error);
    }
    const tookMs = performance.now() - beganMs;
    if (tookMs > longestMs) [longestMs, longestSeed] = [tookMs, seed];
  }
  await close?.();
  const shown = Array.from(ends, ([end, count]) => `${count} ${end}`).join(", ");
  const longest = `longest ${longestMs.toFixed(1)} ms (seed ${longestSeed})`;
  process.stdout.write(`${name}: ${seed - from} cases: ${shown}; ${longest}\n`);
  if (longestMs > BUDGET_MS) {
    process.stdout.write(`  over the budget of ${BUDGET_MS} ms\n`);
    process.exitCode = 1;
  }
}

function report(name: string, seed: number, error: unknown): void {
  const stack = error instanceof Error ? error.stack : String(error);
  process.stdout.write(
    `${name}, seed ${seed}: ${stack}\n  again: npm run fuzz -- --only ${name} --from ${seed} --seconds 0.1\n`,
  );
  process.exitCode = 1;
}
