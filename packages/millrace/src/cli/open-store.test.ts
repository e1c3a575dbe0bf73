// What is wrong with a real PostgreSQL, and what is said of it.
import { MillraceError } from "@millrace/protocol";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runStatements } from "../../../engine/src/testkit/postgres/admin.ts";
import {
  startPostgres,
  type PostgresServer,
} from "../../../engine/src/testkit/postgres/start-postgres.ts";
import { createLog } from "../log.ts";
import { explainDatabase } from "./explain-database.ts";
import { openStore } from "./open-store.ts";

const SECRET = "a-secret-that-nobody-may-see";

let postgres: PostgresServer;

/** `ada` needs a password, and `rex` is let in nowhere. */
beforeAll(async () => {
  postgres = await startPostgres({ durable: false });
  await runStatements(
    postgres.url,
    `create role ada login password '${SECRET}'`,
    "create role rex login",
    "create role app login",
    "create role owner login",
    "create database shop owner owner encoding 'UTF8' template template0",
    "create database old encoding 'LATIN1' locale 'C' template template0",
    "create database loose encoding 'SQL_ASCII' locale 'C' template template0",
    "create database shut template template0",
    "alter database shut set default_transaction_read_only = on",
  );
  const file = join(postgres.folder, "pg_hba.conf");
  const rules = ["host all ada 127.0.0.1/32 scram-sha-256", "host all rex 127.0.0.1/32 reject"];
  await writeFile(file, [...rules, await readFile(file, "utf8")].join("\n"));
  await runStatements(postgres.url, "select pg_reload_conf()");
});

afterAll(() => postgres[Symbol.asyncDispose]());

const urlOf = (user: string, database = "shop", port = postgres.port): string =>
  `postgres://${user}@127.0.0.1:${port}/${database}`;

interface Attempt {
  readonly error: MillraceError | null;
  readonly log: readonly string[];
}

/** @param patienceMs 0: no database that is away is waited for */
async function open(url: string, patienceMs = 0): Promise<Attempt> {
  const log: string[] = [];
  const store = openStore({
    data: "/nowhere",
    database: { url, readUrl: null },
    log: createLog({ level: "debug", write: (line) => log.push(line) }),
    patienceMs,
  });
  try {
    await (await store).close();
    return { error: null, log };
  } catch (error) {
    if (!MillraceError.is(error)) throw error;
    return { error, log };
  }
}

describe("a database that cannot be used", () => {
  const cases: readonly (readonly [toUrl: () => string, code: string, sentence: string])[] = [
    [() => urlOf("ada:wrong-secret"), "storage.unusable", "The password of ada is wrong"],
    [
      () => urlOf("ada"),
      "storage.unavailable",
      "asks for the password of ada, and the URL has none",
    ],
    [() => urlOf("bob"), "storage.unusable", "does not let bob in"],
    [() => urlOf("rex"), "storage.unusable", "does not let rex in"],
    [() => urlOf("app", "none"), "storage.unusable", 'create database "none"'],
    [() => urlOf("app"), "storage.unusable", "app lacks a right"],
    [() => urlOf("app", "shop", 1), "storage.unavailable", "Nobody listens there"],
    [
      () => "postgres://app@no-such-host.invalid/shop",
      "storage.unavailable",
      "no host named no-such-host.invalid",
    ],
    [
      () => `${urlOf("app")}?sslmode=verify-full`,
      "storage.unavailable",
      "There is no safe connection",
    ],
    [() => urlOf("owner", "shut"), "storage.unavailable", 'set that off for "owner" and "shut"'],
    [
      () => `${urlOf("app")}?statement_timeout=soon`,
      "storage.unusable",
      'It says: invalid value for parameter "statement_timeout"',
    ],
    [
      () => `postgres:///shop?host=${postgres.folder}&user=app`,
      "storage.unavailable",
      "There is no socket in",
    ],
  ];

  test.each(cases)("is told in a sentence of its own: %#", async (toUrl, code, sentence) => {
    const { error } = await open(toUrl());
    expect(error).toMatchObject({ code, message: expect.stringContaining(sentence) as unknown });
    expect(error?.message).toMatch(/^Cannot use the database postgres:.*\(host \S+, port \d+, /);
    expect(error?.message).not.toContain("secret");
  });

  test("is named without its password, in a log, too", async () => {
    const { error, log } = await open(urlOf(`ada:${SECRET}`, "shop", 1));
    expect(error?.message).toContain("postgres://ada@127.0.0.1:1/shop");
    const all = [error?.message, error?.stack, ...log].join("\n");
    expect(all).not.toContain(SECRET);
  });
});

test.each([
  ["old", "LATIN1"],
  ["loose", "SQL_ASCII"],
])(
  "a database that is not in UTF-8 is refused, and nothing is made in it: %s",
  async (name, encoding) => {
    const url = urlOf("millrace", name);
    expect((await open(url, 600_000)).error).toMatchObject({
      code: "storage.unusable",
      message: expect.stringContaining(`The database is in ${encoding}, and`) as unknown,
    });
    const [row] = await runStatements(url, "select to_regnamespace('millrace') is null as none");
    expect(row).toEqual({ none: true });
  },
);

test("a file that the URL names and that cannot be read is told, without the password", async () => {
  const { error } = await open(`${urlOf(`ada:${SECRET}`)}?sslrootcert=/nowhere/ca.pem`, 600_000);
  expect(error).toMatchObject({
    code: "option.invalid",
    message: expect.stringMatching(/cannot be read .*\/nowhere\/ca\.pem.*sslrootcert/) as unknown,
  });
  expect(error?.message).not.toContain(SECRET);
});

test("a URL without a user, where none is known, is told so", () => {
  const address = { host: "db", port: 5432, database: "", user: "", shown: "postgres://@db:5432/" };
  const cause = Object.assign(new Error("no PostgreSQL user name specified"), { code: "28000" });
  const error = explainDatabase(
    new MillraceError("storage.unusable", "it failed", { cause }),
    address,
  );
  expect(error).toMatchObject({ message: expect.stringContaining("set PGUSER") as unknown });
});

describe("a database that will not be there by waiting", () => {
  test.each([
    ["a wrong password", () => urlOf("ada:wrong-secret")],
    ["no password", () => urlOf("ada")],
    ["no such database", () => urlOf("app", "none")],
    ["no TLS", () => `${urlOf("app")}?sslmode=verify-full`],
  ] as const)("is not waited for: %s", async (_, toUrl: () => string) => {
    const { error, log } = await open(toUrl(), 600_000);
    expect(error).not.toBeNull();
    expect(log).toEqual([]);
  });
});

describe("a user without the right to make tables", () => {
  test("can work on what the owner has set up", async () => {
    const owner = urlOf("owner");
    expect((await open(owner)).error).toBeNull();
    expect((await open(urlOf("app"))).error?.message).toContain("app lacks a right");
    await runStatements(
      owner,
      "grant usage on schema millrace to app",
      "grant select, insert, update, delete on all tables in schema millrace to app",
    );
    expect((await open(urlOf("app"))).error).toBeNull();
  });
});
