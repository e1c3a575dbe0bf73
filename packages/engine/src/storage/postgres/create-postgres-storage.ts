// The store of a cluster: any number of nodes on one PostgreSQL database. A node's writes go by one connection, its
// claims and reads by others, its heartbeat by its own.
import type { NodeId, Timestamp } from "@millrace/protocol";
import { DEFAULT_LEASE_MS } from "../lease.ts";
import type { Storage } from "../storage.ts";
import { commit } from "./commit.ts";
import { encodeArray } from "./arrays.ts";
import { openDatabase, type Database, type DatabaseOptions } from "./database.ts";
import { toStorageError } from "./errors.ts";
import { findDue } from "./find-due.ts";
import { createAsNode } from "./leases.ts";
import { migrate } from "./migrate.ts";
import { createPostgresCatalog } from "./postgres-catalog.ts";
import { PROFILES } from "./profiles/profile.ts";
import { readStore } from "./reads.ts";
import { reap } from "./reap.ts";
import { openSession } from "./session.ts";
import { bind, statement } from "./statement.ts";
import { createPostgresKeyWindows } from "./take-quota.ts";
import { takeRuns } from "./take-runs.ts";

export interface PostgresStorageOptions extends DatabaseOptions {
  /** Epoch ms. Default: the database's clock. For tests. */
  readonly now?: () => number;
  /** Default `DEFAULT_LEASE_MS`. */
  readonly leaseMs?: number;
  /** How long the event loop may be busy before its node counts as dead, in ms. Default 60,000. */
  readonly silentMs?: number;
  /**
   * Default: the profile's. False, for a database that has no `LISTEN`: nodes tell each other nothing, and find all by
   * looking, once a second.
   */
  readonly listens?: boolean;
}

const DEFAULT_SILENT_MS = 60_000;

/** @throws {MillraceError} storage.unavailable, storage.unusable */
export async function createPostgresStorage(options: PostgresStorageOptions): Promise<Storage> {
  const { leaseMs = DEFAULT_LEASE_MS, silentMs = DEFAULT_SILENT_MS } = options;
  const database = await openDatabase(options);
  const { config } = database;
  const isPooled = database.isPooled || !(options.listens ?? database.profile.listens);
  const session = openSession({ config, isPooled, leaseMs, silentMs });
  const now = (): number | null => (options.now === undefined ? null : Math.trunc(options.now()));
  const nextPlace = createCounter();
  const listeners = new Set<() => void>();
  const wake = (): void => listeners.forEach((listener) => listener());
  const told = (node: NodeId, at: Timestamp): Timestamp => {
    database.leases.set(node, at + leaseMs);
    return at;
  };
  const asNode = createAsNode(database, leaseMs, (node) => {
    session.forget(node);
    void leave(database, [node]);
  });
  return {
    lanes: 1,
    leaseMs,
    hints: session.hints,
    catalog: createPostgresCatalog(database, now),
    keyWindows: createPostgresKeyWindows(database, now),
    // In the server's own dialect, so that a profile can be tried on PostgreSQL.
    migrate: () => migrate(config, { dialect: PROFILES[database.server.kind].dialect }),
    join: (node) => session.join(node, now()).then((at) => told(node.id, at)),
    beat: (node) =>
      asNode(node, async () => {
        const pulse = await session.beat(node, now());
        told(node, pulse.now);
        return pulse;
      }),
    reap: (request = { auditMs: null }) =>
      guard(() => reap(database, request, { now: now(), wake })),
    commit: async (_lane, node, units) => {
      const committed = await asNode(node, () =>
        guard(() => commit(database, { node, now: now(), nextPlace, units })),
      );
      if (committed.wakes) wake();
      for (const { owner, run } of committed.told)
        session.hints.tell(owner, { kind: "inbox", run });
      return committed.outcomes;
    },
    findDue: (shards, limit) => guard(() => findDue(database, shards, limit, now())),
    take: (node: NodeId, due) =>
      due.length === 0
        ? Promise.resolve([])
        : asNode(node, () => guard(() => takeRuns(database, node, due, now()))),
    // `readStore` answers each kind of query with its kind of answer, which its own type cannot say.
    read: (async (query) => guard(() => readStore(database, query, now()))) as Storage["read"],
    onWake: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: once(async () => {
      if (options.now === undefined) await leave(database, [...database.leases.keys()]);
      await session.close();
      await database.close();
    }),
  };
}

function createCounter(): () => number {
  let count = 0;
  return () => (count += 1);
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

const LEAVE = statement("leave", "delete from millrace.nodes where id = any($1::text[])");

/** Others need not wait for the end of the lease. Where it fails, they do. */
async function leave(database: Database, nodes: readonly string[]): Promise<void> {
  await database.fly("claim", [bind(LEAVE, encodeArray("text", nodes))]).catch(() => undefined);
}

async function guard<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw toStorageError(error);
  }
}
