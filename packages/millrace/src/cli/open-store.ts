// Opens the store that is configured: a file in the data folder, or a database, for which a node that starts waits a
// while, since the two are often started together.
import type { EngineOptions, Log } from "@millrace/engine";
import { createPostgresStorage, type PostgresProfile } from "@millrace/engine/postgres";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { MillraceError } from "@millrace/protocol";
import { storeFile } from "./data-folder.ts";
import { isDatabaseProfile } from "./database-url.ts";
import type { Settings } from "./settings.ts";
import { waitForDatabase } from "./wait-for-database.ts";

/** Where the store is if it is not in the data folder. */
export interface DatabaseSettings {
  readonly url: string;
  /** Of a copy that may be behind; null: there is none. */
  readonly readUrl: string | null;
  /** Default: what the server says it is. */
  readonly profile?: PostgresProfile;
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

/** @returns null: the store is in the data folder */
export function readDatabaseSettings(settings: Settings): DatabaseSettings | null {
  const [url, readUrl] = [settings.get("database"), settings.get("databaseRead")];
  const profile = settings.get("databaseProfile");
  if (url !== null) {
    const stated = profile !== null && isDatabaseProfile(profile) ? { profile } : {};
    return { url, readUrl, ...stated };
  }
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
    : waitForDatabase(() => open(database), { ...options, url: database.url });
}

async function open({ url, readUrl, profile }: DatabaseSettings): Promise<Store> {
  const storage = await createPostgresStorage({
    url,
    ...(readUrl === null ? {} : { readUrl }),
    ...(profile === undefined ? {} : { profile }),
  });
  try {
    await storage.migrate();
    return storage;
  } catch (error) {
    await storage.close();
    throw error;
  }
}
