// What goes wrong, and when: drawn from a seed before anything begins, so that a seed is always the same trouble.
//
//   F1. Nothing happens twice at the same time to one target.
//   F2. One node at least is neither dead, frozen nor leaving.
//   F3. Every kind comes up before any comes again.
//   F4. All is over at the end.
import type { Random } from "../packages/engine/src/simulation/random.ts";

export const FAULT_KINDS = [
  "node-kill",
  "node-freeze",
  "node-drain",
  "node-busy",
  "worker-kill",
  "worker-freeze",
  "worker-drain",
  "postgres-fast",
  "postgres-immediate",
  "postgres-kill",
  "postgres-pause",
  "network-cut",
  "network-cut-after-commit",
  "network-blackhole",
  "network-delay",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export const NODE_COUNT = 3;
export const WORKER_COUNT = 2;
/** The last node has a way to the database of its own. */
export const NETWORK_COUNT = 2;

type TargetClass = "node" | "worker" | "postgres" | "network";

export interface Fault {
  readonly kind: FaultKind;
  /** `node-0`, `postgres`. */
  readonly target: string;
  /** Since the beginning. */
  readonly atMs: number;
  /** How long it stays. */
  readonly lengthMs: number;
}

export interface PlanOptions {
  readonly lengthMs: number;
  /** Between two faults, on average. */
  readonly everyMs: number;
  /** Of how long a process is frozen. */
  readonly longestFreezeMs: number;
}

const LEASE_MS = 6_000;

/** Least and most; what is not named here is over at once. */
const LENGTHS_MS: Partial<Record<FaultKind, readonly [least: number, most: number]>> = {
  "node-kill": [500, 4_000],
  "node-drain": [200, 1_000],
  "node-busy": [1_000, 5_000],
  "worker-kill": [200, 3_000],
  "worker-drain": [200, 1_000],
  "postgres-fast": [0, 6_000],
  "postgres-immediate": [0, 6_000],
  "postgres-kill": [200, 2_000],
  "postgres-pause": [500, 4_000],
  "network-cut-after-commit": [1_000, 5_000],
  "network-blackhole": [1_000, 5_000],
  "network-delay": [1_000, 5_000],
};

const TARGETS: Readonly<Record<TargetClass, readonly string[]>> = {
  node: Array.from({ length: NODE_COUNT }, (_, n) => `node-${n}`),
  worker: Array.from({ length: WORKER_COUNT }, (_, n) => `worker-${n}`),
  postgres: ["postgres"],
  network: Array.from({ length: NETWORK_COUNT }, (_, n) => `network-${n}`),
};

/** What the first word of a kind says. */
function classOf(kind: FaultKind): TargetClass {
  if (kind.startsWith("node")) return "node";
  if (kind.startsWith("worker")) return "worker";
  return kind.startsWith("network") ? "network" : "postgres";
}

/** A node that it hits does no work. */
const takesAway = ({ kind }: Fault): boolean =>
  kind === "node-kill" || kind === "node-freeze" || kind === "node-drain";

/** A process needs some time to be there again. */
const START_MS = 2_500;
const endOf = (fault: Fault): number =>
  fault.atMs +
  fault.lengthMs +
  (takesAway(fault) || fault.kind.startsWith("worker") ? START_MS : 0);

/** In the order of their beginnings. */
export function planFaults(random: Random, options: PlanOptions): readonly Fault[] {
  const { lengthMs, everyMs } = options;
  const plan: Fault[] = [];
  let bag: FaultKind[] = [];
  for (let atMs = everyMs / 2; atMs < lengthMs; atMs += everyMs * (0.5 + random.fraction())) {
    if (bag.length === 0) bag = shuffle(random, FAULT_KINDS);
    const place = bag.findIndex((kind) => {
      const fault = drawFault(random, kind, atMs, options);
      const fits = fault !== null && endOf(fault) <= lengthMs && isFree(plan, fault);
      if (fits) plan.push(fault);
      return fits;
    });
    if (place >= 0) bag.splice(place, 1);
  }
  return plan;
}

function drawFault(
  random: Random,
  kind: FaultKind,
  atMs: number,
  { longestFreezeMs }: PlanOptions,
): Fault | null {
  const targets = TARGETS[classOf(kind)];
  const target = targets[random.between(0, targets.length - 1)];
  if (target === undefined) return null;
  const [least, most] = kind.endsWith("freeze")
    ? [1_000, random.chance(0.5) ? longestFreezeMs : LEASE_MS]
    : (LENGTHS_MS[kind] ?? [0, 0]);
  return { kind, target, atMs: Math.round(atMs), lengthMs: random.between(least, most) };
}

function isFree(plan: readonly Fault[], fault: Fault): boolean {
  const meanwhile = plan.filter((other) => endOf(other) > fault.atMs);
  if (meanwhile.some(({ target }) => target === fault.target)) return false;
  return !takesAway(fault) || meanwhile.filter(takesAway).length < NODE_COUNT - 1;
}

function shuffle(random: Random, kinds: readonly FaultKind[]): FaultKind[] {
  const left = [...kinds];
  return kinds.flatMap(() => left.splice(random.between(0, left.length - 1), 1));
}
