import {
  createPostgresStorage,
  type PostgresStorageOptions,
} from "../../storage/postgres/create-postgres-storage.ts";
import { migrate } from "../../storage/postgres/migrate.ts";
import type { TestDatabase } from "../postgres/start-postgres.ts";
import type { KeptStore } from "./keep-stores.ts";
import { prepareEmptying } from "./prepare-emptying.ts";

export interface KeptStoreOptions extends Omit<PostgresStorageOptions, "url"> {
  /** By which the store reaches its database. Default: directly. */
  readonly url?: string;
}

/** A store on a database of its own, which goes with it. */
export async function openKeptStore(
  database: TestDatabase,
  options: KeptStoreOptions,
): Promise<KeptStore> {
  await migrate({ connectionString: database.url });
  const emptying = await prepareEmptying(database.url);
  const storage = await createPostgresStorage({ url: database.url, ...options });
  return {
    storage,
    empty: () => emptying.empty(),
    close: async () => {
      await storage.close();
      await emptying.close();
      await database.drop();
    },
  };
}
