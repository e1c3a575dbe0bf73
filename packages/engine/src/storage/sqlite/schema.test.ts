import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { printFreshSchema } from "./print-schema.ts";

const REWRITE =
  "schema.sql is not what a fresh store has; after a migration rewrite it with\n" +
  "node_modules/.bin/node --conditions=source packages/engine/src/storage/sqlite/print-schema.ts > packages/engine/src/storage/sqlite/schema.sql";

test("schema.sql describes a fresh store", () => {
  const committed = readFileSync(new URL("./schema.sql", import.meta.url), "utf8");
  expect(printFreshSchema() === committed ? "the same" : REWRITE).toBe("the same");
});
