// The commands that take a database, against a real one.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { listSpreadCalls, type PostgresReport } from "@millrace/engine/postgres";
import { recognize } from "../../../engine/src/storage/postgres/profiles/recognize.ts";
import { runStatements } from "../../../engine/src/testkit/postgres/admin.ts";
import { startProxy } from "../../../engine/src/testkit/postgres/proxy/start-proxy.ts";
import { createTestDatabase } from "../../../engine/src/testkit/postgres/shared-postgres.ts";
import { plantFolder, type PlantedFolder } from "../../../../tools/testkit/planted-folder.ts";
import { createTestIo, type TestIo } from "../../../../tools/testkit/test-io.ts";
import {
  judgeClock,
  judgeConnections,
  judgeDurability,
  judgeProfile,
  judgeServer,
  judgeSpread,
} from "./check-database.ts";
import type { Finding } from "./finding.ts";
import { runCommandLine } from "./run-command-line.ts";

/** With a password, which a server that trusts everybody does not look at. */
function withSecret(url: string): string {
  const own = new URL(url);
  own.password = SECRET;
  return own.href;
}

const SECRET = "a-secret-that-nobody-may-see";

interface Running extends AsyncDisposable {
  readonly io: TestIo;
  readonly line: { readonly url: string; readonly database: string };
  /** What it has logged is told then, at the latest. */
  stop(): Promise<void>;
}

async function startServer(folder: PlantedFolder, url: string, data: string): Promise<Running> {
  const io = createTestIo({ cwd: folder.path, env: { MILLRACE_DATABASE_URL: url } });
  const args = ["start", "--port", "0", "--json", "--data", data];
  const ended = runCommandLine(args, io);
  await Promise.race([
    io.untilOut("\n"),
    ended.then((code) => Promise.reject(new Error(`it ended with ${code}: ${io.errText()}`))),
  ]);
  const stop = async (): Promise<void> => {
    io.stop();
    await ended;
  };
  const line = JSON.parse(io.outText()) as Running["line"];
  return { io, line, stop, [Symbol.asyncDispose]: stop };
}

const listWorkflows = async ({ line }: Running, key: string): Promise<number> =>
  (await fetch(`${line.url}/api/v1/workflows`, { headers: { "x-api-key": key } })).status;

describe("millrace start", { timeout: 30_000 }, () => {
  test("shows where the database is, without its password", async () => {
    await using folder = await plantFolder({});
    await using database = await createTestDatabase();
    await using server = await startServer(folder, withSecret(database.url), "a");
    expect(server.line.database).toBe(database.url);
    await server.stop();
    expect(server.io.errText()).toContain(database.url);
    expect(`${server.io.outText()}${server.io.errText()}`).not.toContain(SECRET);
  });

  test("shows it on a screen, too", async () => {
    await using folder = await plantFolder({});
    await using database = await createTestDatabase();
    const env = { MILLRACE_DATABASE_URL: withSecret(database.url) };
    const io = createTestIo({ cwd: folder.path, env, terminal: { columns: 100, rows: 30 } });
    const ended = runCommandLine(["start", "--port", "0"], io);
    await io.untilOut("Ctrl-C stops the server.");
    io.stop();
    expect(await ended).toBe(0);
    expect(io.outText()).toContain(`data in ${database.url}`);
    expect(`${io.outText()}${io.errText()}`).not.toContain(SECRET);
  });

  test("makes one development key for all nodes of a database", async () => {
    await using folder = await plantFolder({});
    await using database = await createTestDatabase();
    const keyOf = async (data: string): Promise<string> =>
      (await readFile(join(folder.path, data, "dev-key"), "utf8")).trim();
    await using a = await startServer(folder, database.url, "a");
    const key = await keyOf("a");
    await using b = await startServer(folder, database.url, "b");
    expect([await listWorkflows(a, key), await listWorkflows(b, key)]).toEqual([200, 200]);
    await expect(keyOf("b")).rejects.toThrow("ENOENT");
    await b.stop();
    expect(b.io.errText()).toContain("another node made the development key of this database");
    // As it says: with the file of the first, the next start has the key.
    await writeFile(join(folder.path, "b", "dev-key"), `${key}\n`);
    await using again = await startServer(folder, database.url, "b");
    await again.stop();
    expect(again.io.errText()).not.toContain("another node");
    expect(await keyOf("b")).toBe(key);
  });

  test("ends with 2 for a URL that is none, and with 1 for a database that is not there", async () => {
    await using database = await createTestDatabase();
    const end = async (url: string): Promise<readonly [number, string]> => {
      const io = createTestIo({ env: { MILLRACE_DATABASE_URL: url } });
      return [await runCommandLine(["start", "--port", "0", "--json"], io), io.errText()];
    };
    const [usage, why] = await end(`mysql://ada:${SECRET}@host/shop`);
    expect([usage, why]).toEqual([2, expect.not.stringContaining(SECRET)]);
    const [failed, text] = await end(`${withSecret(database.url)}_not`);
    expect([failed, text]).toEqual([
      1,
      expect.stringContaining("There is no database of that name"),
    ]);
    expect(text).not.toContain(SECRET);
  });
});

describe("millrace database setup", () => {
  test("makes the schema, and may be repeated", async () => {
    await using database = await createTestDatabase();
    const env = { MILLRACE_DATABASE_URL: database.url };
    for (const _ of ["first", "again"]) {
      const io = createTestIo({ env });
      expect(await runCommandLine(["database", "setup"], io)).toBe(0);
      expect(io.outText()).toBe(`The schema in ${database.url} is up to date.\n`);
    }
    const [row] = await runStatements(database.url, "select count(*)::int from millrace.runs");
    expect(row).toEqual({ count: 0 });
  });

  test.each(["postgres", "yugabyte", "cockroach"])(
    "says that with the profile %s there is nothing to distribute",
    async (profile) => {
      await using database = await createTestDatabase();
      const io = createTestIo({ env: { MILLRACE_DATABASE_URL: database.url } });
      expect(await runCommandLine(["database", "setup", "--profile", profile], io)).toBe(0);
      expect(io.outText()).toContain(`With the profile ${profile} there is nothing to distribute.`);
      const printing = createTestIo();
      await runCommandLine(["database", "setup", "--print", "--profile", profile], printing);
      expect([printing.outText(), printing.errText()]).toEqual([
        "",
        `With the profile ${profile} there is nothing to distribute.\n`,
      ]);
    },
  );

  test("prints the calls by which Citus spreads the tables, and looks at no database", async () => {
    const io = createTestIo({ env: { MILLRACE_DATABASE_PROFILE: "citus" } });
    expect(await runCommandLine(["database", "setup", "--print"], io)).toBe(0);
    const lines = io.outText().trimEnd().split("\n");
    expect(lines).toEqual(listSpreadCalls("citus").map(({ sql }) => `${sql};`));
    expect(lines).toContain(
      "select create_distributed_table('millrace.inbox', 'shard', colocate_with => 'millrace.runs');",
    );
  });

  test("refuses to spread the tables of a database without Citus, whose schema it makes", async () => {
    await using database = await createTestDatabase();
    const env = { MILLRACE_DATABASE_URL: database.url };
    const io = createTestIo({ env });
    expect(await runCommandLine(["database", "setup", "--profile", "citus"], io)).toBe(1);
    expect(io.errText()).toContain("create extension citus");
    const [row] = await runStatements(database.url, "select count(*)::int from millrace.runs");
    expect(row).toEqual({ count: 0 });
  });

  test("spreads the tables once", async () => {
    await using database = await createTestDatabase();
    await runStatements(
      database.url,
      "create table pg_dist_partition (logicalrelid regclass)",
      "create function create_reference_table(it regclass) returns void language sql as 'insert into pg_dist_partition values (it)'",
      "create function create_distributed_table(it regclass, shard text, colocate_with text) returns void language sql as 'insert into pg_dist_partition values (it)'",
    );
    const setUp = async (...flags: readonly string[]): Promise<string> => {
      const io = createTestIo({ env: { MILLRACE_DATABASE_URL: database.url } });
      expect(await runCommandLine(["database", "setup", "--profile", "citus", ...flags], io)).toBe(
        0,
      );
      return io.outText();
    };
    expect(await setUp()).toContain("Spread 16 tables: nodes, catalog");
    expect(await setUp()).toContain("Every table was spread already.");
    expect(JSON.parse(await setUp("--json"))).toMatchObject({ isUpToDate: true, spread: [] });
  });

  test.each([
    [["--profile", "oracle"], "--profile must be one of postgres, citus"],
    [["--print"], "--print needs --profile"],
  ])("refuses %j", async (flags, sentence) => {
    const io = createTestIo();
    expect(await runCommandLine(["database", "setup", ...flags], io)).toBe(2);
    expect(io.errText()).toContain(sentence);
  });

  test("needs a database", async () => {
    const io = createTestIo();
    expect(await runCommandLine(["database", "setup"], io)).toBe(2);
    expect(io.errText()).toContain("Set MILLRACE_DATABASE_URL");
  });
});

describe("millrace backup", () => {
  test("says what to use in its place, and ends with 2", async () => {
    await using folder = await plantFolder({});
    const env = { MILLRACE_DATABASE_URL: "postgres://ada@db.example.com/shop" };
    const io = createTestIo({ env, cwd: folder.path });
    expect(await runCommandLine(["backup", "copy.db"], io)).toBe(2);
    expect(io.errText()).toContain("pg_dump");
    // A folder that is named is copied, as after a move.
    const other = createTestIo({ env, cwd: folder.path });
    await runCommandLine(["backup", "copy.db", "--data", "old"], other);
    expect(other.errText()).toContain("There is no store in");
  });
});

interface Report {
  readonly code: number;
  find(check: string): Finding | undefined;
}

async function examine(url: string, more: Readonly<Record<string, string>> = {}): Promise<Report> {
  await using folder = await plantFolder({});
  const env = { MILLRACE_DATABASE_URL: url, ...more };
  const io = createTestIo({ env, cwd: folder.path, app: null });
  const code = await runCommandLine(["doctor", "--json"], io);
  expect(`${io.outText()}${io.errText()}`).not.toContain(SECRET);
  const { findings } = JSON.parse(io.outText()) as { readonly findings: readonly Finding[] };
  return { code, find: (check) => findings.find((it) => it.check === check) };
}

const state = (state: Finding["state"], message: string): object => ({
  state,
  message: expect.stringContaining(message) as unknown,
});

const NONE: PostgresReport["migrations"] = { missing: [], unknown: [] };

describe("millrace doctor", { timeout: 30_000 }, () => {
  test("looks into the database in place of the file", async () => {
    await using database = await createTestDatabase();
    const before = await examine(withSecret(database.url));
    expect(before.find("store")).toBeUndefined();
    expect(before.find("database")).toMatchObject(state("ok", "is PostgreSQL 18"));
    expect(before.find("schema")).toMatchObject(state("ok", "the first start makes it"));
    expect(before.find("pooler")).toMatchObject(state("ok", "none"));
    expect(before.find("database profile")).toMatchObject(state("ok", "postgres, found"));
    expect(before.find("database clock")?.state).toBe("ok");
    // The server of these tests does not sync.
    expect(before.find("durability")).toMatchObject(
      state("fail", "fsync, synchronous_commit, full_page_writes"),
    );
    expect(before.code).toBe(1);
    await runCommandLine(
      ["database", "setup"],
      createTestIo({ env: { MILLRACE_DATABASE_URL: database.url } }),
    );
    expect((await examine(database.url)).find("schema")).toMatchObject(
      state("ok", "is as this version makes it"),
    );
  });

  test("finds what was changed, what is missing, and what is newer", async () => {
    await using database = await createTestDatabase();
    const { url } = database;
    await runCommandLine(
      ["database", "setup"],
      createTestIo({ env: { MILLRACE_DATABASE_URL: url } }),
    );
    const schema = async (...statements: readonly string[]): Promise<Finding | undefined> => {
      await runStatements(url, ...statements);
      return (await examine(url)).find("schema");
    };
    expect(await schema("drop index millrace.runs_due")).toMatchObject(
      state("fail", "differs in runs_due"),
    );
    const insert = (id: number, name: string, breaking: boolean): string =>
      `insert into millrace.migrations values (${id}, '${name}', ${breaking}, now())`;
    expect(await schema(insert(9_000, "more", false))).toMatchObject(
      state("ok", "this one can work with it"),
    );
    expect(await schema(insert(9_001, "other", true))).toMatchObject(
      state("fail", "a newer Millrace has changed it (other)"),
    );
    expect(await schema("delete from millrace.migrations")).toMatchObject(
      state("ok", "the next start brings it up to date"),
    );
  });

  test("says which tables a user may not write", async () => {
    await using database = await createTestDatabase();
    const env = { MILLRACE_DATABASE_URL: database.url };
    await runCommandLine(["database", "setup"], createTestIo({ env }));
    const user = `${database.name}_app`;
    const own = new URL(database.url);
    own.username = user;
    await runStatements(
      database.url,
      `create role ${user} login`,
      `grant usage on schema millrace to ${user}`,
      `grant select, insert, update, delete on all tables in schema millrace to ${user}`,
      `revoke delete on millrace.inbox from ${user}`,
    );
    try {
      const { find } = await examine(own.href);
      expect(find("schema")).toMatchObject(state("fail", "lacks rights on inbox"));
    } finally {
      await runStatements(database.url, `drop owned by ${user}`, `drop role ${user}`);
    }
  });

  test("sees a pooler", async () => {
    await using database = await createTestDatabase();
    const { hostname, port } = new URL(database.url);
    const target = { host: hostname, port: Number(port) };
    await using proxy = await startProxy(target, { pooling: "transaction" });
    const { find } = await examine(proxy.urlOf(database.url));
    expect(find("pooler")).toMatchObject(state("warn", "one is in between"));
  });

  test("looks at the copy for reads, and says where nobody answers", async () => {
    await using database = await createTestDatabase();
    const copy = "postgres://ada@127.0.0.1:1/shop";
    const { find, code } = await examine(database.url, { MILLRACE_DATABASE_READ_URL: copy });
    expect(find("read database")).toMatchObject(state("fail", "Nobody listens there"));
    expect(code).toBe(1);
    const away = await examine(copy);
    expect(away.find("database")).toMatchObject(state("fail", "Nobody listens there"));
  });

  test("sees that a database is set to take no writes", async () => {
    await using database = await createTestDatabase();
    const statement = `alter database ${database.name} set default_transaction_read_only = on`;
    await runStatements(database.url, statement);
    const { find } = await examine(database.url);
    expect(find("database")).toMatchObject(state("fail", "set to take no writes"));
  });

  test("reads the database's clock whatever is set for how numbers are written", async () => {
    await using database = await createTestDatabase();
    const statement = `alter database ${database.name} set extra_float_digits = -15`;
    await runStatements(database.url, statement);
    expect((await examine(database.url)).find("database clock")?.state).toBe("ok");
  });

  test("says which file of the URL cannot be read", async () => {
    await using database = await createTestDatabase();
    const { find } = await examine(`${withSecret(database.url)}?sslrootcert=/nowhere/ca.pem`);
    expect(find("database")).toMatchObject(state("fail", "/nowhere/ca.pem"));
  });

  test("tells a profile that is tried on PostgreSQL", async () => {
    await using database = await createTestDatabase();
    const { find } = await examine(database.url, { MILLRACE_DATABASE_PROFILE: "cockroach" });
    expect(find("database profile")).toMatchObject(
      state("warn", "cockroach, set by MILLRACE_DATABASE_PROFILE"),
    );
  });

  test("judges what cannot be had here", () => {
    const report = {
      server: recognize({ text: "PostgreSQL 13.12 on x86_64-pc-linux-gnu", citus: null }),
      encoding: "UTF8",
      isStandby: false,
      isReadOnly: false,
      isPooled: false,
      unsafeSettings: [],
      connections: { most: 97, used: 91 },
      clockAheadMs: -6_000,
      migrations: null,
      mayCreateSchema: true,
      closedTables: [],
      unspreadTables: [],
    };
    expect(judgeServer("db", report)).toMatchObject(state("fail", "too old"));
    const as = (text: string, citus: string | null = null): PostgresReport => ({
      ...report,
      server: recognize({ text, citus }),
    });
    const recent = as("PostgreSQL 14.0 on x86_64-pc-linux-gnu");
    expect(judgeServer("db", recent).state).toBe("ok");
    expect(judgeServer("db", { ...recent, isStandby: true })).toMatchObject(
      state("fail", "a standby"),
    );
    expect(judgeServer("db", { ...recent, isReadOnly: true })).toMatchObject(
      state("fail", "set to take no writes"),
    );
    expect(judgeServer("db", { ...recent, encoding: "LATIN1" })).toMatchObject(
      state("fail", "LATIN1"),
    );
    expect(judgeDurability(report).state).toBe("ok");
    expect(judgeConnections(report)).toMatchObject(state("warn", "6 of 97 are free"));
    const roomy = { ...report, connections: { most: 97, used: 90 } };
    expect(judgeConnections(roomy).state).toBe("ok");
    expect(judgeConnections({ ...report, connections: null })).toMatchObject(
      state("ok", "names no limit"),
    );
    expect(judgeClock(report)).toMatchObject(state("warn", "differs by 6.0 s"));
    const cockroach = as("CockroachDB CCL v23.2.1 (x86_64-pc-linux-gnu, built 2024)");
    expect(judgeServer("db", cockroach)).toMatchObject(state("ok", "is CockroachDB 23.2.1"));
    expect(judgeProfile(null, cockroach)).toMatchObject(state("ok", "cockroach, found"));
    expect(judgeProfile("citus", cockroach)).toMatchObject(
      state("fail", "works with the profile cockroach only"),
    );
    const citus = { ...as("PostgreSQL 17.2 on x86_64-pc-linux-gnu", "13.0-1"), migrations: NONE };
    expect(judgeSpread(citus)).toMatchObject([state("ok", "every table")]);
    expect(judgeSpread({ ...citus, unspreadTables: ["runs", "slots"] })).toMatchObject([
      state("warn", "not spread: runs, slots"),
    ]);
    expect(judgeSpread(recent)).toEqual([]);
  });
});
