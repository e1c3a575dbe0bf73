import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { createOpenStorage, storageSuite } from "../suite/index.ts";
import { createSqliteStorage } from "./create-sqlite-storage.ts";

describe("SQLite storage in memory", () => {
  storageSuite(
    createOpenStorage(async (now) => ({ storage: await createSqliteStorage({ memory: true, now }) })),
  );
});

describe("SQLite storage in a file", () => {
  storageSuite(
    createOpenStorage(async (now) => {
      const folder = mkdtempSync(join(tmpdir(), "millrace-"));
      const storage = await createSqliteStorage({ path: join(folder, "store.db"), now });
      return { storage, remove: () => rmSync(folder, { recursive: true }) };
    }),
  );
});
