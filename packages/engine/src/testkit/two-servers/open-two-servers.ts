import { createPostgresStorage } from "../../storage/postgres/create-postgres-storage.ts";
import { migrate } from "../../storage/postgres/migrate.ts";
import type { Storage } from "../../storage/storage.ts";
import { createTestDatabase } from "../postgres/shared-postgres.ts";
import type { TestDatabase } from "../postgres/start-postgres.ts";
import { copyCatalog, routeByShard } from "./route-by-shard.ts";

export interface TwoServers extends AsyncDisposable {
  /** The even shards on one, the odd ones on the other: two real servers, of different majors. */
  readonly databases: readonly [even: TestDatabase, odd: TestDatabase];
  /** Of one node. */
  openStorage(): Promise<Storage>;
}

/** Migrated, and empty. */
export async function openTwoServers(): Promise<TwoServers> {
  const [even, odd] = [await createTestDatabase(18), await createTestDatabase(15)];
  for (const { url } of [even, odd]) await migrate({ connectionString: url });
  const open = ({ url }: TestDatabase): Promise<Storage> => createPostgresStorage({ url });
  // Its connections outlive those of each node, so that all nodes write by it.
  const owners = [await open(even), await open(odd)] as const;
  const catalog = copyCatalog([owners[0].catalog, owners[1].catalog]);
  return {
    databases: [even, odd],
    openStorage: async () => routeByShard([await open(even), await open(odd)], catalog),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(owners.map((owner) => owner.close()));
      await Promise.all([even.drop(), odd.drop()]);
    },
  };
}
