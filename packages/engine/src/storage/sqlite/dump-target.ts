// A store's file that takes the rows of another store. It holds the owner lock, so no server starts meanwhile.
import { MillraceError } from "@millrace/protocol";
import {
  BROKEN_IMPORT,
  IMPORTING_MARK,
  MARK_COLUMNS,
  MARK_KIND,
  PAUSED_MARK,
  toMark,
  toPauseBody,
} from "../store-marks.ts";
import { DUMP_TABLES, type DumpTable } from "../transfer/dump-tables.ts";
import type { StoreTarget } from "../transfer/store-dump.ts";
import type { Database, Statement } from "./database.ts";
import { guardDump } from "./guard-dump.ts";
import { prepareTransaction } from "./transaction.ts";
import { openWriter } from "./write-verbs.ts";

/** Nothing of it counts before the end, but a full disk is to be met here. */
const OPTIONS = { synchronous: "FULL", leaseMs: 1 } as const;

const INSERT_MARK = `insert into catalog (${MARK_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?)`;
const IS_BROKEN = `select 1 from catalog where kind = '${MARK_KIND}' and id = '${IMPORTING_MARK}'`;
const END = `delete from catalog where kind = '${MARK_KIND}' and id = '${IMPORTING_MARK}'`;

/**
 * Makes the file if it is not there, and brings it up to date.
 *
 * @throws {MillraceError} storage.locked, storage.unusable, storage.newer
 */
export function openSqliteTarget(path: string): Promise<StoreTarget> {
  const role = `the database file "${path}"`;
  return guardDump(role, () => {
    const { database, verbs } = openWriter({ path, ...OPTIONS });
    try {
      verbs.migrate(null);
      return toTarget(database, path, role, () => verbs.close());
    } catch (error) {
      verbs.close();
      throw error;
    }
  });
}

function toTarget(database: Database, path: string, role: string, close: () => void): StoreTarget {
  const transaction = prepareTransaction(database);
  const statements = new Map<string, Statement>();
  const insertInto = (table: DumpTable): Statement => {
    const known = statements.get(table.name) ?? database.prepare(toInsert(table));
    statements.set(table.name, known);
    return known;
  };
  const mark = database.prepare(INSERT_MARK);
  return {
    begin: () =>
      guardDump(role, () => {
        if (database.prepare(IS_BROKEN).get() !== undefined) {
          throw new MillraceError("storage.unusable", BROKEN_IMPORT);
        }
        assertEmpty(database, path);
        transaction("work", () => mark.run(...toMark(IMPORTING_MARK, "{}", Date.now())));
      }),
    insert: (table, rows) =>
      guardDump(role, () => {
        const insert = insertInto(table);
        transaction("work", () => {
          for (const row of rows) insert.run(...row);
        });
      }),
    finish: () =>
      guardDump(role, () => {
        transaction("work", () => {
          database.exec(END);
          mark.run(...toMark(PAUSED_MARK, toPauseBody("import"), Date.now()));
        });
      }),
    close: () => guardDump(role, close),
  };
}

function assertEmpty(database: Database, path: string): void {
  const full = DUMP_TABLES.find(
    ({ name }) => database.prepare(`select 1 from ${name} limit 1`).get() !== undefined,
  );
  if (full === undefined) return;
  const message =
    `The store ${path} is not empty: it has rows in ${full.name}. An import needs one that no server has used yet; ` +
    "name another folder with --data.";
  throw new MillraceError("option.invalid", message);
}

const toInsert = ({ name, columns }: DumpTable): string =>
  `insert into ${name} (${columns.map((column) => column.name).join(", ")})
values (${columns.map(() => "?").join(", ")})`;
