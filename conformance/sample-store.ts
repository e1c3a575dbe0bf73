// The store that the samples run on: the one that `npm run conformance -- --store` names, SQLite by default.
import type { EngineOptions } from "@millrace/engine";
import { createPostgresStorage } from "@millrace/engine/postgres";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import {
  copyCatalog,
  routeByShard,
} from "../packages/engine/src/testkit/two-servers/route-by-shard.ts";
import { takeDatabase, type SampleDatabase } from "./sample-database.ts";

export const SAMPLE_STORES = ["sqlite", "postgres", "cluster", "two-servers"] as const;
export type SampleStore = (typeof SAMPLE_STORES)[number];

/** Names the store of this process. */
export const SAMPLE_STORE = "MILLRACE_CONFORMANCE_STORE";

/** Of a cluster: what one of them is told is asked of the next one. */
const CLUSTER_NODE_COUNT = 3;

/** Where all nodes of one sample keep what they know. */
export interface SampleStorage {
  readonly nodeCount: number;
  /** Of a database that other processes can reach, too. */
  readonly url: string | null;
  /** For one node. */
  open(): Promise<EngineOptions["storage"]>;
  /** When all nodes have closed theirs. */
  remove(): Promise<void>;
}

/** Of stores that are opened again by the path that they would have. */
const kept = new Map<string, Databases>();

/** @param path of a file that outlives its node; by default all is gone with it */
export async function openSampleStorage(path?: string): Promise<SampleStorage> {
  const store = readSampleStore();
  if (store === "sqlite") return toSqlite(path);
  const databases = (path === undefined ? undefined : kept.get(path)) ?? (await takeAll(store));
  if (path !== undefined) kept.set(path, databases);
  const [first, second] = databases;
  const remove = async (): Promise<void> => {
    if (path !== undefined) kept.delete(path);
    for (const database of databases) await database.giveBack();
  };
  if (second !== undefined) {
    return { nodeCount: 1, url: null, open: () => openTwoServers(first, second), remove };
  }
  const { url } = first;
  const nodeCount = store === "cluster" ? CLUSTER_NODE_COUNT : 1;
  return { nodeCount, url, open: () => createPostgresStorage({ url }), remove };
}

export function readSampleStore(): SampleStore {
  const given = process.env[SAMPLE_STORE] ?? "sqlite";
  const store = SAMPLE_STORES.find((it) => it === given);
  if (store === undefined) throw new Error(`${SAMPLE_STORE} is ${given}`);
  return store;
}

function toSqlite(path: string | undefined): SampleStorage {
  return {
    nodeCount: 1,
    url: null,
    open: () => createSqliteStorage(path === undefined ? { memory: true } : { path }),
    remove: () => Promise.resolve(),
  };
}

type Databases = readonly [first: SampleDatabase, ...more: SampleDatabase[]];

async function takeAll(store: SampleStore): Promise<Databases> {
  // Two servers in earnest: one of each major.
  return store === "two-servers"
    ? [await takeDatabase(18), await takeDatabase(15)]
    : [await takeDatabase(18)];
}

async function openTwoServers(
  first: SampleDatabase,
  second: SampleDatabase,
): Promise<EngineOptions["storage"]> {
  const one = await createPostgresStorage({ url: first.url });
  const two = await createPostgresStorage({ url: second.url });
  return routeByShard([one, two], copyCatalog([one.catalog, two.catalog]));
}
