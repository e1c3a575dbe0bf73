// The server that `npm run test:store` was pointed at, and the databases that are made on it.
import {
  createPostgresStorage,
  examinePostgres,
  POSTGRES_PROFILES,
  spreadTables,
  type PostgresStorageOptions,
} from "@millrace/engine/postgres";
import { runStatements } from "../../packages/engine/src/testkit/postgres/admin.ts";

/** What the command tells its checks. */
export const URL_ENV = "MILLRACE_TEST_STORE_URL";
export const PREFIX_ENV = "MILLRACE_TEST_STORE_PREFIX";
/** Not set: what the server is. */
export const PROFILE_ENV = "MILLRACE_TEST_STORE_PROFILE";

/** For stores on the server. */
export function toProfile(): Pick<PostgresStorageOptions, "profile"> {
  const profile = POSTGRES_PROFILES.find((it) => it === process.env[PROFILE_ENV]);
  return profile === undefined ? {} : { profile };
}

let made = 0;

/**
 * Makes a database with an empty store, spread where the server has Citus. The command removes it: it also does so for
 * checks that have crashed.
 *
 * @returns its URL
 */
export async function makeDatabase(): Promise<string> {
  const { [URL_ENV]: server, [PREFIX_ENV]: prefix } = process.env;
  if (server === undefined || prefix === undefined) throw new Error("`npm run test:store` runs it");
  made += 1;
  const name = `${prefix}_${process.pid}_${made}`;
  await runStatements(server, `create database ${name} template template0 encoding 'UTF8'`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const { kind } = (await examinePostgres(server)).server;
  // A new database has it not; its one server is then the coordinator.
  if (kind === "citus") await runStatements(url.href, "create extension citus");
  const storage = await createPostgresStorage({ url: url.href, ...toProfile() });
  try {
    await storage.migrate();
  } finally {
    await storage.close();
  }
  if (kind === "citus") await spreadTables(url.href);
  return url.href;
}

/** @returns whether the user may make databases */
export async function mayMakeDatabases(server: string): Promise<boolean> {
  const [row] = await runStatements(
    server,
    "select rolcreatedb or rolsuper as may from pg_roles where rolname = current_user",
  );
  return row?.["may"] === true;
}

export async function listDatabases(server: string, prefix: string): Promise<readonly string[]> {
  const rows = await runStatements(server, "select datname as name from pg_database order by 1");
  return rows.map(({ name }) => String(name)).filter((name) => name.startsWith(`${prefix}_`));
}

/** Ends their connections. */
export async function dropDatabases(server: string, names: readonly string[]): Promise<void> {
  const { kind } = (await examinePostgres(server)).server;
  const how = kind === "cockroach" ? "cascade" : "with (force)";
  for (const name of names) await runStatements(server, `drop database ${name} ${how}`);
}
