// A plain PostgreSQL that behaves as a distributed database does: transactions are serializable and fail by chance,
// connections are cut after they have committed, and there are no advisory locks and no notices.
import {
  createPostgresStorage,
  type PostgresStorageOptions,
} from "../../storage/postgres/create-postgres-storage.ts";
import { migrate } from "../../storage/postgres/migrate.ts";
import type { Dialect } from "../../storage/postgres/profiles/dialects.ts";
import type { PostgresProfile } from "../../storage/postgres/profiles/profile.ts";
import type { Storage } from "../../storage/storage.ts";
import { withClient } from "../postgres/admin.ts";
import { startProxy, type Proxy } from "../postgres/proxy/start-proxy.ts";
import { createTestDatabase, sharedPostgres } from "../postgres/shared-postgres.ts";
import type { TestDatabase } from "../postgres/start-postgres.ts";
import { createSerializationFailures } from "./serialization-failures.ts";

/** Of the commits: the connection is cut, and nobody hears of them. */
const CUT_SHARE = 0.01;
/** Of the commits: they fail. */
const FAILED_SHARE = 0.05;

export interface DistributedDatabase {
  /** As its owner, directly, and without faults. */
  readonly database: TestDatabase;
  /** As a store is to reach it. */
  readonly url: string;
  readonly cutCommitCount: number;
  readonly failedCommitCount: number;
  /** All that was sent by way of `url`. */
  readonly texts: readonly string[];
  /** One node's store; a node that is told that nobody knows sends again. */
  openStorage(options?: Pick<PostgresStorageOptions, "now" | "leaseMs">): Promise<Storage>;
  /** Without faults meanwhile. */
  spare<T>(this: void, work: () => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export interface DistributedOptions {
  /** Of the faults. Default 1. */
  readonly seed?: number;
  /** Of its stores. Default: what the server is. */
  readonly profile?: PostgresProfile;
  /** In which its schema was made. Default null: PostgreSQL's. */
  readonly dialect?: Dialect | null;
}

/** Migrated, and empty. Nothing fails before `spare` was used or a store was opened. */
export async function openDistributedDatabase({
  seed = 1,
  profile,
  dialect = null,
}: DistributedOptions = {}): Promise<DistributedDatabase> {
  const database = await createTestDatabase();
  await migrate({ connectionString: database.url }, { dialect });
  const role = await createRole(database);
  const proxy = await startProxy(await sharedPostgres(), { seed });
  const failures = createSerializationFailures(0, seed);
  const setFaults = (areOn: boolean): void => {
    proxy.setFaults({ cutAfterCommit: areOn ? CUT_SHARE : 0 });
    failures.share = areOn ? FAILED_SHARE : 0;
  };
  let sparedCount = 0;
  const spare = async <T>(work: () => Promise<T>): Promise<T> => {
    sparedCount += 1;
    setFaults(false);
    try {
      return await work();
    } finally {
      sparedCount -= 1;
      setFaults(sparedCount === 0);
    }
  };
  const url = toUrl(proxy, database, role);
  return {
    database,
    url,
    get cutCommitCount() {
      return proxy.cutCommitCount;
    },
    get failedCommitCount() {
      return failures.count;
    },
    get texts() {
      return [...proxy.statements.keys()];
    },
    openStorage: (options = {}) =>
      spare(() =>
        createPostgresStorage({
          ...options,
          url,
          ...(profile === undefined ? {} : { profile }),
          // These must know by themselves that their databases have no notices.
          ...(profile === "yugabyte" || profile === "cockroach" ? {} : { listens: false }),
          failCommit: failures.next,
        }),
      ),
    spare,
    close: async () => {
      await proxy[Symbol.asyncDispose]();
      await database.drop();
      await withClient((await sharedPostgres()).url, (client) => client.query(`drop role ${role}`));
    },
  };
}

function toUrl(proxy: Proxy, database: TestDatabase, role: string): string {
  const url = new URL(proxy.urlOf(database.url));
  url.username = role;
  return url.href;
}

/** @returns who may read and write, and nothing else. Roles are the server's, so it is named for its database */
async function createRole({ name, url }: TestDatabase): Promise<string> {
  const role = name.replace("test_", "role_");
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ name: string }>(
      "select oid::regprocedure::text as name from pg_proc where proname ~ '^pg_(try_)?advisory|^pg_notify$'",
    );
    const texts = [
      `create role ${role} login`,
      `alter role ${role} set default_transaction_isolation to 'serializable'`,
      `grant usage on schema millrace to ${role}`,
      `grant select, insert, update, delete on all tables in schema millrace to ${role}`,
      ...rows.map((denied) => `revoke execute on function ${denied.name} from public`),
    ];
    await client.query(texts.join("; "));
  });
  return role;
}
