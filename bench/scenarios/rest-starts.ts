// How many starts a second the server acknowledges: key, input schema, idempotency key, durable. Each run is worked off as
// well, on the same two cores as the server and the load.
import { setTimeout as pause } from "node:timers/promises";
import type { Bench, Scenario } from "../bench.ts";
import type { Place } from "../engine/store.ts";
import { CHECKED_STEPS, toCheckedInput } from "../engine/definitions.ts";
import { Client } from "../load/client.ts";
import { runOpenLoop, type OpenLoopReport } from "../load/open-loop.ts";
import { toCount, toDuration } from "../report/numbers.ts";
import { installOverRest, readProgress, startOverRest, type Progress } from "../server/rest.ts";
import { startServer } from "../server/server.ts";

const CONNECTIONS = 200;
const SLOWEST_P99_MS = 50;
/** Of the requests that were due. */
const LEAST_ANSWERED = 0.98;
/** A level that fails is tried again: something else on the machine may have been in the way. */
const TRIES = 2;
const LONGEST_DRAIN_MS = 120_000;

interface Level extends OpenLoopReport {
  readonly perSecond: number;
  /** Runs that had ended when the level was over. */
  readonly finished: number;
  /** Processor time of the server for one start and its run. */
  readonly serverUs: number;
}

export const restStarts: Scenario = {
  name: "rest-starts",
  async *run(bench) {
    const what = "starts over REST, open loop";
    bench.progress.stage(what);
    const { best, failed } = await bench.inPlace((place) => search(bench, place));
    const limit = `${toCount(failed.perSecond)}/s: ${describe(failed)}`;
    yield {
      kind: "measured",
      what: `${what}, p99 up to ${SLOWEST_P99_MS} ms`,
      value: best?.perSecond ?? 0,
      unit: "requests/s",
      budget: "restStartsPerSecond",
      note: best === null ? limit : `${describe(best)}; at ${limit}`,
    };
  },
};

interface Found {
  /** The fastest that was sustained; null: none was. */
  readonly best: Level | null;
  /** The slowest that was not. */
  readonly failed: Level;
}

/** Up by whole steps until a level fails, then half a step back. */
async function search(bench: Bench, place: Place): Promise<Found> {
  const { firstLevelPerSecond, levelStepPerSecond } = bench.sizes;
  await using server = await startServer({ place });
  using client = await Client.open({ ...server, connectionCount: CONNECTIONS });
  await installOverRest(client, CHECKED_STEPS);
  const play = createLevels(bench, client);
  await play(firstLevelPerSecond);
  let best: Level | null = null;
  for (let perSecond = firstLevelPerSecond; ; perSecond += levelStepPerSecond) {
    const level = await play(perSecond);
    if (isSustained(level)) {
      best = level;
      continue;
    }
    if (perSecond <= levelStepPerSecond / 2) return { best, failed: level };
    const between = await play(perSecond - levelStepPerSecond / 2);
    return isSustained(between) ? { best: between, failed: level } : { best, failed: between };
  }
}

/** Levels on one server. Each has its own idempotency keys, and begins when the one before is worked off. */
function createLevels(bench: Bench, client: Client): (perSecond: number) => Promise<Level> {
  let levels = 0;
  const once = async (perSecond: number): Promise<Level> => {
    levels += 1;
    const prefix = `level-${levels}`;
    const before = await readProgress(client);
    const report = await runOpenLoop({
      perSecond,
      durationMs: bench.sizes.levelMs,
      call: async (n) => {
        await startOverRest(client, CHECKED_STEPS.id, toCheckedInput(n), `${prefix}-${n}`);
      },
    });
    const finished = (await readProgress(client)).finished - before.finished;
    const after = await drained(client);
    const serverUs = (after.cpuUs - before.cpuUs) / (after.finished - before.finished);
    return { ...report, perSecond, finished, serverUs };
  };
  return async (perSecond) => {
    for (let n = 1; ; n++) {
      const level = await once(perSecond);
      bench.progress.say(`    ${toCount(perSecond)}/s: ${describe(level)}`);
      if (isSustained(level) || n === TRIES) return level;
    }
  };
}

async function drained(client: Client): Promise<Progress> {
  const untilAt = performance.now() + LONGEST_DRAIN_MS;
  while (performance.now() < untilAt) {
    const progress = await readProgress(client);
    if (progress.finished >= progress.started) return progress;
    await pause(50);
  }
  throw new Error("the server did not work off the runs that it had accepted");
}

const isSustained = ({ errors, latency, perSecond, answeredPerSecond }: Level): boolean =>
  errors === 0 &&
  latency.p99Ms <= SLOWEST_P99_MS &&
  answeredPerSecond >= perSecond * LEAST_ANSWERED;

function describe(level: Level): string {
  const { errors, firstError, latency, sent, answeredPerSecond, finished, serverUs } = level;
  const parts = [
    `p50 ${toDuration(latency.p50Ms)}, p99 ${toDuration(latency.p99Ms)}`,
    `${toCount(answeredPerSecond)} answers/s`,
    `${Math.round((finished * 100) / sent)}% of the runs ended meanwhile`,
    `${toCount(serverUs)} µs of the server's processor time each`,
  ];
  if (firstError !== null) parts.push(`${toCount(errors)} errors (${firstError})`);
  return parts.join(", ");
}
