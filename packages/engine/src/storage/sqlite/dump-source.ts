// One moment of a store's file for a move: one read transaction, kept open until all has been read. It takes no lock
// that a writer would wait for; the log of a server that works meanwhile grows until the end.
import { existsSync } from "node:fs";
import { MillraceError } from "@millrace/protocol";
import type { Row } from "../rows/cells.ts";
import { BROKEN_IMPORT, IMPORTING_MARK, MARK_KIND } from "../store-marks.ts";
import type { DumpTable } from "../transfer/dump-tables.ts";
import type { StoreSource } from "../transfer/store-dump.ts";
import { openDatabase, type Database, type OpenedDatabase } from "./database.ts";
import { Fault, toFault } from "./errors.ts";
import { MIGRATIONS } from "./migrations/list.ts";
import { acquireOwnerLock } from "./owner-lock.ts";
import { guardDump } from "./guard-dump.ts";

const APPLIED = "select id, breaking from migrations order by id";
const IS_BROKEN = `select 1 from catalog where kind = '${MARK_KIND}' and id = '${IMPORTING_MARK}'`;
/** What a store says of itself stays with it. */
const MOVES: Readonly<Record<string, string>> = { catalog: `where kind <> '${MARK_KIND}'` };
/** D3. Others stay in the order of their keys. */
const ORDERS: Readonly<Record<string, string>> = {
  audit: "rowid",
  outbox: "rowid",
  events: "rowid",
};
const ROWS_AT_ONCE = 200;

/**
 * @param path of the database file, whether or not a server has it open
 * @throws {MillraceError} storage.unusable, storage.newer
 */
export function openSqliteSource(path: string): Promise<StoreSource> {
  return guardDump(`the database file "${path}"`, () => {
    const database = openDatabase(path, { readOnly: true });
    try {
      database.exec("begin");
      assertWhole(database);
      return toSource(database, isOwned(path));
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

function assertWhole(database: Database): void {
  const applied = database.prepare(APPLIED).all();
  const known = new Set<unknown>(MIGRATIONS.map(({ id }) => id));
  const newer = applied.some(([id, breaking]) => breaking === 1 && !known.has(id));
  if (newer) {
    throw new Fault("storage.newer", "A newer Millrace wrote this store: export it with that one.");
  }
  if (applied.filter(([id]) => known.has(id)).length < MIGRATIONS.length) {
    const message =
      "An older Millrace wrote this store: start this version on it once, which brings it up to date, then export it.";
    throw new Fault("storage.unusable", message);
  }
  if (database.prepare(IS_BROKEN).get() !== undefined) {
    throw new Fault("storage.unusable", BROKEN_IMPORT);
  }
}

/** A copy has no lock file, and gets none. */
function isOwned(path: string): boolean {
  if (!existsSync(`${path}.lock`)) return false;
  try {
    acquireOwnerLock(path).release();
    return false;
  } catch (error) {
    if (error instanceof Fault && error.code === "storage.locked") return true;
    throw error;
  }
}

function toSource(database: OpenedDatabase, isLive: boolean): StoreSource {
  const now = Date.now();
  return {
    kind: "sqlite",
    isLive,
    count: ({ name }) =>
      guardDump(name, () =>
        Number(database.prepare(`select count(*) from ${name} ${MOVES[name] ?? ""}`).get()?.[0]),
      ),
    rows: (table) => readRows(database, table, now),
    close: () => guardDump("the database file", () => database.close()),
  };
}

async function* readRows(
  database: OpenedDatabase,
  table: DumpTable,
  now: number,
): AsyncGenerator<readonly Row[]> {
  const { name, columns } = table;
  const cells = columns.map((column) => (column.name === "due_at" ? DUE_AT : column.name));
  const order = ORDERS[name] === undefined ? "" : `order by ${ORDERS[name]}`;
  const text = `select ${cells.join(", ")} from ${name} ${MOVES[name] ?? ""} ${order}`;
  const values = columns.some((column) => column.name === "due_at") ? [now] : [];
  try {
    let batch: Row[] = [];
    // The iterator lives across pauses on purpose: the snapshot is to be one.
    for (const row of database.iterate(text, ...values)) {
      batch.push(row);
      if (batch.length < ROWS_AT_ONCE) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  } catch (error) {
    const { code, message } = toFault(error, "read");
    throw new MillraceError(code, message, { cause: error });
  }
}

/** D1. ?1 now. */
const DUE_AT = "case when owner is null then due_at else ?1 end";
