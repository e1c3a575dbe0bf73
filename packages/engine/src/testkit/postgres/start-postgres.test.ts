import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { Client } from "pg";
import { describe, expect, test } from "vitest";
import { runStatements, withClient } from "./admin.ts";
import { startPostgres } from "./start-postgres.ts";
import { createTestDatabase, sharedPostgres } from "./shared-postgres.ts";

const START = new URL("./start-postgres.ts", import.meta.url).href;

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

/** Resolves when its connection is gone. */
const whenCut = (client: Client): Promise<unknown> =>
  new Promise((resolve) => {
    client.on("error", resolve);
  });

describe.each([15, 18] as const)("a PostgreSQL server, major %i", (major) => {
  test("is of that major, and is gone with its data when it is disposed of", async () => {
    const server = await startPostgres({ major, durable: false });
    const [row] = await runStatements(server.url, "show server_version");
    expect(row?.["server_version"]).toMatch(new RegExp(`^${major}\\.`));
    const { pid, folder } = server;
    expect(isAlive(pid)).toBe(true);
    await server[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(folder)).toBe(false);
  });

  test("keeps what it committed, and its address, over every kind of stop", async () => {
    await using server = await startPostgres({ major, inMemory: true });
    await runStatements(server.url, "create table kept (n int)");
    const { url } = server;
    await runStatements(url, "insert into kept values (1)");
    await server.restart("fast");
    await runStatements(url, "insert into kept values (2)");
    await server.restart("immediate");
    await runStatements(url, "insert into kept values (3)");
    await server.kill();
    await expect(runStatements(url, "select 1")).rejects.toThrow("ECONNREFUSED");
    await server.start();
    expect(server.url).toBe(url);
    expect(await runStatements(url, "select n from kept order by n")).toEqual([
      { n: 1 },
      { n: 2 },
      { n: 3 },
    ]);
  });
});

describe("a PostgreSQL server", () => {
  test("takes its connections with it when it is killed", async () => {
    await using server = await startPostgres({ inMemory: true });
    const client = new Client({ connectionString: server.url });
    const cut = whenCut(client);
    await client.connect();
    await client.query("begin");
    await server.kill();
    await cut;
    expect(server.pid).toBe(0);
  });

  test("gives no answer while it is paused, and goes on after that", async () => {
    await using server = await startPostgres({ durable: false });
    await withClient(server.url, async (client) => {
      await server.pause();
      let isAnswered = false;
      const answer = client.query("select 1 as one").finally(() => {
        isAnswered = true;
      });
      // What a paused server does not do has no signal; a running one answers long before the next one is started.
      await using other = await startPostgres({ durable: false });
      await runStatements(other.url, "select 1");
      expect(isAnswered).toBe(false);
      await server.resume();
      expect((await answer).rows).toEqual([{ one: 1 }]);
    });
  });

  test("takes settings, and by default flushes what it commits", async () => {
    await using server = await startPostgres({ settings: { max_connections: "17" } });
    expect(await runStatements(server.url, "show max_connections")).toEqual([
      { max_connections: "17" },
    ]);
    expect(await runStatements(server.url, "show fsync")).toEqual([{ fsync: "on" }]);
    expect(await runStatements(server.url, "show synchronous_commit")).toEqual([
      { synchronous_commit: "on" },
    ]);
  });

  test("says why it does not start, and leaves nothing behind", async () => {
    const settings = { shared_buffers: "nonsense" };
    await expect(startPostgres({ settings })).rejects.toThrow("shared_buffers");
  });

  test.each(["running", "paused"])(
    "ends when the process that started it is killed while it is %s",
    async (state) => {
      const program = `
        const { startPostgres } = await import("${START}");
        const server = await startPostgres({ durable: false });
        if ("${state}" === "paused") await server.pause();
        console.log(JSON.stringify([server.pid, server.folder]));
        setInterval(() => {}, 1_000);
      `;
      const args = ["--conditions=source", "--input-type=module", "-e", program];
      const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
      const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
      const [pid, folder] = JSON.parse(line) as [number, string];
      expect(isAlive(pid)).toBe(true);
      child.kill("SIGKILL");
      await expect.poll(() => isAlive(pid) || existsSync(folder), { timeout: 20_000 }).toBe(false);
    },
  );
});

describe("a standby", () => {
  test("has what the primary had and gets what it commits, and can take over", async () => {
    await using primary = await startPostgres({ inMemory: true });
    await runStatements(primary.url, "create table kept (n int)", "insert into kept values (1)");
    await using standby = await startPostgres({
      standbyOf: primary,
      synchronous: true,
      inMemory: true,
    });
    expect(await runStatements(standby.url, "select pg_is_in_recovery() as yes")).toEqual([
      { yes: true },
    ]);
    await runStatements(
      primary.url,
      "set synchronous_commit = remote_apply",
      "insert into kept values (2)",
    );
    expect(await runStatements(standby.url, "select n from kept order by n")).toEqual([
      { n: 1 },
      { n: 2 },
    ]);
    await runStatements(primary.url, "insert into kept values (3)");
    await primary.kill();
    await standby.promote();
    await runStatements(standby.url, "insert into kept values (4)");
    expect(await runStatements(standby.url, "select n from kept order by n")).toEqual(
      [1, 2, 3, 4].map((n) => ({ n })),
    );
  });

  test("that is synchronous holds the primary's commits while it is paused", async () => {
    await using primary = await startPostgres({ inMemory: true });
    await using standby = await startPostgres({
      standbyOf: primary,
      synchronous: true,
      inMemory: true,
    });
    await runStatements(primary.url, "create table kept (n int)");
    await standby.pause();
    const name = "select application_name from pg_stat_replication";
    expect(await runStatements(primary.url, name)).toHaveLength(1);
    const insert = runStatements(primary.url, "insert into kept values (1)");
    const waits = "select count(*)::int as n from pg_stat_activity where wait_event = 'SyncRep'";
    await expect
      .poll(() => runStatements(primary.url, waits), { timeout: 20_000 })
      .toEqual([{ n: 1 }]);
    await standby.resume();
    await insert;
  });

  test("that is not synchronous does not hold them, and loses what it has not got", async () => {
    await using primary = await startPostgres({ inMemory: true });
    await runStatements(primary.url, "create table kept (n int)");
    await using standby = await startPostgres({ standbyOf: primary, inMemory: true });
    await standby.pause();
    // More than fits into the sockets on the way.
    const many = "insert into kept select 0 from generate_series(1, 500000)";
    await runStatements(primary.url, many, "insert into kept values (1)");
    await primary.kill();
    await standby.resume();
    await standby.promote();
    expect(await runStatements(standby.url, "select n from kept where n = 1")).toEqual([]);
  });
});

describe("a test's database", () => {
  test("is empty and its own, on one server a process", async () => {
    await using one = await createTestDatabase();
    await using other = await createTestDatabase();
    expect(await sharedPostgres()).toBe(await sharedPostgres());
    expect(one.url).not.toBe(other.url);
    await runStatements(one.url, "create table t (n int)");
    await runStatements(other.url, "create table t (n int)");
    const [row] = await runStatements(one.url, "select getdatabaseencoding() as encoding");
    expect(row).toEqual({ encoding: "UTF8" });
  });

  test("is dropped while somebody is connected, and twice", async () => {
    const database = await createTestDatabase();
    const client = new Client({ connectionString: database.url });
    const cut = whenCut(client);
    await client.connect();
    await database.drop();
    await cut;
    await database.drop();
    await expect(runStatements(database.url, "select 1")).rejects.toThrow("does not exist");
  });
});
