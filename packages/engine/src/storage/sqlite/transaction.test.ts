import { describe, expect, test } from "vitest";
import { aFault } from "../suite/index.ts";
import { openDatabase, type Database } from "./database.ts";
import { prepareTransaction, Rollback } from "./transaction.ts";

function openTable(): Database {
  const database = openDatabase(":memory:");
  database.exec("create table items (name text not null) strict");
  return database;
}

const count = (database: Database): unknown =>
  database.prepare("select count(*) from items").get()?.[0];

const fullDisk = (): Error => Object.assign(new Error("database or disk is full"), { errcode: 13 });

describe("a transaction", () => {
  test("writes all of its body and gives its result, or writes nothing and gives a fault", () => {
    const database = openTable();
    const transaction = prepareTransaction(database);
    const insert = database.prepare("insert into items values (?)");
    expect(transaction("unit", () => insert.run("a").changes)).toBe(1);
    const bad = (): void => {
      insert.run("b");
      insert.run(null);
    };
    expect(() => transaction("unit", bad)).toThrow(aFault("storage.rejected", "items.name"));
    expect(count(database)).toBe(1);
  });

  test("throws a rollback on as it is, and writes nothing", () => {
    const database = openTable();
    const rollback = new Rollback("not wanted");
    const body = (): never => {
      database.exec("insert into items values ('a')");
      throw rollback;
    };
    expect(() => prepareTransaction(database)("unit", body)).toThrow(rollback);
    expect(count(database)).toBe(0);
  });

  test("gives the first fault where SQLite has rolled back by itself", () => {
    const database = openTable();
    const body = (): never => {
      database.exec("rollback");
      throw fullDisk();
    };
    expect(() => prepareTransaction(database)("unit", body)).toThrow(aFault("storage.full"));
  });

  test("has failed for good where it cannot even be rolled back", () => {
    const database = openTable();
    const stuck: Database = {
      isTransaction: true,
      exec: () => {
        throw Object.assign(new Error("disk I/O error"), { errcode: 10 });
      },
      prepare: (sql) => database.prepare(sql),
      close: () => database.close(),
    };
    const body = (): never => {
      throw fullDisk();
    };
    expect(() => prepareTransaction(stuck)("unit", body)).toThrow(aFault("storage.failed"));
  });
});
