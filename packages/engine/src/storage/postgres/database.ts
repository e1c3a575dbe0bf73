// The connections of one store. What moves runs has its own, so that readers, however many, cannot starve it: one for
// commits a lane, one for claims, some for reads; the heartbeat's is in `session.ts`.
import {
  Client,
  Pool,
  type ClientBase,
  type ClientConfig,
  type PoolClient,
  type PoolConfig,
} from "pg";
import { isStartupRefused, leavesSessionSound, toStorageError } from "./errors.ts";
import { Flight, Prepared, type Rows } from "./flight.ts";
import type { Leases } from "./leases.ts";
import { bind, statement, type Bound } from "./statement.ts";
import { createTimelineWatch } from "./timeline.ts";

export interface DatabaseOptions {
  readonly url: string;
  /** Most connections for reads and for the catalog. Default 4. */
  readonly readers?: number;
  /** Default 1. */
  readonly lanes?: number;
  /** Of a copy that may be behind, for lists and counts. */
  readonly readUrl?: string;
  /** For tests: hears each statement that is sent. */
  readonly onStatement?: (text: string) => void;
  /** For tests: what it gives is the answer to the next commit, of a flight or a transaction, which is not sent then. */
  readonly failCommit?: () => Error | undefined;
}

/** Which connection a call goes by. */
export type Purpose = "commit" | "claim" | "read" | "list";

export interface Database {
  /** True: a pooler is in between that gives each transaction another session; nothing can be listened to. */
  readonly isPooled: boolean;
  /** What its nodes were told. */
  readonly leases: Leases;
  /** How its connections are opened. */
  readonly config: ClientConfig;
  /** One transaction, one round trip. @throws what `pg` throws */
  fly(purpose: Purpose, statements: readonly Bound[]): Promise<readonly Rows[]>;
  /** Statements that depend on each other, in one transaction. @throws what `body` or `pg` throws */
  transact<T>(purpose: Purpose, body: (fly: Fly) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export type Fly = (...statements: readonly Bound[]) => Promise<readonly Rows[]>;

/** An answer that does not come is a connection that is gone. */
const ANSWER_WITHIN_MS = 30_000;
const CONNECT_WITHIN_MS = 5_000;
const DEFAULT_READERS = 4;

/**
 * What the statements rely on. Batches come as arrays, whose length the planner cannot know, and tables grow faster
 * than their statistics: rows are always found by an index, by a plan that is made once. A session that stops inside
 * of a transaction frees its locks. What takes long is not ended, whatever the user's own limit is: it would be sent
 * again, and take as long.
 */
const SETTINGS =
  "-c jit=off -c plan_cache_mode=force_generic_plan -c enable_seqscan=off " +
  "-c enable_bitmapscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c idle_in_transaction_session_timeout=5000 -c statement_timeout=0 -c client_min_messages=warning";

/** @throws {MillraceError} storage.unavailable, storage.unusable */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { config, isPooled } = await probe(options.url);
  const leases: Leases = new Map();
  const pools = createPools(options, config, createTimelineWatch(leases));
  const sessions = new WeakMap<PoolClient, Session>();
  const use = async <T>(
    purpose: Purpose,
    body: (fly: Fly, session: Session) => Promise<T>,
  ): Promise<T> => {
    const client = await pools[purpose].connect();
    const session = sessions.get(client) ?? new Session(client, isPooled, options.onStatement);
    sessions.set(client, session);
    try {
      return await body((...statements) => session.fly(statements), session);
    } finally {
      client.release(session.isSpoiled);
    }
  };
  return {
    isPooled,
    leases,
    config,
    fly: (purpose, statements) =>
      use(purpose, (fly) => {
        refuseCommit(options);
        return fly(...statements);
      }),
    transact: (purpose, body) =>
      use(purpose, async (fly, session) => {
        await fly(BEGIN);
        try {
          const result = await body(fly);
          refuseCommit(options);
          await fly(COMMIT);
          return result;
        } catch (error) {
          // A session that is spoiled, or by this, is ended, and its transaction with it.
          if (!session.isSpoiled) await fly(ROLLBACK).catch(() => undefined);
          throw error;
        }
      }),
    close: async () => {
      await Promise.all([...new Set(Object.values(pools))].map((pool) => pool.end()));
    },
  };
}

function refuseCommit({ failCommit }: DatabaseOptions): void {
  const failure = failCommit?.();
  if (failure !== undefined) throw failure;
}

const BEGIN: Bound = bind(statement("begin", "begin"));
const COMMIT: Bound = bind(statement("commit", "commit"));
const ROLLBACK: Bound = bind(statement("rollback", "rollback"));

/** What we know of one connection. */
class Session {
  readonly #client: Client | PoolClient;
  readonly #prepared: Prepared;
  readonly #onStatement: ((text: string) => void) | undefined;
  /** Nobody knows what is prepared on it, or whether it still answers. */
  isSpoiled = false;

  constructor(client: PoolClient, isPooled: boolean, onStatement?: (text: string) => void) {
    this.#client = client;
    this.#prepared = new Prepared(!isPooled);
    this.#onStatement = onStatement;
  }

  fly(statements: readonly Bound[]): Promise<readonly Rows[]> {
    for (const { statement } of statements) this.#onStatement?.(statement.text);
    return new Promise((resolve, reject) => {
      const done = (error: Error | null, results: readonly Rows[]): void => {
        clearTimeout(alarm);
        if (error === null) resolve(results);
        else {
          this.isSpoiled ||= flight.preparesAnew || !leavesSessionSound(error);
          reject(error);
        }
      };
      const flight = new Flight(statements, this.#prepared, done);
      const alarm = setTimeout(() => {
        done(new Error(`the database gave no answer within ${ANSWER_WITHIN_MS} ms`), []);
      }, ANSWER_WITHIN_MS);
      this.#client.query(flight);
    });
  }
}

interface Probed {
  readonly config: ClientConfig;
  readonly isPooled: boolean;
}

/** Looks who answers at the URL. @throws {MillraceError} */
async function probe(url: string): Promise<Probed> {
  const plain: ClientConfig = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    keepAlive: true,
    application_name: "millrace",
  };
  try {
    return await probeWith({ ...plain, options: SETTINGS });
  } catch (error) {
    if (!isStartupRefused(error)) throw toStorageError(error, "open");
  }
  try {
    return await probeWith(plain);
  } catch (error) {
    throw toStorageError(error, "open");
  }
}

async function probeWith(config: ClientConfig): Promise<Probed> {
  const client = new Client(config);
  client.on("error", () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query({ text: "select pg_backend_pid()", rowMode: "array" });
    // A pooler hands out process numbers of its own.
    const own: unknown = "processID" in client ? client.processID : undefined;
    return { config, isPooled: rows[0]?.[0] !== own };
  } finally {
    await client.end().catch(() => undefined);
  }
}

function createPools(
  { readUrl, readers = DEFAULT_READERS, lanes = 1 }: DatabaseOptions,
  config: ClientConfig,
  watchTimeline: (client: ClientBase) => Promise<void>,
): Readonly<Record<Purpose, Pool>> {
  const open = (max: number, more: PoolConfig = {}): Pool => {
    const pool = new Pool({ ...config, max, idleTimeoutMillis: 0, ...more });
    // A connection that ends is replaced when it is needed; whoever uses it hears of it by its answer.
    pool.on("error", () => undefined);
    pool.on("connect", (client) => client.on("error", () => undefined));
    return pool;
  };
  const read = open(readers);
  // The pool waits for it, which its types do not say.
  // oxlint-disable-next-line typescript/no-misused-promises
  const watched: PoolConfig = { onConnect: watchTimeline };
  return {
    commit: open(lanes, watched),
    claim: open(1, watched),
    read,
    list: readUrl === undefined ? read : open(2, { connectionString: readUrl }),
  };
}
