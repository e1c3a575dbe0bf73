import { afterAll, describe } from "vitest";
import { keepStores } from "../../testkit/postgres-stores/keep-stores.ts";
import { openKeptStore } from "../../testkit/postgres-stores/open-kept-store.ts";
import { createTestDatabase } from "../../testkit/postgres/shared-postgres.ts";
import { copyCatalog, routeByShard } from "../../testkit/two-servers/route-by-shard.ts";
import { createOpenStorage, storageSuite } from "../suite/index.ts";

/** Even shards on one server, odd ones on the other: two real ones, of different majors. */
const stores = keepStores(async (now) => {
  const even = await openKeptStore(await createTestDatabase(18), { now });
  const odd = await openKeptStore(await createTestDatabase(15), { now });
  const both = [even, odd];
  const catalog = copyCatalog([even.storage.catalog, odd.storage.catalog]);
  return {
    storage: routeByShard([even.storage, odd.storage], catalog),
    empty: async () => void (await Promise.all(both.map((half) => half.empty()))),
    close: async () => void (await Promise.all(both.map((half) => half.close()))),
  };
});

describe("PostgreSQL storage on two servers", () => {
  storageSuite(createOpenStorage((now) => stores.open(now)));
  afterAll(() => stores.close());
});
