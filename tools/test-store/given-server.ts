// The server that `npm run test:store` was pointed at, and the databases that are made on it.
import { runStatements } from "../../packages/engine/src/testkit/postgres/admin.ts";

/** What the command tells its checks. */
export const URL_ENV = "MILLRACE_TEST_STORE_URL";
export const PREFIX_ENV = "MILLRACE_TEST_STORE_PREFIX";

let made = 0;

/** Makes an empty database. The command removes it: it also does so for checks that have crashed. @returns its URL */
export async function makeDatabase(): Promise<string> {
  const { [URL_ENV]: server, [PREFIX_ENV]: prefix } = process.env;
  if (server === undefined || prefix === undefined) throw new Error("`npm run test:store` runs it");
  made += 1;
  const name = `${prefix}_${process.pid}_${made}`;
  await runStatements(server, `create database ${name} template template0 encoding 'UTF8'`);
  const url = new URL(server);
  url.pathname = `/${name}`;
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
  for (const name of names) await runStatements(server, `drop database ${name} with (force)`);
}
