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
