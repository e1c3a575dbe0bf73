// What a cluster asks of its database while it has nothing to do.
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { withClient } from "../../packages/engine/src/testkit/postgres/admin.ts";
import type { Bench, OpenedPlace, Scenario } from "../bench.ts";
import type { Place } from "../engine/store.ts";
import { startDatabaseServer, type DatabaseServer } from "../postgres/database-server.ts";
import { toCount, toDuration } from "../report/numbers.ts";
import { startServer, type Server } from "../server/server.ts";

const NODES = 4;
const MINUTE_MS = 60_000;
const SHOWN = 4;

export const idle: Scenario = {
  name: "idle",
  leftOut: { sqlite: "a file has one node" },
  async *run(bench) {
    const { idleMs } = bench.sizes;
    const what = `statements of an idle cluster of ${NODES} servers`;
    bench.progress.stage(what);
    const counts = await measure(bench);
    const total = counts.reduce((sum, { calls }) => sum + calls, 0);
    const perMinute = (calls: number): number => (calls * MINUTE_MS) / idleMs;
    const most = counts
      .slice(0, SHOWN)
      .map(({ text, calls }) => `${toCount(perMinute(calls))} × ${shorten(text)}`);
    yield {
      kind: "measured",
      what,
      value: perMinute(total),
      unit: "statements/min",
      budget: "idleStatementsPerMinute",
      note: `counted by pg_stat_statements in ${toDuration(idleMs)}: ${most.join("; ")}`,
    };
  },
};

interface Count {
  readonly text: string;
  readonly calls: number;
}

/** On a server of its own, which counts: elsewhere, counting would be measured. */
async function measure(bench: Bench): Promise<readonly Count[]> {
  await using database = await startDatabaseServer({
    shared_preload_libraries: "pg_stat_statements",
  });
  await using opened = await bench.openPlace(database);
  await using servers = await startCluster(opened.place, bench);
  if (servers.count !== NODES) throw new Error("the cluster is not complete");
  // What a start leaves to do is done by then.
  await pause(bench.sizes.restMs);
  return await countStatements(database, opened.place, bench.sizes.idleMs);
}

interface Cluster extends AsyncDisposable {
  readonly count: number;
}

/** Servers with a folder each; they share the first one's development key. */
async function startCluster(place: Place, bench: Bench): Promise<Cluster> {
  const servers: Server[] = [];
  const folders: OpenedPlace[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(servers.map((server) => server.stop()));
    for (const folder of folders) await folder[Symbol.asyncDispose]();
  };
  try {
    servers.push(await startServer({ place }));
    while (servers.length < NODES) {
      const opened = await bench.openPlace(null);
      folders.push(opened);
      const { folder } = opened.place;
      await copyFile(join(place.folder, "dev-key"), join(folder, "dev-key"));
      servers.push(await startServer({ place: { ...place, folder } }));
    }
  } catch (error) {
    await close();
    throw error;
  }
  return { count: servers.length, [Symbol.asyncDispose]: close };
}

function countStatements(
  { url }: DatabaseServer,
  place: Place,
  durationMs: number,
): Promise<readonly Count[]> {
  const name = place.store === "postgres" ? new URL(place.url).pathname.slice(1) : "";
  return withClient(url, async (client) => {
    await client.query("create extension pg_stat_statements");
    await client.query("select pg_stat_statements_reset()");
    await pause(durationMs);
    const { rows } = await client.query<{ text: string; calls: string }>(COUNT, [name]);
    return rows.map(({ text, calls }) => ({ text, calls: Number(calls) }));
  });
}

const COUNT = `
select query as text, sum(calls) as calls
from pg_stat_statements
where dbid = (select oid from pg_database where datname = $1)
group by query
order by calls desc, text`;

const SHOWN_LENGTH = 48;

/** Enough to know it by; a bar would end the column. */
const shorten = (text: string): string =>
  `\`${text.replaceAll(/\s+/g, " ").trim().slice(0, SHOWN_LENGTH)}\``;
