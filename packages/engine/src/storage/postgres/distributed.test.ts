import { afterAll, describe, expect, test } from "vitest";
import {
  openDistributedDatabase,
  type DistributedOptions,
} from "../../testkit/distributed/open-distributed-database.ts";
import {
  openDistributedStore,
  type DistributedStore,
} from "../../testkit/distributed/open-distributed-store.ts";
import { runStatements } from "../../testkit/postgres/admin.ts";
import { keepStores } from "../../testkit/postgres-stores/keep-stores.ts";
import { createOpenStorage, storageSuite } from "../suite/index.ts";
import { toCockroach } from "./profiles/dialects.ts";

/**
 * The schema of `cockroach` is made in its own dialect, which PostgreSQL understands. That of `yugabyte` is not: `hash`
 * is an error here, see `dialects.test.ts`.
 */
const STORES: readonly DistributedOptions[] = [
  { profile: "citus" },
  { profile: "yugabyte" },
  { profile: "cockroach", dialect: toCockroach },
];

describe.each(STORES)("PostgreSQL storage on a distributed database, as $profile", (options) => {
  const opened: DistributedStore[] = [];
  const stores = keepStores(async (now) => {
    const store = await openDistributedStore(now, options);
    opened.push(store);
    return store;
  });
  storageSuite(createOpenStorage((now) => stores.open(now)));

  // After the suite, which is what meets the faults.
  test("has met conflicts and cuts, and asked for no lock and no notice", () => {
    const [{ distributed } = { distributed: null }] = opened;
    expect(distributed?.failedCommitCount).toBeGreaterThan(20);
    expect(distributed?.cutCommitCount).toBeGreaterThan(5);
    const texts = distributed?.texts ?? [];
    expect(texts.length).toBeGreaterThan(20);
    expect(texts.filter((text) => /^(un)?listen|pg_notify|advisory/i.test(text))).toEqual([]);
  });

  afterAll(() => stores.close());
});

describe("the distributed database of these tests", () => {
  test.each([
    ["select pg_advisory_lock(1)", "permission denied for function pg_advisory_lock"],
    ["select pg_try_advisory_xact_lock(1)", "permission denied"],
    ["select pg_notify('millrace', '')", "permission denied"],
    ["create table millrace.planted (id integer)", "permission denied"],
  ])("refuses %s", async (text, answer) => {
    const distributed = await openDistributedDatabase();
    try {
      const [row] = await runStatements(distributed.url, "show default_transaction_isolation");
      expect(row).toEqual({ default_transaction_isolation: "serializable" });
      await expect(runStatements(distributed.url, text)).rejects.toThrow(answer);
    } finally {
      await distributed.close();
    }
  });
});
