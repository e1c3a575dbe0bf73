// Kills a loaded server with SIGKILL, several times, and counts from the outside what came of it. Not a number but a
// check: if it does not add up, the benchmark fails.
import { setTimeout as pause } from "node:timers/promises";
import type { Bench, Scenario } from "../bench.ts";
import type { Place } from "../engine/store.ts";
import { THREE_STEPS } from "../engine/definitions.ts";
import type { Count } from "../jobs/count.ts";
import { Client } from "../load/client.ts";
import type { Measurement } from "../measurement.ts";
import { toCount } from "../report/numbers.ts";
import { installOverRest, readProgress, startOverRest } from "../server/rest.ts";
import { startServer } from "../server/server.ts";

const CALLERS = 200;
const LONGEST_RECOVERY_MS = 120_000;
const STEPS_PER_RUN = 3;

/** What the callers know. */
interface Ledger {
  /** Run ids by the number of the start. */
  readonly acknowledged: Map<number, string>;
  /** Starts whose answer was lost with the server. */
  unknown: number[];
  started: number;
}

export const kill: Scenario = {
  name: "kill",
  run: (bench) => measure(bench),
};

async function* measure(bench: Bench): AsyncGenerator<Measurement> {
  const { kills } = bench.sizes;
  await using opened = await bench.openPlace();
  const { place } = opened;
  const ledger: Ledger = { acknowledged: new Map(), unknown: [], started: 0 };
  for (let n = 1; n <= kills; n++) {
    bench.progress.stage(`kill -9 under load, ${n} of ${kills}`);
    await loadAndKill(bench, place, ledger);
    const { acknowledged, unknown } = ledger;
    bench.progress.say(
      `    ${toCount(acknowledged.size)} acknowledged, ${unknown.length} answers lost`,
    );
  }
  bench.progress.stage("counting what was stored");
  const found = await bench.runJob("count", { place });
  const stored = new Set(found.runIds);
  const kept = [...ledger.acknowledged.values()].filter((id) => stored.has(id)).length;
  const whatKilled = `after ${kills} × kill -9 under load`;
  const lost = `${ledger.unknown.length} answers were lost`;
  yield check(
    `${whatKilled}: acknowledged starts found in the store`,
    kept,
    ledger.acknowledged.size,
    lost,
  );
  yield await recover(bench, place, ledger, found);
  bench.progress.stage("counting again");
  const count = await bench.runJob("count", { place });
  yield* toChecks(whatKilled, count, ledger);
}

/** Calls until the server is gone. Anything that goes wrong before is an error of the benchmark. */
async function loadAndKill(bench: Bench, place: Place, ledger: Ledger): Promise<void> {
  await using server = await startServer({ place });
  using client = await Client.open({ ...server, connectionCount: CALLERS });
  await installOverRest(client, THREE_STEPS);
  const target = { isKilled: false };
  const caller = async (): Promise<void> => {
    while (!target.isKilled) {
      const n = ledger.started++;
      try {
        const { runId } = await startOverRest(client, THREE_STEPS.id, { n }, toKey(n));
        ledger.acknowledged.set(n, runId);
      } catch (error) {
        if (!target.isKilled) throw error;
        ledger.unknown.push(n);
      }
    }
  };
  const killer = async (): Promise<void> => {
    await pause(bench.sizes.killAfterMs);
    target.isKilled = true;
    await server.kill();
  };
  const before = ledger.acknowledged.size;
  await Promise.all([killer(), ...Array.from({ length: CALLERS }, caller)]);
  // Nothing lost of nothing proves nothing.
  if (ledger.acknowledged.size === before) throw new Error("the server acknowledged no start");
}

/** Starts the server once more, waits for every run, and repeats the starts that had no answer. */
async function recover(
  bench: Bench,
  place: Place,
  ledger: Ledger,
  found: Count,
): Promise<Measurement> {
  const unfinished = found.runIds.length - found.finished;
  bench.progress.stage(`recovering ${toCount(unfinished)} runs`);
  await using server = await startServer({ place });
  using client = await Client.open({ ...server, connectionCount: CALLERS });
  await finishedRuns(client, unfinished);
  const recoveredMs = performance.now() - server.spawnedAt;
  let repeated = 0;
  const again = ledger.unknown.map(async (n) => {
    const { runId, isNew } = await startOverRest(client, THREE_STEPS.id, { n }, toKey(n));
    ledger.acknowledged.set(n, runId);
    if (isNew) repeated += 1;
  });
  await Promise.all(again);
  await finishedRuns(client, unfinished + repeated);
  await server.stop();
  return {
    kind: "measured",
    what: "after kill -9: start of the process to the end of the last recovered run",
    value: recoveredMs,
    unit: "ms",
    budget: null,
    note: `${toCount(unfinished)} runs were on their way`,
  };
}

/** Fewer runs than that end if one was lost: then time runs out, and the count shows it. */
async function finishedRuns(client: Client, expected: number): Promise<void> {
  const untilAt = performance.now() + LONGEST_RECOVERY_MS;
  while (performance.now() < untilAt) {
    if ((await readProgress(client)).finished >= expected) return;
    await pause(10);
  }
}

function toChecks(whatKilled: string, count: Count, ledger: Ledger): readonly Measurement[] {
  const { finished, completed, steps, runIds, malformed } = count;
  const acknowledged = new Set(ledger.acknowledged.values());
  const known = runIds.filter((id) => acknowledged.has(id)).length;
  const again = "the lost answers were asked for again, by their idempotency keys";
  return [
    check(`${whatKilled}: stored runs = starts acknowledged`, runIds.length, ledger.started, again),
    check(`${whatKilled}: stored runs that were acknowledged`, known, runIds.length, ""),
    check(`${whatKilled}: runs completed`, completed, runIds.length, ""),
    check(
      `${whatKilled}: steps = ${STEPS_PER_RUN} × runs finished`,
      steps,
      STEPS_PER_RUN * finished,
      "",
    ),
    check(`${whatKilled}: runs without each step exactly once`, malformed.length, 0, ""),
  ];
}

const toKey = (n: number): string => `kill-${n}`;

const check = (what: string, found: number, expected: number, note: string): Measurement => ({
  kind: "checked",
  what,
  found,
  expected,
  note,
});
