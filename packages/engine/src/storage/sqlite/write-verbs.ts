// What the writer's thread does, as plain functions over one connection: each is one transaction,
// and each answers with what crosses the thread border cheaply. `now` null: this machine's clock.
import { acquireOwnerLock, type OwnerLock } from "./owner-lock.ts";
import { prepareApplyUnits, type Applied } from "./apply-units.ts";
import type { Row } from "../rows/cells.ts";
import { prepareCheckNode } from "./check-node.ts";
import { assertSqliteVersion, openDatabase, readSqliteVersion, type Database } from "./database.ts";
import { prepareDeleteRecord, type RecordVersion } from "./delete-record.ts";
import { toFault } from "./errors.ts";
import { prepareJoinNode, type JoiningNode } from "./join-node.ts";
import type { Reaped, ReapRequest } from "../storage.ts";
import { migrate } from "./migrate.ts";
import { Conflict, preparePutRecords, type PutCells } from "./put-records.ts";
import { prepareLookAround, type PulseCells } from "./look-around.ts";
import { prepareReap } from "./reap.ts";
import { prepareRenewLease } from "./renew-lease.ts";
import { prepareTakeRuns, type HeldCells, type TakeRequest } from "./take-runs.ts";
import { prepareTransaction } from "./transaction.ts";
import { prepareWriteAudit } from "./write-audit.ts";

export interface WriterOptions {
  /** null: in memory. */
  readonly path: string | null;
  readonly synchronous: "FULL" | "NORMAL";
  readonly leaseMs: number;
}

export interface WriteVerbs {
  migrate(now: number | null): void;
  join(node: JoiningNode, now: number | null): number;
  /** @param priorities all classes */
  beat(node: string, priorities: readonly number[], now: number | null): PulseCells;
  reap(request: ReapRequest, now: number | null): Reaped;
  commit(node: string, units: Row, now: number | null): Applied;
  take(request: Omit<TakeRequest, "now">, now: number | null): readonly HeldCells[];
  putRecords(puts: readonly PutCells[], audit: Row | null, now: number | null): PutOutcome;
  deleteRecord(record: RecordVersion, audit: Row | null): boolean;
  close(): void;
}

export type PutOutcome =
  { readonly records: readonly Row[] } | { readonly conflict: Conflict["on"] };

/**
 * Pages in the WAL before they are copied into the database file: 16 MB, so hot pages are copied
 * more rarely than by SQLite's 1000, and a WAL is read back at once after a crash. Between 1000 and
 * 16000 the throughput was the same (measured 2026-11).
 */
const AUTOCHECKPOINT_PAGES = 4000;
/** What the WAL is cut back to after a long read had let it grow. */
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;
const CACHE_KIB = 64 * 1024;

export interface Writer {
  readonly database: Database;
  readonly verbs: WriteVerbs;
}

/** @throws {Fault} storage.locked, storage.unusable, storage.unavailable */
export function openWriter({ path, synchronous, leaseMs }: WriterOptions): Writer {
  assertSqliteVersion(readSqliteVersion());
  const lock = path === null ? null : acquireOwnerLock(path);
  try {
    const database = openForWriting(path, synchronous);
    return { database, verbs: createWriteVerbs(database, leaseMs, lock) };
  } catch (error) {
    lock?.release();
    throw toFault(
      error,
      "open",
      path === null ? "the database in memory" : `the database file "${path}"`,
    );
  }
}

function openForWriting(path: string | null, synchronous: "FULL" | "NORMAL"): Database {
  const database = openDatabase(path ?? ":memory:");
  try {
    const mode = database.prepare("pragma journal_mode = wal").get()?.[0];
    if (path !== null && mode !== "wal")
      throw new Error(`its file system allows no WAL, only ${String(mode)}`);
    database.exec(`
      pragma synchronous = ${synchronous};
      pragma wal_autocheckpoint = ${AUTOCHECKPOINT_PAGES};
      pragma journal_size_limit = ${WAL_LIMIT_BYTES};
      pragma cache_size = -${CACHE_KIB};
      pragma temp_store = memory;
      pragma trusted_schema = off;`);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

export function createWriteVerbs(
  database: Database,
  leaseMs: number,
  lock: OwnerLock | null,
): WriteVerbs {
  let prepared: Omit<WriteVerbs, "migrate" | "close"> | undefined;
  const verbs = (): Omit<WriteVerbs, "migrate" | "close"> =>
    (prepared ??= prepareVerbs(database, leaseMs));
  return {
    migrate: (now) => {
      migrateStore(database, toNow(now));
    },
    join: (node, now) => verbs().join(node, now),
    beat: (node, priorities, now) => verbs().beat(node, priorities, now),
    reap: (request, now) => verbs().reap(request, now),
    commit: (node, units, now) => verbs().commit(node, units, now),
    take: (request, now) => verbs().take(request, now),
    putRecords: (puts, audit, now) => verbs().putRecords(puts, audit, now),
    deleteRecord: (record, audit) => verbs().deleteRecord(record, audit),
    close: () => {
      try {
        database.close();
      } finally {
        lock?.release();
      }
    },
  };
}

/**
 * The lock proves that all nodes of earlier processes are dead: the next `reap` frees their runs.
 */
function migrateStore(database: Database, now: number): void {
  try {
    migrate(database, now);
    database.exec("delete from nodes");
  } catch (error) {
    throw toFault(error, "open");
  }
}

function prepareVerbs(database: Database, leaseMs: number): Omit<WriteVerbs, "migrate" | "close"> {
  const transaction = prepareTransaction(database);
  const checkNode = prepareCheckNode(database);
  const joinNode = prepareJoinNode(database);
  const renewLease = prepareRenewLease(database);
  const lookAround = prepareLookAround(database);
  const reap = prepareReap(database);
  const applyUnits = prepareApplyUnits(database);
  const takeRuns = prepareTakeRuns(database);
  // The owner lock proves that this process is the only one, so the node it joined as is alive
  // however long its main thread was busy: a step that computes for ten seconds must not cost the
  // node its runs. A clock of one's own (tests with several nodes) keeps plain leases.
  let own: string | null = null;
  return {
    join: (node, now) => {
      const at = toNow(now);
      if (now === null) own = node.id;
      transaction("work", () => joinNode(node, at, at + leaseMs));
      return at;
    },
    beat: (node, priorities, now) =>
      transaction("work", () => {
        const at = toNow(now);
        checkNode(node);
        renewLease(node, at + leaseMs);
        return lookAround(node, priorities, at);
      }),
    reap: (request, now) =>
      transaction("work", () => {
        const at = toNow(now);
        if (now === null && own !== null) renewLease(own, at + leaseMs);
        return reap(request, at);
      }),
    commit: (node, units, now) =>
      transaction("unit", () => {
        checkNode(node);
        return applyUnits(node, toNow(now), units);
      }),
    take: (request, now) =>
      transaction("work", () => {
        checkNode(request.node);
        return takeRuns({ ...request, now: toNow(now) });
      }),
    putRecords: preparePutVerb(database),
    deleteRecord: prepareDeleteVerb(database),
  };
}

function preparePutVerb(database: Database): WriteVerbs["putRecords"] {
  const transaction = prepareTransaction(database);
  const putRecords = preparePutRecords(database);
  const writeAudit = prepareWriteAudit(database);
  return (puts, audit, now) => {
    try {
      return transaction("unit", () => {
        const records = putRecords(puts, toNow(now));
        if (audit !== null) writeAudit(audit);
        return { records };
      });
    } catch (error) {
      if (error instanceof Conflict) return { conflict: error.on };
      throw error;
    }
  };
}

function prepareDeleteVerb(database: Database): WriteVerbs["deleteRecord"] {
  const transaction = prepareTransaction(database);
  const deleteRecord = prepareDeleteRecord(database);
  const writeAudit = prepareWriteAudit(database);
  return (record, audit) =>
    transaction("work", () => {
      const wasThere = deleteRecord(record);
      if (wasThere && audit !== null) writeAudit(audit);
      return wasThere;
    });
}

const toNow = (now: number | null): number => now ?? Date.now();
