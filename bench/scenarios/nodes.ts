// Several nodes, a process each, on one database, and two on two. All share the cores with the databases.
import type { Bench, OpenedPlace, Scenario } from "../bench.ts";
import type { Place } from "../engine/store.ts";
import type { EngineLoadReport } from "../jobs/throughput.ts";
import type { Measured } from "../measurement.ts";
import { startDatabaseServer } from "../postgres/database-server.ts";
import { toCount, toDuration } from "../report/numbers.ts";
import { BUDGETED_IN_FLIGHT } from "./throughput.ts";

export const nodes: Scenario = {
  name: "nodes",
  leftOut: { sqlite: "a file has one node" },
  async *run(bench) {
    const totals = new Map<number, number>();
    for (const nodeCount of bench.sizes.nodeCounts) {
      const what = `three function steps, ${toNodes(nodeCount)} on one PostgreSQL, ${toLoad(nodeCount)}`;
      bench.progress.stage(what);
      const reports = await bench.inPlace((place) =>
        measure(bench, Array<Place>(nodeCount).fill(place)),
      );
      totals.set(nodeCount, toTotal(reports));
      yield toRow(what, reports);
    }
    yield toRatio("two nodes against one, on one PostgreSQL", totals.get(2), totals.get(1));
    const what = `three function steps, 2 nodes on two PostgreSQL, one each, ${toLoad(2)}`;
    bench.progress.stage(what);
    const apart = await measureApart(bench);
    yield toRow(what, apart);
    yield toRatio("two nodes on two PostgreSQL against two on one", toTotal(apart), totals.get(2));
  },
};

const toNodes = (count: number): string => (count === 1 ? "1 node" : `${count} nodes`);

const toLoad = (nodeCount: number): string =>
  nodeCount === 1 ? `${BUDGETED_IN_FLIGHT} in flight` : `${BUDGETED_IN_FLIGHT} in flight each`;

/** A node a place. They begin together, when the last of them is ready. */
async function measure(
  bench: Bench,
  places: readonly Place[],
): Promise<readonly EngineLoadReport[]> {
  const { warmUpMs, windowMs } = bench.sizes;
  const load = { inFlight: BUDGETED_IN_FLIGHT, warmUpMs, windowMs, commitDelayMs: 0 };
  const jobs = [];
  for (const place of places) {
    const job = bench.startJob("throughput", { place, ...load, workload: "threeSteps" });
    jobs.push(job);
    // One after the other, so that only the first has to make the tables and the workflow.
    await job.ready;
  }
  for (const job of jobs) job.proceed();
  return Promise.all(jobs.map(({ result }) => result));
}

/** Two servers, so that each database has a log of its own, as it would on two machines. */
async function measureApart(bench: Bench): Promise<readonly EngineLoadReport[]> {
  await using other = await startDatabaseServer();
  await using here: OpenedPlace = await bench.openPlace();
  await using there: OpenedPlace = await bench.openPlace(other);
  return await measure(bench, [here.place, there.place]);
}

const toTotal = (reports: readonly EngineLoadReport[]): number =>
  reports.reduce((sum, { perSecond }) => sum + perSecond, 0);

function toRow(what: string, reports: readonly EngineLoadReport[]): Measured {
  const p50 = Math.max(...reports.map(({ latency }) => latency.p50Ms));
  const p99 = Math.max(...reports.map(({ latency }) => latency.p99Ms));
  const units = reports.map(({ unitsPerCommit }) => toCount(unitsPerCommit));
  const commits = reports.map(({ commitMs }) => toDuration(commitMs));
  const note = [
    `start to result p50 ${toDuration(p50)}, p99 ${toDuration(p99)}`,
    `a commit carries ${units.join(", ")} units in ${commits.join(", ")}`,
    ...(reports.length === 1
      ? []
      : [`by node ${reports.map(({ perSecond }) => toCount(perSecond)).join(", ")}`]),
  ].join("; ");
  const value = toTotal(reports);
  return { kind: "measured", what, value, unit: "runs/s", budget: null, note };
}

function toRatio(what: string, value = NaN, base = NaN): Measured {
  const note = `${toCount(value)} against ${toCount(base)} runs/s, all on the same cores`;
  return { kind: "measured", what, value: value / base, unit: "ratio", budget: null, note };
}
