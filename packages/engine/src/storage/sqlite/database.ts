// The only file that knows `node:sqlite`, which is still a release candidate: a later Node may
// rename its class.
import { DatabaseSync } from "node:sqlite";
import type { Cell, Row } from "../rows/cells.ts";
import { Fault } from "./errors.ts";

export interface Statement {
  /** @returns `changes`: rows inserted, updated or deleted */
  run(...cells: readonly Cell[]): { readonly changes: number };
  get(...cells: readonly Cell[]): Row | undefined;
  all(...cells: readonly Cell[]): readonly Row[];
}

export interface Database {
  readonly isTransaction: boolean;
  exec(sql: string): void;
  prepare(sql: string): Statement;
  close(): void;
}

export interface OpenedDatabase extends Database {
  /** Row by row; it pins the log until its end. */
  iterate(sql: string, ...cells: readonly Cell[]): Iterable<Row>;
}

/** Below it SQLite can damage a WAL database that two connections use (fixed in 3.51.3). */
const OLDEST_SQLITE = [3, 51, 3] as const;

/**
 * How long a connection waits for another program's lock, as of a `sqlite3` shell, before it says
 * busy (ms).
 */
const BUSY_TIMEOUT_MS = 5000;

export interface OpenOptions {
  readonly readOnly?: boolean;
  /** Default `BUSY_TIMEOUT_MS`. */
  readonly busyTimeoutMs?: number;
}

/**
 * Rows come as arrays in the order of the selected columns; integers above 2^53 throw when they are
 * read.
 */
export function openDatabase(path: string, options: OpenOptions = {}): OpenedDatabase {
  const database = new DatabaseSync(path, {
    readOnly: options.readOnly ?? false,
    timeout: options.busyTimeoutMs ?? BUSY_TIMEOUT_MS,
    enableForeignKeyConstraints: false,
    allowExtension: false,
  });
  return {
    get isTransaction() {
      return database.isTransaction;
    },
    exec: (sql) => database.exec(sql),
    // The declarations know rows as objects only; with `returnArrays` they are arrays. Our columns
    // hold no blobs, and `setReadBigInts` stays off, so a cell is text, a number or null.
    prepare: (sql) => database.prepare(sql, { returnArrays: true }) as unknown as Statement,
    // As above.
    iterate: (sql, ...cells) =>
      database
        .prepare(sql, { returnArrays: true })
        .iterate(...cells) as Iterable<unknown> as Iterable<Row>,
    close: () => database.close(),
  };
}

/** The version of the SQLite in this Node. */
export function readSqliteVersion(): string {
  const database = openDatabase(":memory:");
  try {
    return String(database.prepare("select sqlite_version()").get()?.[0]);
  } finally {
    database.close();
  }
}

/** @throws {Fault} storage.unusable */
export function assertSqliteVersion(version: string): void {
  const parts = version.split(".").map(Number);
  for (const [i, oldest] of OLDEST_SQLITE.entries()) {
    const part = parts[i] ?? 0;
    if (part > oldest) return;
    if (part < oldest) {
      const message =
        `This Node carries SQLite ${version}, which can damage a database that two connections use. ` +
        `Millrace needs ${OLDEST_SQLITE.join(".")} or later: update Node.`;
      throw new Fault("storage.unusable", message);
    }
  }
}
