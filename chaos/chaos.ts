// One chaos run, from the first process to the verdict.
import { join } from "node:path";
import type { PostgresProfile } from "@millrace/engine/postgres";
import { createRandom } from "../packages/engine/src/simulation/random.ts";
import { BODY_LOG, readBodies } from "./body-log.ts";
import { Caller } from "./caller.ts";
import { check } from "./check/check.ts";
import type { Violation } from "./check/violation.ts";
import { Cluster } from "./cluster.ts";
import type { History, StoredRun, View } from "./history.ts";
import { Load } from "./load.ts";
import { pause } from "./pause.ts";
import { performFaults, type LoggedFault } from "./perform-faults.ts";
import { planFaults, type Fault } from "./plan-faults.ts";
import type { Plant } from "./plants.ts";
import { countLeftovers, readStore } from "./read-store.ts";
import { toRecoveries, type TimedRecovery } from "./recoveries.ts";
import { StoreWatch } from "./store-watch.ts";

export interface ChaosOptions {
  readonly seed: number;
  /** Of the load and its faults. */
  readonly lengthMs: number;
  /** Between two faults, on average; null: no faults. */
  readonly faultEveryMs: number | null;
  readonly longestFreezeMs: number;
  /** Of what clients do; most of it is one run. */
  readonly deedsPerSecond: number;
  /** Of the nodes. Default null: what the server is. */
  readonly profile?: PostgresProfile | null;
  readonly plants?: readonly Plant[];
  /** Hears how far it is. */
  readonly tell?: (text: string) => void;
}

export interface ChaosResult {
  readonly faults: readonly LoggedFault[];
  readonly recoveries: readonly TimedRecovery[];
  readonly violations: readonly Violation[];
  readonly history: History;
  /** Of the load and its faults, as it was. */
  readonly loadMs: number;
  /** From the end of the faults until everything had ended. */
  readonly settledMs: number;
  readonly requestCount: number;
  readonly unansweredCount: number;
  readonly leftOutCount: number;
  /** Starts of servers that gave up for want of a database, and were made again. */
  readonly failedStartCount: number;
}

const CLOCK_SHIFT_MS = 600_000;
/** After the last fault. A run without a worker, and a process that was stopped, are looked for once a minute. */
const SETTLED_WITHIN_MS = 180_000;
const LOOK_EVERY_MS = 250;
/** Of runs that every node is asked about. */
const MOST_VIEWED = 1_000;
const VIEWED_AT_ONCE = 20;

export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  const { seed, lengthMs, profile = null, plants = [], tell = () => {} } = options;
  const random = createRandom(seed);
  const plan =
    options.faultEveryMs === null
      ? []
      : planFaults(random.fork(), { ...options, everyMs: options.faultEveryMs });
  tell(`seed ${seed}: ${plan.length} faults in ${lengthMs / 1_000} s`);
  await using cluster = await Cluster.open({
    seed,
    clockShiftMs: CLOCK_SHIFT_MS,
    profile,
    plants,
  });
  tell("all processes serve");
  const giveUp = new AbortController();
  const caller = new Caller(cluster.urls, cluster.key ?? "", random.fork(), giveUp.signal);
  const load = new Load(caller, random.fork(), plants);
  const watch = new StoreWatch(cluster.database.url);
  watch.start();
  const startedAt = performance.now();
  const faults = await play(cluster, load, watch, plan, options);
  const loadMs = performance.now() - startedAt;
  tell("the faults are over; waiting until everything has ended");
  const settledMs = await settle(cluster, load, giveUp);
  await watch.stop();
  tell("checking");
  const history = await collect(cluster, caller, load, watch);
  return {
    faults,
    recoveries: toRecoveries(watch.recoveries, faults, startedAt),
    violations: check(history),
    history,
    loadMs,
    settledMs,
    requestCount: caller.tryCount,
    unansweredCount: caller.unansweredCount,
    leftOutCount: load.leftOutCount,
    failedStartCount: cluster.failedStartCount,
  };
}

/** Load and faults, side by side. */
async function play(
  cluster: Cluster,
  load: Load,
  watch: StoreWatch,
  plan: readonly Fault[],
  { lengthMs, deedsPerSecond }: ChaosOptions,
): Promise<readonly LoggedFault[]> {
  const startedAt = performance.now();
  const over = new AbortController();
  const loading = load.run(deedsPerSecond, over.signal);
  try {
    const faults = await performFaults(cluster, plan, {
      dies: (node) => watch.expectDeath(node.name, node.pid),
      compute: (node, ms) => load.compute(node, ms),
    });
    await pause(Math.max(0, startedAt + lengthMs - performance.now()));
    return faults;
  } finally {
    over.abort();
    await loading;
  }
}

async function collect(
  cluster: Cluster,
  caller: Caller,
  load: Load,
  watch: StoreWatch,
): Promise<History> {
  const stored = await readStore(cluster.database.url);
  const { signals, events, listeners, cancels, seenEnds, badAnswers, starts } = load;
  const { fences, fallenFences } = watch;
  return {
    ...stored,
    signals,
    events,
    listeners,
    cancels,
    seenEnds,
    badAnswers,
    fences,
    fallenFences,
    starts: starts.records,
    bodies: readBodies(join(cluster.folder, BODY_LOG)),
    views: await readViews(cluster, caller, stored.runs, load),
    exits: cluster.exits,
  };
}

/** @returns how long it took until everything had ended, or the bound */
async function settle(cluster: Cluster, load: Load, giveUp: AbortController): Promise<number> {
  const startedAt = performance.now();
  const leftMs = (): number => startedAt + SETTLED_WITHIN_MS - performance.now();
  const alarm = setTimeout(() => giveUp.abort(), SETTLED_WITHIN_MS);
  await cluster.heal();
  await load.landed();
  clearTimeout(alarm);
  while (leftMs() > 0) {
    const left = Object.values(await countLeftovers(cluster.database.url));
    if (left.every((count) => count === 0)) break;
    await pause(LOOK_EVERY_MS);
  }
  return performance.now() - startedAt;
}

/** What every node says of some runs, evenly spread, and of all that have a name. */
async function readViews(
  cluster: Cluster,
  caller: Caller,
  runs: readonly StoredRun[],
  load: Load,
): Promise<readonly View[]> {
  const step = Math.max(1, Math.ceil(runs.length / MOST_VIEWED));
  const asked = [
    ...runs.filter((_, n) => n % step === 0).map(({ id }) => ({ runId: id, asked: id })),
    ...load.starts.records.flatMap(({ name, answers: [runId] }) =>
      name === null || runId === undefined ? [] : { runId, asked: name },
    ),
  ].flatMap((one) => cluster.nodes.map(({ name: node }, number) => ({ ...one, node, number })));
  const views: View[] = [];
  for (let n = 0; n < asked.length; n += VIEWED_AT_ONCE) {
    const some = asked.slice(n, n + VIEWED_AT_ONCE).map(async ({ number, ...one }) => {
      const path = `/api/v1/runs/${encodeURIComponent(one.asked)}`;
      const answer = await caller.once({ method: "GET", path }, { node: number });
      // The API's own shape.
      const shown = answer?.status === 200 ? (answer.data as View["shown"]) : null;
      return { ...one, shown };
    });
    views.push(...(await Promise.all(some)));
  }
  return views;
}
