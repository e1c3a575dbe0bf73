// A PostgreSQL of the benchmark's own, on the project's disk, with nothing taken from its durability.
import { totalmem } from "node:os";
import { withClient } from "../../packages/engine/src/testkit/postgres/admin.ts";
import {
  startPostgres,
  type TestDatabase,
} from "../../packages/engine/src/testkit/postgres/start-postgres.ts";

export interface DatabaseServer extends AsyncDisposable {
  /** Of its own administration; what is done here counts for no database that is measured. */
  readonly url: string;
  readonly version: string;
  /** What was set for the machine, as `postgresql.conf` would have it. */
  readonly settings: string;
  createDatabase(): Promise<TestDatabase>;
}

/** What a row of the table promises; checked against the server that runs. */
const DURABLE = ["fsync", "synchronous_commit", "full_page_writes"] as const;

export const DURABILITY: string = `PostgreSQL, ${DURABLE.join(", ")} on`;

/** Beyond it, a database of these sizes gains nothing. */
const MOST_BUFFERS_MB = 4_096;

/** As any operator sets them for the machine. */
function toSettings(): Readonly<Record<string, string>> {
  const quarterMb = Math.floor(totalmem() / 4 / 2 ** 20);
  return {
    shared_buffers: `${Math.min(quarterMb, MOST_BUFFERS_MB)}MB`,
    max_wal_size: "8GB",
  };
}

/** @param more further settings. @throws {Error} it is not as durable as the table will say */
export async function startDatabaseServer(
  more: Readonly<Record<string, string>> = {},
): Promise<DatabaseServer> {
  const settings = { ...toSettings(), ...more };
  const server = await startPostgres({ durable: true, inMemory: false, settings });
  try {
    return {
      url: server.url,
      version: await readVersion(server.url),
      settings: Object.entries(settings)
        .map((setting) => setting.join("="))
        .join(", "),
      createDatabase: () => server.createDatabase(),
      [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
    };
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}

function readVersion(url: string): Promise<string> {
  return withClient(url, async (client) => {
    for (const name of DURABLE) {
      const value = await readSetting(client, name);
      if (value !== "on") throw new Error(`PostgreSQL has ${name}=${value}; it must be on`);
    }
    return readSetting(client, "server_version");
  });
}

async function readSetting(
  client: Parameters<Parameters<typeof withClient>[1]>[0],
  name: string,
): Promise<string> {
  const { rows } = await client.query<{ value: string }>("select current_setting($1) as value", [
    name,
  ]);
  return rows[0]?.value ?? "unknown";
}
