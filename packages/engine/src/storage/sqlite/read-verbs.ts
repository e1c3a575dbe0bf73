// What the reader's thread does, as plain functions over one connection that never writes.
import { backUpTo } from "./back-up.ts";
import type { Row } from "../rows/cells.ts";
import { openDatabase, type Database } from "./database.ts";
import { toFault } from "./errors.ts";
import { prepareFindDue, type DueCells, type DueRequest } from "./find-due.ts";
import { prepareGetRecord } from "./get-record.ts";
import { prepareListRecords, type RecordPage } from "./list-records.ts";
import { prepareListRuns, type RunListRequest, type RunListCells } from "./list-runs.ts";
import { prepareReadAwaitedFunctions, type AwaitedFunctions } from "./read-awaited-functions.ts";
import { prepareReadAwaitingFunction, type AwaitedFunction } from "./read-awaiting-function.ts";
import { prepareReadAwaiting, type AwaitedVersion } from "./read-awaiting.ts";
import { prepareReadAudit, type AuditCells, type AuditRequest } from "./read-audit.ts";
import { prepareReadCounts } from "./read-counts.ts";
import { prepareReadInbox } from "./read-inbox.ts";
import { prepareReadKey, type KeyName } from "./read-key.ts";
import { prepareReadNamed } from "./read-named.ts";
import { prepareReadOutbox } from "./read-outbox.ts";
import { prepareReadRun, type RunCells } from "./read-run.ts";
import { prepareReadWaiters, type WaiterPage } from "./read-waiters.ts";

/** A request that tells the time by `now`, where null is this machine's clock. */
type Timed<T> = Omit<T, "now"> & { readonly now: number | null };

export interface ReadVerbs {
  findDue(request: Timed<DueRequest>): DueCells;
  readRun(tenant: string, run: string): RunCells;
  listRuns(request: RunListRequest): RunListCells;
  readKey(name: KeyName, now: number | null): Row | null;
  readNamed(tenant: string, name: string): Row | null;
  readInbox(node: string, limit: number): Row;
  readOutbox(limit: number): Row;
  readAwaiting(asked: AwaitedVersion): Row;
  readAwaitingFunction(asked: AwaitedFunction): Row;
  readAwaitedFunctions(asked: AwaitedFunctions): Row;
  readWaiters(page: WaiterPage, now: number | null): Row;
  readCounts(now: number | null): Row;
  readAudit(request: AuditRequest): AuditCells;
  getRecord(tenant: string, kind: string, idOrSlug: string): Row | null;
  listRecords(page: RecordPage): Row;
  /** @returns the copy's size in bytes */
  backUp(to: string): number;
  close(): void;
}

const CACHE_KIB = 16 * 1024;

/** For a database file that its writer has open. @throws {Fault} storage.unusable */
export function openForReading(path: string): Database {
  try {
    const database = openDatabase(path, { readOnly: true });
    database.exec(`pragma cache_size = -${CACHE_KIB}; pragma temp_store = memory`);
    return database;
  } catch (error) {
    throw toFault(error, "open", `the database file "${path}"`);
  }
}

/** @param open called once, by the first verb: the schema is there by then */
export function createReadVerbs(open: () => Database): ReadVerbs {
  let database: Database | undefined;
  const opened = (): Database => (database ??= open());
  const lazy = <T>(prepare: (database: Database) => T): (() => T) => {
    let prepared: T | undefined;
    return () => (prepared ??= prepare(opened()));
  };
  const findDue = lazy(prepareFindDue);
  const readRun = lazy(prepareReadRun);
  const listRuns = lazy(prepareListRuns);
  const readKey = lazy(prepareReadKey);
  const readNamed = lazy(prepareReadNamed);
  const readInbox = lazy(prepareReadInbox);
  const readOutbox = lazy(prepareReadOutbox);
  const readAwaiting = lazy(prepareReadAwaiting);
  const readAwaitingFunction = lazy(prepareReadAwaitingFunction);
  const readAwaitedFunctions = lazy(prepareReadAwaitedFunctions);
  const readWaiters = lazy(prepareReadWaiters);
  const readCounts = lazy(prepareReadCounts);
  const readAudit = lazy(prepareReadAudit);
  const getRecord = lazy(prepareGetRecord);
  const listRecords = lazy(prepareListRecords);
  return {
    findDue: (request) => findDue()({ ...request, now: toNow(request.now) }),
    readRun: (tenant, run) => readRun()(tenant, run),
    listRuns: (request) => listRuns()(request),
    readKey: (name, now) => readKey()(name, toNow(now)),
    readNamed: (tenant, name) => readNamed()(tenant, name),
    readInbox: (node, limit) => readInbox()(node, limit),
    readOutbox: (limit) => readOutbox()(limit),
    readAwaiting: (asked) => readAwaiting()(asked),
    readAwaitingFunction: (asked) => readAwaitingFunction()(asked),
    readAwaitedFunctions: (asked) => readAwaitedFunctions()(asked),
    readWaiters: (page, now) => readWaiters()(page, toNow(now)),
    readCounts: (now) => readCounts()(toNow(now)),
    readAudit: (request) => readAudit()(request),
    getRecord: (tenant, kind, idOrSlug) => getRecord()(tenant, kind, idOrSlug),
    listRecords: (page) => listRecords()(page),
    backUp: (to) => backUpTo(opened(), to),
    close: () => database?.close(),
  };
}

const toNow = (now: number | null): number => now ?? Date.now();
