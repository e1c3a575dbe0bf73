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
import { MillraceError } from "@millrace/protocol";
import { isStartupRefused, leavesSessionSound, toStorageError } from "./errors.ts";
import { Flight, Prepared, type Rows } from "./flight.ts";
import type { Leases } from "./leases.ts";
import {
  PROFILES,
  toSettings,
  toStartupOptions,
  type PostgresProfile,
  type Profile,
} from "./profiles/profile.ts";
import {
  askIntroduction,
  decideProfile,
  recognize,
  type Recognized,
} from "./profiles/recognize.ts";
import { bind, statement, type Bound } from "./statement.ts";
import { createTimelineWatch } from "./timeline.ts";

export interface DatabaseOptions {
  readonly url: string;
  /** Default: what the server is. */
  readonly profile?: PostgresProfile;
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
  readonly profile: Profile;
  /** What it is itself, whatever the profile. */
  readonly server: Recognized;
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

/** @throws {MillraceError} storage.unavailable, storage.unusable */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  const { config, isPooled, profile, server } = await probe(options);
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
    profile,
    server,
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
  readonly profile: Profile;
  readonly server: Recognized;
}

/** Looks who answers at the URL. @throws {MillraceError} */
async function probe({ url, profile: stated }: DatabaseOptions): Promise<Probed> {
  const plain: ClientConfig = {
    connectionString: url,
    connectionTimeoutMillis: CONNECT_WITHIN_MS,
    keepAlive: true,
    application_name: "millrace",
  };
  try {
    const { server, isForwarded } = await withConnection(plain, meet);
    if (server.tooOld !== null) {
      const message = `The database is ${server.text}. ${server.tooOld}`;
      throw new MillraceError("storage.unusable", message);
    }
    const profile = PROFILES[decideProfile(server, stated ?? null)];
    const isPooled = profile.findsPooler && isForwarded;
    const options = toStartupOptions(toSettings(profile, server.kind));
    const config = await choose({ ...plain, options }, plain);
    return { config, isPooled, profile, server };
  } catch (error) {
    throw toStorageError(error, "open");
  }
}

interface Meeting {
  readonly server: Recognized;
  /** The process that works for us is another than the one that has let us in. */
  readonly isForwarded: boolean;
}

async function meet(client: Client): Promise<Meeting> {
  const server = recognize(await askIntroduction(client));
  const { rows } = await client.query({ text: "select pg_backend_pid()", rowMode: "array" });
  // A pooler hands out process numbers of its own.
  const own: unknown = "processID" in client ? client.processID : undefined;
  return { server, isForwarded: rows[0]?.[0] !== own };
}

/** A pooler that refuses settings leaves them to the database. */
async function choose(wanted: ClientConfig, plain: ClientConfig): Promise<ClientConfig> {
  try {
    return await withConnection(wanted, () => Promise.resolve(wanted));
  } catch (error) {
    if (isStartupRefused(error)) return plain;
    throw error;
  }
}

async function withConnection<T>(
  config: ClientConfig,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client(config);
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
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
