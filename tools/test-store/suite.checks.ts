import { afterAll, describe } from "vitest";
import { createOpenStorage, storageSuite } from "../../packages/engine/src/storage/suite/index.ts";
import { keepStores } from "../../packages/engine/src/testkit/postgres-stores/keep-stores.ts";
import { openKeptStore } from "../../packages/engine/src/testkit/postgres-stores/open-kept-store.ts";
import { makeDatabase, toProfile } from "./given-server.ts";

describe("storage suite", () => {
  const stores = keepStores(async (now) => {
    const url = await makeDatabase();
    const drop = (): Promise<void> => Promise.resolve();
    return openKeptStore(
      { name: url, url, drop, [Symbol.asyncDispose]: drop },
      { now, ...toProfile() },
    );
  });
  storageSuite(createOpenStorage((now) => stores.open(now)));
  afterAll(() => stores.close());
});
