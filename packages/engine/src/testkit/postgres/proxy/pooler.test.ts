import { Client, type ClientConfig } from "pg";
import { describe, expect, test } from "vitest";
import { runStatements, withClient } from "../admin.ts";
import { createTestDatabase, sharedPostgres } from "../shared-postgres.ts";
import type { TestDatabase } from "../start-postgres.ts";
import { startProxy, type Proxy, type ProxyOptions } from "./start-proxy.ts";

interface World extends AsyncDisposable {
  readonly pooler: Proxy;
  readonly database: TestDatabase;
  connect(config?: ClientConfig): Promise<Client>;
}

/** A pooler before a database with the table `t (n)`. */
async function open(serverConnectionCount = 1, options: ProxyOptions = {}): Promise<World> {
  const database = await createTestDatabase();
  await runStatements(database.url, "create table t (n int)");
  const how: ProxyOptions = { ...options, pooling: "transaction", serverConnectionCount };
  const pooler = await startProxy(await sharedPostgres(), how);
  return {
    pooler,
    database,
    connect: async (config = {}) => {
      const client = new Client({ connectionString: pooler.urlOf(database.url), ...config });
      client.on("error", () => {});
      await client.connect();
      return client;
    },
    [Symbol.asyncDispose]: async () => {
      await pooler[Symbol.asyncDispose]();
      await database.drop();
    },
  };
}

/** As the driver's connection tells it. */
interface ParameterStatus {
  readonly parameterName: string;
  readonly parameterValue: string;
}

/** Typed, it has none of what a connection was told at its start. */
const pidOf = (client: Client): unknown => Reflect.get(client, "processID") as unknown;

const backendOf = async (client: Client): Promise<unknown> =>
  (await client.query<{ pid: number }>("select pg_backend_pid() as pid")).rows[0]?.pid;

const connectionsOf = ({ url, name }: TestDatabase): Promise<readonly unknown[]> =>
  runStatements(
    url,
    `select pid from pg_stat_activity where datname = '${name}' and pid <> pg_backend_pid()`,
  );

describe("the pooler in transaction mode", () => {
  test("serves many clients on a few connections", async () => {
    await using world = await open(3);
    const clients = await Promise.all(Array.from({ length: 20 }, () => world.connect()));
    const answers = await Promise.all(
      clients.map(async (client, n) => {
        await client.query("begin");
        await client.query("insert into t values ($1)", [n]);
        await client.query("commit");
        return backendOf(client);
      }),
    );
    expect(new Set(answers).size).toBeLessThanOrEqual(3);
    expect(await connectionsOf(world.database)).toHaveLength(3);
    const [count] = await runStatements(world.database.url, "select count(distinct n) from t");
    expect(count).toEqual({ count: "20" });
  });

  test("keeps a connection for one client until its transaction ends", async () => {
    await using world = await open();
    const first = await world.connect();
    const second = await world.connect();
    await first.query("begin");
    await first.query("insert into t values (1)");
    const told: string[] = [];
    const waiting = second.query<{ n: number }>("select n from t").then(({ rows }) => {
      told.push("second");
      return rows;
    });
    await first.query("insert into t values (2)");
    await first.query("savepoint s");
    await expect(first.query("nonsense")).rejects.toThrow("syntax error");
    await first.query("rollback to s");
    expect(told).toEqual([]);
    await first.query("commit");
    expect(await waiting).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("tells each client another pid, and of the server's parameters", async () => {
    await using world = await open();
    const parameters: Record<string, string> = {};
    const first = new Client({ connectionString: world.pooler.urlOf(world.database.url) });
    // Typed for what users listen to; the connection tells everything that arrives.
    const connection = (first as unknown as { connection: NodeJS.EventEmitter }).connection;
    connection.on("parameterStatus", (message: ParameterStatus) => {
      parameters[message.parameterName] = message.parameterValue;
    });
    await first.connect();
    const second = await world.connect();
    const pids = [first, second].map(pidOf);
    expect(new Set([...pids, await backendOf(first)]).size).toBe(3);
    expect(parameters).toMatchObject({ server_encoding: "UTF8", integer_datetimes: "on" });
    await first.end();
  });

  test("does not know prepared statements, as PgBouncer before 1.21", async () => {
    await using world = await open(2);
    const named = { name: "one", text: "select 1 as one" };
    const client = await world.connect();
    const other = await world.connect();
    await client.query(named);
    // The only connection so far, where the statement is.
    await other.query("begin");
    await expect(client.query(named)).rejects.toMatchObject({ code: "26000" });
    await expect(other.query(named)).rejects.toMatchObject({ code: "42P05" });
  });

  test("lets settings and notifications of a session go to whoever comes next", async () => {
    await using world = await open();
    const first = await world.connect();
    const second = await world.connect();
    await first.query("set statement_timeout = 54321");
    expect((await second.query("show statement_timeout")).rows).toEqual([
      { statement_timeout: "54321ms" },
    ]);
    let wasHeard = false;
    first.on("notification", () => {
      wasHeard = true;
    });
    await first.query("listen news");
    await runStatements(world.database.url, "notify news");
    // By now the only connection has had it, while it was nobody's or the second's.
    await second.query("select 1");
    await first.query("select 1");
    expect(wasHeard).toBe(false);
  });

  test("refuses startup parameters that it does not know", async () => {
    await using world = await open();
    const refused = { code: "08P01", message: "unsupported startup parameter: statement_timeout" };
    await expect(world.connect({ statement_timeout: 1_000 })).rejects.toMatchObject(refused);
    const options = { message: "unsupported startup parameter: options" };
    await expect(world.connect({ options: "-c jit=off" })).rejects.toMatchObject(options);
    const client = await world.connect({ application_name: "known" });
    expect((await client.query("show application_name")).rows).toEqual([
      { application_name: "known" },
    ]);
  });

  test("passes on why the server takes no connection", async () => {
    await using world = await open();
    const nowhere = world.database.url.replace(world.database.name, "nowhere");
    await expect(runStatements(world.pooler.urlOf(nowhere), "select 1")).rejects.toMatchObject({
      code: "3D000",
    });
  });

  test("ends what a client leaves open, and serves the next one", async () => {
    await using world = await open();
    const first = await world.connect();
    await first.query("begin");
    await first.query("insert into t values (1)");
    const second = await world.connect();
    const rows = second.query("select n from t");
    await first.end();
    expect((await rows).rows).toEqual([]);
    // Others come without any wait.
    await withClient(world.pooler.urlOf(world.database.url), (third) => third.query("select 1"));
  });

  test("cuts a client off after a commit, and serves the others", async () => {
    await using world = await open(1, { cutAfterCommit: 1 });
    const first = await world.connect();
    const second = await world.connect();
    await first.query("begin");
    await first.query("insert into t values (1)");
    const begun = second.query("begin");
    await expect(first.query("commit")).rejects.toThrow("Connection terminated unexpectedly");
    await begun;
    expect((await second.query("select n from t")).rows).toEqual([{ n: 1 }]);
  });

  test("counts statements of clients, not of connections", async () => {
    await using world = await open();
    const clients = [await world.connect(), await world.connect()];
    for (const client of clients) await client.query("select $1::int", [1]);
    expect(Object.fromEntries(world.pooler.statements)).toEqual({ "select $1::int": 2 });
  });
});
