import { simulate, type Plant, type SimulationReport } from "./simulate.ts";

const LAST_EVENTS = 12;
const LINE = 240;

/** How a person plays a seed again. */
const toCommand = (seed: number, plant?: Plant): string =>
  `npm run simulate -- --from ${seed} --seeds 1${plant === undefined ? "" : ` --plant ${plant}`}`;

/** What was wrong, what happened just before, and how to see it again. Plays the story once more for it. */
export async function tellFailure(
  { seed, violation }: SimulationReport,
  plant?: Plant,
): Promise<string> {
  const last: string[] = [];
  const listener = (line: string): void => {
    last.push(line.slice(0, LINE));
    if (last.length > LAST_EVENTS) last.shift();
  };
  await simulate({ seed, listener, ...(plant === undefined ? {} : { plant }) });
  const events = last.map((line) => `  ${line}\n`).join("");
  return `seed ${seed}: ${violation}\n  the last events:\n${events}  again: ${toCommand(seed, plant)}\n`;
}
