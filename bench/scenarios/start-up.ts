import type { Bench, Scenario } from "../bench.ts";
import { medianOf } from "../median.ts";
import type { Measured } from "../measurement.ts";
import { Client } from "../load/client.ts";
import { toCount, toDuration } from "../report/numbers.ts";
import { startServer, type StartOptions } from "../server/server.ts";

export const startUp: Scenario = {
  name: "start-up",
  run: (bench) => measure(bench),
};

async function* measure(bench: Bench): AsyncGenerator<Measured> {
  const inEmpty = (command?: StartOptions["command"]) => (): Promise<number> =>
    bench.inFolder((folder) => timeStart(command === undefined ? { folder } : { folder, command }));
  const first = "to first answered request";
  yield await repeat(bench, `millrace start ${first}, empty store`, inEmpty());
  yield await repeat(bench, `npm start ${first}, empty store, with examples`, inEmpty(npmStart()));
  const folder = await bench.filledStore();
  const runs = `${toCount(bench.sizes.finishedRuns)} finished runs`;
  yield await repeat(bench, `millrace start ${first}, ${runs}`, () => timeStart({ folder }));
}

async function repeat(bench: Bench, what: string, time: () => Promise<number>): Promise<Measured> {
  const { startUps } = bench.sizes;
  bench.progress.stage(what);
  const times: number[] = [];
  for (let n = 0; n < startUps; n++) times.push(await time());
  const note = `median of ${startUps}, slowest ${toDuration(Math.max(...times))}`;
  const value = medianOf(times);
  return { kind: "measured", what, value, unit: "ms", budget: "startUpMs", note };
}

/** From the start of the process until a request with a key, which the store has to answer, was answered. */
async function timeStart(options: StartOptions): Promise<number> {
  await using server = await startServer(options);
  using client = await Client.open({ ...server, connectionCount: 1 });
  const { status } = await client.call({ method: "GET", path: "/api/v1/runs?limit=1" });
  if (status !== 200) throw new Error(`the first request was answered with ${status}`);
  return performance.now() - server.spawnedAt;
}

/** The npm that runs this benchmark, or whichever there is. */
function npmStart(): StartOptions["command"] {
  const npm = process.env["npm_execpath"];
  return npm === undefined ? ["npm", "start", "--"] : [process.execPath, npm, "start", "--"];
}
