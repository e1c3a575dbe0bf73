// Opens the store that is configured: a file in the data folder, or a database, for which a node that starts waits a
// while, since the two are often started together.
import type { EngineOptions, Log } from "@millrace/engine";
import {
  createPostgresStorage,
  describePostgresUrl,
  examinePostgres,
  OLDEST_POSTGRES,
  type PostgresAddress,
} from "@millrace/engine/postgres";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { MillraceError } from "@millrace/protocol";
import { setTimeout as delay } from "node:timers/promises";
import { storeFile } from "./data-folder.ts";
import { explainDatabase, isPassing, whyOf } from "./explain-database.ts";
import type { Settings } from "./settings.ts";

/** Where the store is if it is not in the data folder. */
export interface DatabaseSettings {
  readonly url: string;
  /** Of a copy that may be behind; null: there is none. */
  readonly readUrl: string | null;
}

export type Store = EngineOptions["storage"];

export interface OpenStoreOptions {
  readonly data: string;
  /** null: the store is in the data folder. */
  readonly database: DatabaseSettings | null;
  readonly log: Log;
  /** How long a database may be away at the start. Default 30,000. */
  readonly patienceMs?: number;
  /** Ends the wait. */
  readonly signal?: AbortSignal;
}

const DEFAULT_PATIENCE_MS = 30_000;
const LOOK_AGAIN_MS = 500;

/** @returns null: the store is in the data folder */
export function readDatabaseSettings(settings: Settings): DatabaseSettings | null {
  const [url, readUrl] = [settings.get("database"), settings.get("databaseRead")];
  if (url !== null) return { url, readUrl };
  if (readUrl === null) return null;
  const message =
    "MILLRACE_DATABASE_READ_URL names a copy of a database, and MILLRACE_DATABASE_URL names none. Set both.";
  throw new MillraceError("option.invalid", message);
}

/** @throws {MillraceError} storage.…, with a sentence for whoever started it; the signal's reason */
export async function openStore(options: OpenStoreOptions): Promise<Store> {
  const { data, database } = options;
  return database === null
    ? createSqliteStorage({ path: storeFile(data) })
    : openDatabase(database, options);
}

async function openDatabase(database: DatabaseSettings, options: OpenStoreOptions): Promise<Store> {
  const { log, patienceMs = DEFAULT_PATIENCE_MS, signal } = options;
  const address = describePostgresUrl(database.url);
  const until = performance.now() + patienceMs;
  for (let tries = 1; ; tries++) {
    try {
      return await open(database, address);
    } catch (error) {
      if (!isPassing(error) || performance.now() >= until) throw explainDatabase(error, address);
      if (tries === 1) {
        const seconds = Math.round(patienceMs / 1000);
        const fields = { database: address.shown };
        log.warn(
          fields,
          `waits up to ${seconds} s for the database ${address.shown} (${whyOf(error)})`,
        );
      }
    }
    await delay(LOOK_AGAIN_MS, undefined, { signal });
  }
}

async function open({ url, readUrl }: DatabaseSettings, address: PostgresAddress): Promise<Store> {
  const { version, versionText } = await examinePostgres(url);
  if (version < OLDEST_POSTGRES) {
    const message = `The database ${address.shown} is PostgreSQL ${versionText}; Millrace needs ${OLDEST_POSTGRES / 10_000} or later.`;
    throw new MillraceError("storage.unusable", message);
  }
  const storage = await createPostgresStorage({ url, ...(readUrl === null ? {} : { readUrl }) });
  try {
    await storage.migrate();
    return storage;
  } catch (error) {
    await storage.close();
    throw error;
  }
}
