import { Client } from "pg";
import { openDatabase, type Database } from "../storage/postgres/database.ts";
import { migrate } from "../storage/postgres/migrate.ts";
import type { PostgresMajor } from "./postgres/binaries.ts";
import { createTestDatabase } from "./postgres/shared-postgres.ts";

/** A PostgreSQL database of a test's own with an empty store. */
export interface MigratedDatabase extends AsyncDisposable {
  readonly url: string;
  readonly database: Database;
  /** Any statements, apart from the store's. @returns the rows of the last one, as arrays of what `pg` makes of them */
  run(text: string, values?: readonly unknown[]): Promise<readonly (readonly unknown[])[]>;
}

export async function openMigratedDatabase(major?: PostgresMajor): Promise<MigratedDatabase> {
  const created = await createTestDatabase(major);
  const { url } = created;
  await migrate({ connectionString: url });
  const database = await openDatabase({ url });
  // With what the store's own connections have set.
  const client = new Client(database.config);
  await client.connect();
  return {
    url,
    database,
    run: async (text, values = []) => {
      // Several statements go only without values.
      const query = values.length === 0 ? { text } : { text, values: [...values] };
      const { rows } = await client.query<unknown[]>({ ...query, rowMode: "array" });
      return rows;
    },
    [Symbol.asyncDispose]: async () => {
      await client.end();
      await database.close();
      await created.drop();
    },
  };
}
