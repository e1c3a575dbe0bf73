// Faults of a store that works on, made from outside by a second connection.
import { DatabaseSync } from "node:sqlite";

const LAST_ROWID = "9223372036854775807";

const WRITES = [
  "insert on runs",
  "update on runs",
  "insert on journal",
  "insert on history",
  "insert on inbox",
  "insert on outbox",
  "update on nodes",
] as const;

/**
 * From now on nothing of a run can be written to `store`, for want of space. A small file system would need root, so
 * the tables get triggers that insert into a table which has used up its row ids. SQLite says about that what it says
 * about a full disk, with the same code and the same rollback (https://sqlite.org/autoinc.html).
 */
export function fillDisk(store: string): void {
  change(store, [
    "create table ballast (id integer primary key autoincrement)",
    `insert into ballast values (${LAST_ROWID})`,
    ...WRITES.map(
      (write, i) =>
        `create trigger full_${i} before ${write} begin insert into ballast values (null); end`,
    ),
  ]);
}

export function freeDisk(store: string): void {
  change(store, [...WRITES.map((_, i) => `drop trigger full_${i}`), "drop table ballast"]);
}

/** From now on `store` refuses every row of this table whose column contains this text. */
export function refuseRows(store: string, table: string, column: string, text: string): void {
  const refusal = `select raise(abort, 'this row is not wanted') where instr(new.${column}, '${text}')`;
  change(store, [
    `create trigger unwanted_${table} before insert on ${table} begin ${refusal}; end`,
  ]);
}

function change(store: string, statements: readonly string[]): void {
  const database = new DatabaseSync(store, { timeout: 10_000 });
  try {
    database.exec(["begin immediate", ...statements, "commit"].join(";\n"));
  } finally {
    database.close();
  }
}
