// Several real servers on one real PostgreSQL: what is said to one holds at all, and whoever lives goes on.
import { createEngine } from "@millrace/engine";
import { createPostgresStorage } from "@millrace/engine/postgres";
import { workflow } from "@millrace/sdk";
import { createWorker } from "@millrace/sdk/worker";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { runStatements } from "../packages/engine/src/testkit/postgres/admin.ts";
import { startProxy } from "../packages/engine/src/testkit/postgres/proxy/start-proxy.ts";
import { createTestDatabase } from "../packages/engine/src/testkit/postgres/shared-postgres.ts";
import { startPostgres } from "../packages/engine/src/testkit/postgres/start-postgres.ts";
import { BodyLog } from "./body-log.ts";
import { runIdOf } from "./client.ts";
import { soon, TEST_TIMEOUT_MS, waitFor } from "./deadline.ts";
import { PostgresCluster } from "./postgres-cluster.ts";
import type { Server } from "./server.ts";
import { define, fn, workloadOf } from "./workload.ts";
import { openWorld } from "./world.ts";

/** The middle step's body ends when the run's file is there. */
const GATED = define("wf_gated", [
  fn("first", "addOne"),
  fn("gate", "untilThere", { config: { file: "{{input.file}}" } }),
  fn("last", "addOne", { config: { input: { n: "{{input.n}}" } } }),
]);

/** All that the stream says until it ends. */
async function follow({ url, key }: Server, runId: string): Promise<string> {
  const response = await fetch(`${url}/api/v1/runs/${runId}/events`, {
    headers: { "x-api-key": key },
  });
  return response.text();
}

describe("two servers on one PostgreSQL", { timeout: TEST_TIMEOUT_MS }, () => {
  test("show, await and stream each other's runs", async () => {
    await using world = await openWorld();
    await using database = await createTestDatabase();
    const cluster = new PostgresCluster(world, database.url);
    const a = await cluster.start("a");
    const b = await cluster.start("b");
    // A definition of one is known to the other at once.
    await a.client.install(GATED);
    const runId = runIdOf(await b.client.start("wf_gated", { n: 1, file: "go" }));
    const streamed = soon("the stream to end", follow(a, runId));
    const awaited = a.client.ended(runId);
    await new BodyLog(world.folder).began(runId, "gate");
    expect((await a.client.list()).map(({ id, status }) => [id, status])).toEqual([
      [runId, "running"],
    ]);
    await writeFile(join(world.folder, "go"), "");
    expect(await awaited).toMatchObject({ id: runId, status: "completed" });
    const events = [...(await streamed).matchAll(/^event: (.+)$/gm)].map(([, name]) => name);
    expect(events.filter((name) => name === "step.completed")).toHaveLength(3);
    expect(events.at(-1)).toBe("run.completed");
  });

  test("finish each other's runs after kill -9: what was committed stays, what had only begun begins again (faults 1, 2)", async () => {
    await using world = await openWorld();
    await using database = await createTestDatabase();
    const cluster = new PostgresCluster(world, database.url);
    const a = await cluster.start("a");
    await a.client.install(GATED);
    const log = new BodyLog(world.folder);
    const runIds: string[] = [];
    for (let n = 0; n < 5; n++) {
      const runId = runIdOf(await a.client.start("wf_gated", { n, file: "go" }, `key-${n}`));
      runIds.push(runId);
      await log.began(runId, "gate");
    }
    const b = await cluster.start("b");
    await a.process.kill();
    await writeFile(join(world.folder, "go"), "");
    const ends = await Promise.all(runIds.map((id) => b.client.ended(id)));
    expect(ends.map(({ status, output }) => [status, output])).toEqual(
      runIds.map((_, n) => ["completed", { n: n + 1 }]),
    );
    const lines = log.readNew();
    for (const [n, runId] of runIds.entries()) {
      const own = lines.filter((line) => line.runId === runId);
      expect(own.map(({ step, pid }) => [step, pid])).toEqual([
        ["first", a.pid],
        ["gate", a.pid],
        ["gate", b.pid],
        ["last", b.pid],
      ]);
      // Its key still stands for it.
      expect(runIdOf(await b.client.start("wf_gated", { n, file: "go" }, `key-${n}`))).toBe(runId);
    }
  });

  test("share their workers: one that is attached to either executes runs of both", async () => {
    await using world = await openWorld();
    await using database = await createTestDatabase();
    const cluster = new PostgresCluster(world, database.url);
    const a = await cluster.start("a");
    const b = await cluster.start("b");
    const greet = workflow("greet", {}, (ctx, { name }: { readonly name: string }) =>
      ctx.run("say", () => `Hello, ${name}`),
    );
    const worker = createWorker({ url: a.url, key: a.key, workflows: [greet] });
    await worker.start();
    try {
      expect(await b.client.run("greet", { name: "Ada" })).toMatchObject({ output: "Hello, Ada" });
      expect(await a.client.run("greet", { name: "Bob" })).toMatchObject({ output: "Hello, Bob" });
    } finally {
      await worker.stop();
    }
  });

  test("hand over at SIGTERM: the body that runs may end, and the next step runs elsewhere (fault 6)", async () => {
    await using world = await openWorld();
    await using database = await createTestDatabase();
    const cluster = new PostgresCluster(world, database.url);
    const a = await cluster.start("a", { args: [] });
    await a.client.install(GATED);
    const runId = runIdOf(await a.client.start("wf_gated", { n: 1, file: "go" }));
    const log = new BodyLog(world.folder);
    await log.began(runId, "gate");
    const b = await cluster.start("b");
    const stopped = a.stop();
    await a.process.says("Stopping: requests and steps may finish");
    await writeFile(join(world.folder, "go"), "");
    expect(await stopped).toEqual({ code: 0, signal: null });
    expect(await b.client.ended(runId)).toMatchObject({ status: "completed", output: { n: 2 } });
    expect(log.readNew().map(({ step, pid }) => [step, pid])).toEqual([
      ["first", a.pid],
      ["gate", a.pid],
      ["last", b.pid],
    ]);
  });

  test("work through a pooler that gives each transaction another session (fault 22)", async () => {
    await using world = await openWorld();
    await using database = await createTestDatabase();
    const { hostname, port } = new URL(database.url);
    await using proxy = await startProxy(
      { host: hostname, port: Number(port) },
      { pooling: "transaction" },
    );
    const cluster = new PostgresCluster(world, proxy.urlOf(database.url));
    const a = await cluster.start("a");
    const b = await cluster.start("b");
    const { definition, output } = workloadOf("wf_chain");
    await a.client.install(definition);
    const runIds = await Promise.all(
      [1, 2, 3, 4].map(async (n) => runIdOf(await a.client.start("wf_chain", { n }))),
    );
    const ends = await Promise.all(runIds.map((id) => b.client.ended(id)));
    expect(ends.map((run) => run.output)).toEqual([1, 2, 3, 4].map(output));
    // Before the pooler, so that nobody misses it.
    await world[Symbol.asyncDispose]();
  });
});

/** Starts a run, and asks again with the same key until there is an answer that counts. */
async function startPatiently(servers: readonly Server[], n: number): Promise<string> {
  const ids = servers.map((_, turn) => servers[(n + turn) % servers.length]);
  return waitFor(`an answer to start ${n}`, async () => {
    for (const server of ids) {
      const answer = await server?.client.start("wf_chain", { n }, `start-${n}`).catch(() => null);
      if (answer?.status === 200 || answer?.status === 201) return runIdOf(answer);
    }
    return undefined;
  });
}

describe("a database that goes away", { timeout: TEST_TIMEOUT_MS }, () => {
  test("loses nothing that was acknowledged, however often it restarts under load (fault 18)", async () => {
    await using world = await openWorld();
    await using postgres = await startPostgres();
    const cluster = new PostgresCluster(world, postgres.url);
    const servers = [await cluster.start("a"), await cluster.start("b")];
    const [a] = servers;
    if (a === undefined) throw new Error("there is no server");
    const { definition, output } = workloadOf("wf_chain");
    await a.client.install(definition);
    const starts = new Map<number, Promise<string>>();
    for (const mode of ["fast", "immediate", "fast"] as const) {
      for (let n = 0; n < 40; n++) starts.set(starts.size, startPatiently(servers, starts.size));
      // Some of them are on their way when it goes.
      await starts.get(starts.size - 40);
      await postgres.restart(mode);
      await Promise.all(starts.values());
    }
    const runIds = await Promise.all(starts.values());
    expect(new Set(runIds).size).toBe(starts.size);
    for (const [n, runId] of runIds.entries()) {
      expect(await a.client.ended(runId)).toMatchObject({ status: "completed", output: output(n) });
    }
    expect(await a.client.list()).toHaveLength(runIds.length);
    for (const server of servers) expect(await server.stop()).toEqual({ code: 0, signal: null });
  });

  test("is waited for at the start, and a start that is told to stop ends meanwhile", async () => {
    await using world = await openWorld();
    await using postgres = await startPostgres();
    await postgres.stop("fast");
    const cluster = new PostgresCluster(world, postgres.url);
    const [a, b] = [cluster.spawn("a"), cluster.spawn("b")];
    await a.process.says("waits up to 30 s for the database");
    await b.process.says("waits up to 30 s for the database");
    process.kill(b.process.pid, "SIGTERM");
    expect(await b.process.exited).toEqual({ code: 0, signal: null });
    await postgres.start();
    const server = await a.ready;
    expect((await server.client.health()).status).toBe(200);
  });
});

const ENGINES = 20;

describe("many engines", { timeout: TEST_TIMEOUT_MS }, () => {
  test(`start together: ${ENGINES} of them migrate once, and keep to their connections (fault 17)`, async () => {
    await using database = await createTestDatabase();
    const { url } = database;
    const engines = await Promise.all(
      Array.from({ length: ENGINES }, async () =>
        createEngine({ storage: await createPostgresStorage({ url }) }),
      ),
    );
    try {
      await Promise.all(engines.map((engine) => engine.start()));
      expect(engines.map((engine) => engine.health().state)).toEqual(engines.map(() => "ready"));
      const [row] = await runStatements(
        url,
        `select
          (select count(*)::int from millrace.nodes) as nodes,
          (select count(*) = count(distinct name) from millrace.migrations) as once,
          (select count(*)::int from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()) as connections`,
      );
      expect(row).toMatchObject({ nodes: ENGINES, once: true });
      expect(row?.["connections"]).toBeLessThanOrEqual(ENGINES * 7);
    } finally {
      await Promise.all(engines.map((engine) => engine.stop({ graceMs: 0 })));
    }
  });
});
