// What a seed's story is like. Each has a few kinds of trouble strongly, rather than all of them weakly.
import type { Random } from "./random.ts";
import type { ScriptTaste } from "./script.ts";
import { HINTS, type Weather } from "./weather.ts";

export const TROUBLES = [
  "kill",
  "leave",
  "stop",
  "roll",
  "add",
  "herd",
  "pause",
  "suspend",
  "block",
  "block-with-heart",
  "restart-store",
  "fill-store",
  "fail-lane",
  "step-store-time",
  "jump-wall-clock",
  "kill-worker",
  "pause-worker",
  "cut-worker",
] as const;
export type Trouble = (typeof TROUBLES)[number];

const THEME_NAMES = [
  "crashes",
  "pauses",
  "network",
  "store",
  "hints",
  "clocks",
  "fleet",
  "workers",
  "crowd",
  "clients",
  "poison",
  "outage",
] as const;
export type Theme = (typeof THEME_NAMES)[number];

/** The trouble that comes with each, as often as it stands here. */
const THEMES: Readonly<Record<Theme, readonly [Trouble, ...Trouble[]]>> = {
  crashes: ["kill", "kill", "kill", "leave", "kill-worker"],
  pauses: ["pause", "pause", "suspend", "block", "block-with-heart", "pause-worker"],
  network: ["kill", "cut-worker"],
  store: ["restart-store", "restart-store", "fill-store", "fail-lane", "fail-lane"],
  hints: ["kill", "stop"],
  clocks: ["jump-wall-clock", "step-store-time", "suspend"],
  fleet: ["stop", "roll", "add", "herd", "leave", "kill"],
  workers: ["kill-worker", "pause-worker", "cut-worker", "kill"],
  crowd: ["kill"],
  clients: ["kill", "stop"],
  poison: ["kill"],
  outage: ["kill"],
};

/** Each is as likely as it stands here. */
const LOTS: readonly [Theme, ...Theme[]] = [
  "crashes",
  "crashes",
  "pauses",
  "pauses",
  "network",
  "network",
  "store",
  "store",
  "hints",
  "hints",
  "clocks",
  "clocks",
  "fleet",
  "workers",
  "workers",
  "crowd",
  "clients",
  "clients",
  "clients",
  "poison",
  "outage",
];

export interface Climate {
  readonly themes: ReadonlySet<Theme>;
  /** Nodes at the beginning. */
  readonly nodes: number;
  readonly workers: number;
  /** Into how many databases the shards are spread. */
  readonly lanes: number;
  readonly weather: Weather;
  readonly troubles: readonly [Trouble, ...Trouble[]];
  /** Longest time between two of them. */
  readonly calmMs: number;
  /** Each process counts time at its own rate, and its wall clock is wrong. */
  readonly ownClocks: boolean;
  readonly taste: ScriptTaste;
  /** Clients that start a run with the same key. */
  readonly rivals: number;
  /** Names that starts choose from. 0: none chooses. */
  readonly names: number;
  /** Probability that somebody does more with a run than to start it. */
  readonly meddling: number;
  /** Runs that sleep until the same instant. */
  readonly crowd: number;
  /** All nodes, or all workers, are gone for an hour. */
  readonly outage: "nodes" | "workers" | null;
}

export function createClimate(random: Random): Climate {
  const themes = new Set<Theme>();
  const count = random.between(1, 3);
  while (themes.size < count) themes.add(random.pick(LOTS));
  const has = (theme: Theme): boolean => themes.has(theme);
  const troubles: Trouble[] = [...themes].flatMap((theme) => [...THEMES[theme]]);
  const isFleet = has("fleet") && random.chance(0.5);
  return {
    themes,
    nodes: isFleet ? random.between(4, 8) : random.between(1, 3),
    workers: random.between(1, 3),
    lanes: random.pick([1, 1, 2, 4]),
    weather: createWeather(random, has),
    troubles: ["kill", ...troubles],
    calmMs: random.pick([4_000, 12_000, 30_000]),
    ownClocks: has("clocks") || random.chance(0.2),
    taste: { oddSleeps: has("clocks"), kills: has("poison") },
    rivals: has("clients") ? random.between(2, 6) : 1,
    // A start that was refused for its name and comes once more when the name is free makes a run that nobody moves.
    names: has("clients") && !has("network") ? random.between(1, 3) : 0,
    meddling: has("clients") ? 0.7 : 0.3,
    crowd: has("crowd") ? random.between(20, 60) : 0,
    outage: toOutage(random, has),
  };
}

function toOutage(random: Random, has: (theme: Theme) => boolean): Climate["outage"] {
  if (has("outage")) return "nodes";
  return has("workers") && random.chance(0.2) ? "workers" : null;
}

function createWeather(random: Random, has: (theme: Theme) => boolean): Weather {
  const isRough = has("network");
  return {
    lossy: isRough ? 0.02 + random.fraction() * 0.1 : 0,
    doubled: isRough ? random.fraction() * 0.1 : 0,
    slowest: isRough ? random.pick([50, 500, 4_000]) : random.pick([5, 50]),
    conflicts: has("store") && random.chance(0.5) ? random.fraction() * 0.3 : 0,
    rejects: has("store") && random.chance(0.3) ? 40 : 0,
    full: false,
    down: false,
    lostLane: null,
    lateUntil: 0,
    hints: has("hints") ? random.pick(HINTS) : "carried",
  };
}
