import { describe, expect, test } from "vitest";
import { createTestDatabase } from "../../testkit/postgres/shared-postgres.ts";
import { openMigratedDatabase } from "../../testkit/migrated-database.ts";
import { comparePostgresSchema } from "./compare-schema.ts";

describe("comparePostgresSchema", () => {
  test.each<[string, string, readonly string[]]>([
    ["nothing in a store as it should be", "", []],
    ["nothing outside of its own schema", "create table public.notes (id text)", []],
    ["a table that is strange", "create table millrace.notes (id text)", ["notes"]],
    ["an index that is missing", "drop index millrace.runs_by_workflow", ["runs_by_workflow"]],
    [
      "an index that was changed",
      "drop index millrace.runs_due; create index runs_due on millrace.runs (due_at)",
      ["runs_due"],
    ],
    [
      "an index that is not valid",
      "update pg_index set indisvalid = false where indexrelid = 'millrace.runs_due'::regclass",
      ["runs_due"],
    ],
    ["a column more", "alter table millrace.runs add column colour text", ["runs"]],
    ["a column of another type", "alter table millrace.nodes alter pid type bigint", ["nodes"]],
    ["a column that may be null", "alter table millrace.nodes alter pid drop not null", ["nodes"]],
    ["a default", "alter table millrace.nodes alter pid set default 1", ["nodes"]],
    [
      "another collation",
      'alter table millrace.slots alter key type text collate "POSIX"',
      ["slots"],
    ],
    ["a check that is missing", "alter table millrace.runs drop constraint runs_check", ["runs"]],
    ["a key that is missing", "alter table millrace.slots drop constraint slots_pkey", ["slots"]],
    ["another option", "alter table millrace.runs set (fillfactor = 90)", ["runs"]],
  ])("names %s", async (_, more, names) => {
    await using world = await openMigratedDatabase();
    await world.run(more);
    expect(await comparePostgresSchema(world.url)).toEqual(names);
  });

  test("names all where there is no store", async () => {
    await using empty = await createTestDatabase();
    expect(await comparePostgresSchema(empty.url)).toContain("runs");
  });

  test("says that a database cannot be reached", async () => {
    await using empty = await createTestDatabase();
    await empty.drop();
    await expect(comparePostgresSchema(empty.url)).rejects.toMatchObject({
      code: "storage.unusable",
    });
  });
});
