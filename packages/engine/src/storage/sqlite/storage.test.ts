import { describe } from "vitest";
import { createOpenStorage, createTestFolder, storageSuite } from "../suite/index.ts";
import { createSqliteStorage } from "./create-sqlite-storage.ts";

describe("SQLite storage in memory", () => {
  storageSuite(
    createOpenStorage(async (now) => ({
      storage: await createSqliteStorage({ memory: true, now }),
    })),
  );
});

describe("SQLite storage in a file", () => {
  storageSuite(
    createOpenStorage(async (now) => {
      const folder = createTestFolder();
      const storage = await createSqliteStorage({ path: folder.file("store.db"), now });
      return { storage, remove: () => folder[Symbol.dispose]() };
    }),
  );
});
