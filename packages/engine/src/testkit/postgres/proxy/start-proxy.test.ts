import { Client } from "pg";
import { describe, expect, test } from "vitest";
import { runStatements, withClient } from "../admin.ts";
import { createTestDatabase, sharedPostgres } from "../shared-postgres.ts";
import type { TestDatabase } from "../start-postgres.ts";
import { startProxy, type Proxy, type ProxyOptions } from "./start-proxy.ts";

interface World extends AsyncDisposable {
  readonly proxy: Proxy;
  readonly database: TestDatabase;
  /** Of the database, by the proxy. */
  readonly url: string;
}

/** A database with the table `t (n)`, and a proxy before it. */
async function open(options: ProxyOptions = {}): Promise<World> {
  const database = await createTestDatabase();
  await runStatements(database.url, "create table t (n int)");
  const proxy = await startProxy(await sharedPostgres(), options);
  return {
    proxy,
    database,
    url: proxy.urlOf(database.url),
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await database.drop();
    },
  };
}

const readAll = (database: TestDatabase): Promise<readonly unknown[]> =>
  runStatements(database.url, "select n from t order by n").then((rows) => rows.map((r) => r["n"]));

/** Connected; not ended, since what it is connected to goes before it does. */
async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  client.on("error", () => {});
  await client.connect();
  return client;
}

describe("the proxy", () => {
  test("passes on queries, parameters, errors and rows of any size", async () => {
    await using world = await open();
    await withClient(world.url, async (client) => {
      await client.query("insert into t values ($1), ($2)", [1, 2]);
      const { rows } = await client.query<{ long: string }>(
        "select repeat('x', 3000000) as long from t",
      );
      expect(rows.map(({ long }) => long.length)).toEqual([3_000_000, 3_000_000]);
      await expect(client.query("select nothing")).rejects.toThrow("does not exist");
      await expect(client.query("select $1::int", ["x"])).rejects.toThrow("invalid input");
      expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
    });
    expect(await readAll(world.database)).toEqual([1, 2]);
  });

  test("counts what is executed, by its text, whether it was prepared before or not", async () => {
    await using world = await open();
    await withClient(world.url, async (client) => {
      const named = { name: "insert", text: "insert into t values ($1)" };
      for (const n of [1, 2, 3]) await client.query({ ...named, values: [n] });
      await client.query("select n from t");
      await client.query("select n from t where n = $1", [1]);
    });
    expect(Object.fromEntries(world.proxy.statements)).toEqual({
      "insert into t values ($1)": 3,
      "select n from t": 1,
      "select n from t where n = $1": 1,
    });
    expect(world.proxy.statementCount).toBe(5);
    world.proxy.clearStatements();
    expect(world.proxy.statementCount).toBe(0);
  });

  test.each([
    ["the text commit", ["begin", "insert into t values (1)", "commit"], []],
    ["a commit that was parsed", ["begin", "insert into t values (1)", "commit"], [[], []]],
    ["several statements in one text", ["begin; insert into t values (1); commit"], []],
    ["a commit that a query implies", ["insert into t values (1)"], []],
    ["a commit that a sync implies", ["insert into t values ($1)"], [[1]]],
  ])("cuts a client off after %s, which the server has done", async (_, texts, values) => {
    await using world = await open({ cutAfterCommit: 1 });
    const client = await connect(world.url);
    const last = texts.at(-1) ?? "";
    for (const text of texts.slice(0, -1)) await client.query(text);
    expect(world.proxy.cutCommitCount).toBe(0);
    // Any value makes it an extended query; `commit` has no parameters, so it gets a name.
    const isParsed = values.length === 2;
    const query = isParsed
      ? { name: "last", text: last }
      : { text: last, values: [...(values[0] ?? [])] };
    await expect(client.query(query)).rejects.toThrow("Connection terminated unexpectedly");
    expect(world.proxy.cutCommitCount).toBe(1);
    expect(await readAll(world.database)).toEqual([1]);
  });

  test("cuts nobody off after what is no commit", async () => {
    await using world = await open({ cutAfterCommit: 1 });
    await withClient(world.url, async (client) => {
      await client.query("begin");
      await client.query("insert into t values (1)");
      await client.query("rollback");
      await expect(client.query("nonsense")).rejects.toThrow("syntax error");
      await client.query("begin");
      await expect(client.query("nonsense")).rejects.toThrow("syntax error");
      expect((await client.query("commit")).command).toBe("ROLLBACK");
    });
    expect(world.proxy.commitCount).toBe(0);
  });

  test("cuts off the share that it is told to, the same for the same seed", async () => {
    const cutsOf = async (seed: number): Promise<readonly boolean[]> => {
      await using world = await open({ cutAfterCommit: 0.3, seed });
      const cuts: boolean[] = [];
      for (let n = 0; n < 30; n++) {
        const insert = runStatements(world.url, `insert into t values (${n})`);
        cuts.push(await insert.then(() => false).catch(() => true));
      }
      expect(await readAll(world.database)).toHaveLength(30);
      return cuts;
    };
    const cuts = await cutsOf(7);
    expect(new Set(cuts).size).toBe(2);
    expect(await cutsOf(7)).toEqual(cuts);
    expect(await cutsOf(8)).not.toEqual(cuts);
  });

  test("takes new faults at any time", async () => {
    await using world = await open();
    const client = await connect(world.url);
    await client.query("insert into t values (1)");
    world.proxy.setFaults({ cutAfterCommit: 1 });
    await expect(client.query("insert into t values (2)")).rejects.toThrow("terminated");
    world.proxy.setFaults({ cutAfterCommit: 0 });
    await runStatements(world.url, "insert into t values (3)");
    expect(await readAll(world.database)).toEqual([1, 2, 3]);
  });

  test("cuts all connections, and takes new ones", async () => {
    await using world = await open();
    const clients = [await connect(world.url), await connect(world.url)];
    const answers = clients.map((client) => client.query("select pg_sleep(3600)"));
    const seen = Promise.allSettled(answers);
    world.proxy.cutAll();
    expect((await seen).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await runStatements(world.url, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  test("passes nothing while it is a black hole, and all of it afterwards", async () => {
    await using world = await open();
    const client = await connect(world.url);
    world.proxy.blackhole();
    const told: string[] = [];
    const insert = client.query("insert into t values (1)").then(() => told.push("inserted"));
    const other = connect(world.url).then(async (late) => {
      told.push("connected");
      await late.end();
    });
    // A whole conversation with the server itself takes longer than one answer by the proxy would.
    for (let i = 0; i < 5; i++) expect(await readAll(world.database)).toEqual([]);
    expect(told).toEqual([]);
    world.proxy.restore();
    await Promise.all([insert, other]);
    expect(await readAll(world.database)).toEqual([1]);
    await client.end();
  });

  test("tells neither side of the other's end while it is a black hole", async () => {
    await using world = await open();
    const client = await connect(world.url);
    const { rows } = await client.query<{ pid: number }>("select pg_backend_pid() as pid");
    world.proxy.blackhole();
    let hasEnded = false;
    const ended = client.end().then(() => {
      hasEnded = true;
    });
    const alive = `select 1 from pg_stat_activity where pid = ${rows[0]?.pid ?? 0}`;
    for (let i = 0; i < 5; i++) {
      expect(await runStatements(world.database.url, alive)).toHaveLength(1);
    }
    expect(hasEnded).toBe(false);
    world.proxy.restore();
    await ended;
    await expect
      .poll(() => runStatements(world.database.url, alive), { timeout: 20_000 })
      .toEqual([]);
  });

  test("delays each direction", async () => {
    await using world = await open();
    await withClient(world.url, async (client) => {
      world.proxy.setFaults({ delayMs: 40 });
      const begin = performance.now();
      await client.query("select 1");
      // Timers count whole milliseconds.
      expect(performance.now() - begin).toBeGreaterThanOrEqual(78);
    });
  });

  test("passes on what the server asks for in the middle of a statement", async () => {
    await using world = await open({ cutAfterCommit: 1 });
    await withClient(world.url, async (client) => {
      // The driver refuses to send rows, once it is asked for them.
      await expect(client.query("copy t from stdin")).rejects.toThrow("No source stream");
    });
  });

  test("passes on notifications", async () => {
    await using world = await open();
    await withClient(world.url, async (client) => {
      const heard = new Promise<unknown>((resolve) => {
        client.on("notification", ({ payload }) => resolve(payload));
      });
      await client.query("listen news");
      await runStatements(world.database.url, "notify news, 'fresh'");
      expect(await heard).toBe("fresh");
    });
  });
});
