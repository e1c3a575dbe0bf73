import { afterAll, describe, expect, test } from "vitest";
import { keepStores } from "../../testkit/postgres-stores/keep-stores.ts";
import { openKeptStore } from "../../testkit/postgres-stores/open-kept-store.ts";
import { startProxy, type Proxy } from "../../testkit/postgres/proxy/start-proxy.ts";
import { createTestDatabase, sharedPostgres } from "../../testkit/postgres/shared-postgres.ts";
import { createOpenStorage, storageSuite } from "../suite/index.ts";

describe("PostgreSQL storage behind a pooler in transaction mode (fault 22)", () => {
  const proxies: Proxy[] = [];
  const stores = keepStores(async (now) => {
    const proxy = await startProxy(await sharedPostgres(), {
      pooling: "transaction",
      serverConnectionCount: 2,
    });
    proxies.push(proxy);
    const database = await createTestDatabase();
    return openKeptStore(database, { now, url: proxy.urlOf(database.url) });
  });
  storageSuite(createOpenStorage((now) => stores.open(now)));

  // After the suite, which is what sends the statements.
  test("listens to nothing, and leaves nothing behind in a session", () => {
    const texts = proxies.flatMap(({ statements }) => [...statements.keys()]);
    expect(texts.length).toBeGreaterThan(20);
    expect(
      texts.filter((text) => /^(un)?listen|pg_notify|^set|^prepare|advisory|temp /i.test(text)),
    ).toEqual([]);
  });

  afterAll(async () => {
    await stores.close();
    await Promise.all(proxies.map((proxy) => proxy[Symbol.asyncDispose]()));
  });
});
