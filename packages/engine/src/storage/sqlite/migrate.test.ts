import { describe, expect, test } from "vitest";
import { aFault } from "../suite/index.ts";
import { openDatabase, type Database } from "./database.ts";
import { migrate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/list.ts";

const step = (id: number, sql: string, breaking = "no"): (typeof MIGRATIONS)[number] => ({
  id,
  name: `step-${id}`,
  sql: `-- breaking: ${breaking}\n${sql}`,
});

const open = (): Database => openDatabase(":memory:");

const applied = (database: Database): readonly unknown[] =>
  database.prepare("select id, name, breaking, applied_at from migrations order by id").all();

describe("migrate", () => {
  test("applies each step once, in order, and says when", () => {
    const database = open();
    const steps = [step(1, "create table one (a)", "yes"), step(2, "alter table one add b")];
    migrate(database, 10, steps);
    migrate(database, 20, steps);
    expect(applied(database)).toEqual([
      [1, "step-1", 1, 10],
      [2, "step-2", 0, 10],
    ]);
    expect(database.prepare("select a, b from one").all()).toEqual([]);
  });

  test("applies only the new steps to an older store", () => {
    const database = open();
    const first = step(1, "create table one (a)");
    migrate(database, 10, [first]);
    migrate(database, 20, [first, step(2, "create table two (a)")]);
    expect(applied(database)).toHaveLength(2);
  });

  test("leaves nothing of a step that fails, and keeps those before it (fault 29)", () => {
    const database = open();
    const bad = step(2, "create table two (a); create table one (a)");
    expect(() => migrate(database, 10, [step(1, "create table one (a)"), bad])).toThrow(
      "already exists",
    );
    expect(applied(database)).toHaveLength(1);
    expect(() => database.prepare("select * from two")).toThrow("no such table");
  });

  test("refuses a store that a newer version has changed for good (fault 29)", () => {
    const database = open();
    const steps = [step(1, "create table one (a)")];
    migrate(database, 10, [...steps, step(2, "drop table one", "yes")]);
    expect(() => migrate(database, 20, steps)).toThrow(
      aFault("storage.newer", "migration 2 (step-2)"),
    );
  });

  test("works on a store that a newer version has only added to", () => {
    const database = open();
    const steps = [step(1, "create table one (a)")];
    migrate(database, 10, [...steps, step(2, "create table two (a)")]);
    migrate(database, 20, steps);
    expect(applied(database)).toHaveLength(2);
  });

  test("refuses a database of another program, and leaves it as it was", () => {
    const database = open();
    database.exec("create table recipes (a); create table cooks (a)");
    expect(() => migrate(database, 10)).toThrow(aFault("storage.unusable", "cooks, recipes"));
    expect(() => applied(database)).toThrow("no such table");
  });

  test("refuses a step that does not say whether it breaks older code", () => {
    const bad = { id: 1, name: "silent", sql: "create table one (a)" };
    expect(() => migrate(open(), 10, [bad])).toThrow("first line");
  });

  test("knows its own steps by rising numbers without gaps", () => {
    expect(MIGRATIONS.map(({ id }) => id)).toEqual(MIGRATIONS.map((_, i) => i + 1));
  });
});
