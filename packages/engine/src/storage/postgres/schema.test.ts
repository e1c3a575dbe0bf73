import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { openMigratedDatabase } from "../../testkit/migrated-database.ts";
import { printSchema, readSchema } from "./print-schema.ts";

const REWRITE =
  "schema.sql is not what a fresh store has; after a migration rewrite it with\n" +
  "node_modules/.bin/node --conditions=source packages/engine/src/storage/postgres/print-schema.ts <URL of a fresh store> > packages/engine/src/storage/postgres/schema.sql";

test.each([15, 18] as const)(
  "schema.sql describes a fresh store on PostgreSQL %i",
  async (major) => {
    await using world = await openMigratedDatabase(major);
    const committed = readFileSync(new URL("./schema.sql", import.meta.url), "utf8");
    const fresh = printSchema(await readSchema({ connectionString: world.url }));
    expect(fresh === committed ? "the same" : REWRITE).toBe("the same");
  },
);

test("schema.sql can be executed, and makes the same store", async () => {
  await using world = await openMigratedDatabase();
  const committed = readFileSync(new URL("./schema.sql", import.meta.url), "utf8");
  await world.run(`drop schema millrace cascade; create schema millrace; ${committed}`);
  expect(printSchema(await readSchema({ connectionString: world.url }))).toBe(committed);
});
