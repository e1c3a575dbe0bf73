import type { Bench, Scenario } from "../bench.ts";
import { medianOf } from "../median.ts";
import type { Measured } from "../measurement.ts";
import { Client } from "../load/client.ts";
import { toCount, toDuration } from "../report/numbers.ts";
import { startServer, type StartOptions } from "../server/server.ts";

interface Case {
  readonly what: string;
  /** @returns ms */
  readonly time: () => Promise<number>;
  readonly times: number[];
}

/** The cases in turn, so that what else the machine does meets all. */
export const startUp: Scenario = {
  name: "start-up",
  async *run(bench) {
    const { startUps } = bench.sizes;
    const cases = await defineCases(bench);
    for (let n = 1; n <= startUps; n++) {
      bench.progress.stage(`starting the server, ${n} of ${startUps}`);
      for (const { time, times } of cases) times.push(await time());
    }
    yield* cases.map(toRow);
  },
};

async function defineCases(bench: Bench): Promise<readonly Case[]> {
  const full = await bench.filledStore();
  const runs = `${toCount(bench.sizes.finishedRuns)} finished runs`;
  const first = "to first answered request";
  const command = npmStart();
  const define = (what: string, time: () => Promise<number>): Case => ({ what, time, times: [] });
  return [
    define(`millrace start ${first}, empty store`, () =>
      bench.inPlace((place) => timeStart({ place })),
    ),
    define(`npm start ${first}, empty store, with examples`, () =>
      bench.inPlace((place) => timeStart({ place, command })),
    ),
    define(`millrace start ${first}, ${runs}`, () => timeStart({ place: full })),
  ];
}

function toRow({ what, times }: Case): Measured {
  const note = `median of ${times.length}, slowest ${toDuration(Math.max(...times))}`;
  const value = medianOf(times);
  return { kind: "measured", what, value, unit: "ms", budget: "startUpMs", note };
}

const OK = 200;

/** From the start of the process until a request with a key, which the store has to answer, was answered. */
async function timeStart(options: StartOptions): Promise<number> {
  await using server = await startServer(options);
  using client = await Client.open({ ...server, connectionCount: 1 });
  const { status } = await client.call({ method: "GET", path: "/api/v1/runs?limit=1" });
  if (status !== OK) throw new Error(`the first request was answered with ${status}`);
  return performance.now() - server.spawnedAt;
}

/** By the npm that runs this benchmark, or whichever there is. */
function npmStart(): NonNullable<StartOptions["command"]> {
  const npm = process.env["npm_execpath"];
  return npm === undefined ? ["npm", "start", "--"] : [process.execPath, npm, "start", "--"];
}
