import type { Hints } from "../storage/storage.ts";
import type { Tally } from "./faults.ts";
import type { Random } from "./random.ts";
import type { Weather } from "./weather.ts";
import type { Host, World } from "./world.ts";

export interface SimHintsOptions {
  readonly world: World;
  /** Who hears. */
  readonly host: Host;
  readonly hints: Hints;
  readonly weather: Weather;
  readonly tally: Tally;
  readonly random: Random;
}

/** Probabilities of words that travel poorly. */
const POOR = { lost: 0.3, late: 0.3, doubled: 0.3 } as const;
const LATE_MS = 20_000;

/** Words between nodes: lost, late, doubled, or none at all. */
export function createSimHints(options: SimHintsOptions): Hints {
  const { hints, weather } = options;
  return {
    get travels() {
      return weather.hints !== "silent";
    },
    tell: (to, hint) => hints.tell(to, hint),
    listen: (node, hear) => hints.listen(node, (hint) => carry(options, () => hear(hint))),
  };
}

function carry({ world, host, weather, tally, random }: SimHintsOptions, arrive: () => void): void {
  if (weather.hints === "silent" || weather.hints === "none") {
    tally.note("no-hints");
    return;
  }
  const isPoor = weather.hints === "poor";
  if (random.chance(isPoor ? POOR.lost : weather.lossy)) {
    tally.note("hint-lost");
    return;
  }
  const isLate = isPoor && random.chance(POOR.late);
  if (isLate) tally.note("hint-late");
  world.after(isLate ? random.between(0, LATE_MS) : random.fraction() * 2, host, arrive);
  if (!isPoor || !random.chance(POOR.doubled)) return;
  tally.note("hint-doubled");
  world.after(random.between(0, LATE_MS), host, arrive);
}
