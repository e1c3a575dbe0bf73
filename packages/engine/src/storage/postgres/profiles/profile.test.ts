import { Client } from "pg";
import { expect, test } from "vitest";
import { runStatements } from "../../../testkit/postgres/admin.ts";
import { startProxy } from "../../../testkit/postgres/proxy/start-proxy.ts";
import { createTestDatabase, sharedPostgres } from "../../../testkit/postgres/shared-postgres.ts";
import { comparePostgresSchema } from "../compare-schema.ts";
import { createPostgresStorage } from "../create-postgres-storage.ts";
import { migrate } from "../migrate.ts";
import { openDatabase } from "../database.ts";
import { bind, statement } from "../statement.ts";
import { toCockroach, type Dialect } from "./dialects.ts";
import { POSTGRES_PROFILES, PROFILES, toSettings, toStartupOptions } from "./profile.ts";

const ISOLATION = bind(statement("isolation", "show default_transaction_isolation"));
const PLANS = bind(statement("plans", "show plan_cache_mode"));

test.each([
  ["postgres", "read committed", "force_generic_plan"],
  ["citus", "read committed", "auto"],
  ["yugabyte", "repeatable read", "force_generic_plan"],
  ["cockroach", "serializable", "force_generic_plan"],
] as const)("as %s, PostgreSQL is opened with %s and %s", async (profile, isolation, plans) => {
  await using created = await createTestDatabase();
  const database = await openDatabase({ url: created.url, profile });
  try {
    expect(database.profile.name).toBe(profile);
    expect(database.server.kind).toBe("postgres");
    expect(await database.fly("commit", [ISOLATION, PLANS])).toEqual([[[isolation]], [[plans]]]);
  } finally {
    await database.close();
  }
});

test("what an operator has set for the database does not change how its nodes work", async () => {
  await using created = await createTestDatabase();
  const alter = `alter database ${created.name} set`;
  await runStatements(
    created.url,
    `${alter} default_transaction_isolation = 'serializable'`,
    `${alter} lock_timeout = 1`,
    `${alter} statement_timeout = 1000`,
  );
  const database = await openDatabase({ url: created.url });
  try {
    const [isolation, lock, statementLimit] = await database.fly("commit", [
      ISOLATION,
      bind(statement("lock", "show lock_timeout")),
      bind(statement("limit", "show statement_timeout")),
    ]);
    expect([isolation, lock, statementLimit]).toEqual([[["read committed"]], [["0"]], [["0"]]]);
  } finally {
    await database.close();
  }
});

test("nothing said, it is found", async () => {
  await using created = await createTestDatabase();
  const database = await openDatabase({ url: created.url });
  await database.close();
  expect(database.profile.name).toBe("postgres");
});

test("CockroachDB is asked for no setting of PostgreSQL's planner", () => {
  expect(Object.keys(toSettings(PROFILES.cockroach, "cockroach")).toSorted()).toEqual([
    "client_min_messages",
    "default_transaction_isolation",
    "idle_in_transaction_session_timeout",
    "lock_timeout",
    "statement_timeout",
  ]);
});

test.each(POSTGRES_PROFILES)("the settings of %s are such as PostgreSQL knows", async (name) => {
  await using created = await createTestDatabase();
  const settings = toSettings(PROFILES[name], name);
  const client = new Client({
    connectionString: created.url,
    options: toStartupOptions(settings),
  });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; set: string }>(
      "select u.name, current_setting(u.name) as set from unnest($1::text[]) u(name)",
      [Object.keys(settings)],
    );
    const found = Object.fromEntries(rows.map((row) => [row.name, row.set]));
    expect(found).toEqual({ ...settings, idle_in_transaction_session_timeout: "5s" });
  } finally {
    await client.end();
  }
});

test("a schema in a dialect is made once by many nodes that start together", async () => {
  await using created = await createTestDatabase();
  const config = { connectionString: created.url };
  await Promise.all(Array.from({ length: 10 }, () => migrate(config, { dialect: toCockroach })));
  const [row] = await runStatements(
    created.url,
    "select (select count(*)::int from millrace.migrations) as steps, (select count(*)::int from pg_tables where schemaname = 'millrace') as tables",
  );
  expect(row).toEqual({ steps: 4, tables: 16 });
});

test("a step in a dialect counts as done when all of it is", async () => {
  await using created = await createTestDatabase();
  const config = { connectionString: created.url };
  const failing: Dialect = (sql) => [...toCockroach(sql), "select 1 / 0"];
  await expect(migrate(config, { dialect: failing })).rejects.toThrow("division by zero");
  const steps = "select id from millrace.migrations order by id";
  expect(await runStatements(created.url, steps)).toEqual([]);
  // Each statement stood for itself: such databases roll no change of the schema back.
  const [row] = await runStatements(created.url, "select count(*)::int from millrace.runs");
  expect(row).toEqual({ count: 0 });
  await migrate(config, { dialect: toCockroach });
  expect(await runStatements(created.url, steps)).toHaveLength(4);
});

test.each(POSTGRES_PROFILES)("as %s, PostgreSQL's schema is PostgreSQL's own", async (profile) => {
  await using created = await createTestDatabase();
  const storage = await createPostgresStorage({ url: created.url, profile });
  await storage.migrate();
  await storage.close();
  expect(await comparePostgresSchema(created.url)).toEqual([]);
});

test.each([
  ["postgres", true],
  ["citus", true],
  ["yugabyte", true],
  ["cockroach", false],
] as const)("as %s, a process number of another tells a pooler: %s", async (profile, isPooled) => {
  await using created = await createTestDatabase();
  await using pooler = await startProxy(await sharedPostgres(), { pooling: "transaction" });
  const database = await openDatabase({ url: pooler.urlOf(created.url), profile });
  await database.close();
  expect(database.isPooled).toBe(isPooled);
});
