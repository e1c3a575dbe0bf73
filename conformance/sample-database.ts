// Databases for samples, which each want an empty one: making one takes a tenth of a second, emptying one 5 ms.
import { createPostgresStorage } from "@millrace/engine/postgres";
import { runStatements } from "../packages/engine/src/testkit/postgres/admin.ts";
import type { PostgresMajor } from "../packages/engine/src/testkit/postgres/binaries.ts";
import { createTestDatabase } from "../packages/engine/src/testkit/postgres/shared-postgres.ts";

/** Migrated and empty. */
export interface SampleDatabase {
  readonly url: string;
  /** When nobody uses it any more. */
  giveBack(): Promise<void>;
}

const FREE = new Map<PostgresMajor, SampleDatabase[]>();

/** On a server that ends with this process. */
export async function takeDatabase(major: PostgresMajor = 18): Promise<SampleDatabase> {
  const free = FREE.get(major) ?? [];
  FREE.set(major, free);
  const kept = free.pop();
  if (kept !== undefined) return kept;
  const { url } = await createTestDatabase(major);
  const storage = await createPostgresStorage({ url });
  await storage.migrate();
  await storage.close();
  const tables = await runStatements(
    url,
    "select tablename as name from pg_tables where schemaname = 'millrace' and tablename <> 'migrations'",
  );
  const emptying = tables.map(({ name }) => `delete from millrace.${String(name)}`).join("; ");
  const database: SampleDatabase = {
    url,
    giveBack: async () => {
      await runStatements(url, emptying);
      free.push(database);
    },
  };
  return database;
}
