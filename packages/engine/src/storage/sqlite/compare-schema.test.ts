import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { compareSqliteSchema } from "./compare-schema.ts";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";

/** A migrated store with `more` done to it. */
async function aStore(more: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-schema-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, "millrace.db");
  const database = openDatabase(path);
  migrate(database, 0);
  database.exec(more);
  database.close();
  return path;
}

describe("compareSqliteSchema", () => {
  test.each<[string, string, readonly string[]]>([
    ["nothing in a store as it should be", "", []],
    ["a table that is strange", "create table notes (id text)", ["notes"]],
    ["an index that is missing", "drop index runs_by_workflow", ["runs_by_workflow"]],
    ["a table that was changed", "alter table runs add column colour text", ["runs"]],
  ])("names %s", async (_, more, names) => {
    expect(compareSqliteSchema(await aStore(more))).toEqual(names);
  });
});
