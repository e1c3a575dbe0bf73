// One server for all tests of a process, since each may have a database of its own on it.
import type { PostgresMajor } from "./binaries.ts";
import { startPostgres, type PostgresServer, type TestDatabase } from "./start-postgres.ts";

const servers = new Map<PostgresMajor, Promise<PostgresServer>>();

/** Started at first use, stopped when the process ends. It is not durable, so nobody may kill it. */
export function sharedPostgres(major: PostgresMajor = 18): Promise<PostgresServer> {
  const known = servers.get(major);
  if (known !== undefined) return known;
  const started = startPostgres({ major, durable: false });
  servers.set(major, started);
  return started;
}

/** A new, empty database on the shared server. */
export async function createTestDatabase(major: PostgresMajor = 18): Promise<TestDatabase> {
  return (await sharedPostgres(major)).createDatabase();
}
