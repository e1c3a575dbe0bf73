import { writeFileSync } from "node:fs";
import { MillraceError, type NodeId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aFault, createTestFolder } from "../suite/index.ts";
import { createSqliteStorage, type SqliteStorageOptions } from "./create-sqlite-storage.ts";
import { assertSqliteVersion, openDatabase, readSqliteVersion } from "./database.ts";

describe("createSqliteStorage", () => {
  test.each([
    ["neither path nor memory", {}],
    ["both", { path: "x.db", memory: true }],
    ["an empty path", { path: "" }],
    ["SQLite's name for memory", { path: ":memory:" }],
    ["a URI", { path: "file:x.db?mode=ro" }],
  ])("refuses %s", async (_, options) => {
    // What a caller without types may send.
    const wrong = options as unknown as SqliteStorageOptions;
    await expect(createSqliteStorage(wrong)).rejects.toEqual(aFault("option.invalid"));
  });

  test("refuses a file that is no database, and says which", async () => {
    using folder = createTestFolder();
    const path = folder.file("store.db");
    writeFileSync(path, "this is a letter, and quite a long one, to nobody at all".repeat(20));
    await expect(createSqliteStorage({ path })).rejects.toEqual(
      aFault("storage.unusable", `the database file "${path}"`),
    );
  });

  test("refuses a folder that is not there", async () => {
    using folder = createTestFolder();
    const path = folder.file("none/store.db");
    await expect(createSqliteStorage({ path })).rejects.toEqual(aFault("storage.unusable"));
  });

  test("refuses a store of a newer version when it migrates", async () => {
    using folder = createTestFolder();
    const path = folder.file("store.db");
    const first = await createSqliteStorage({ path });
    await first.migrate();
    await first.close();
    const database = openDatabase(path);
    database.exec("insert into migrations values (99, 'from-the-future', 1, 0)");
    database.close();
    const storage = await createSqliteStorage({ path });
    await expect(storage.migrate()).rejects.toEqual(aFault("storage.newer"));
    await storage.close();
  });

  test("closes twice without harm, and refuses every call after that", async () => {
    const storage = await createSqliteStorage({ memory: true });
    await storage.migrate();
    await Promise.all([storage.close(), storage.close()]);
    await storage.close();
    const beat = storage.beat("node_a" as NodeId);
    await expect(beat).rejects.toEqual(aFault("storage.unavailable"));
  });

  test("answers the calls made before it was closed", async () => {
    const storage = await createSqliteStorage({ memory: true, now: () => 5 });
    const migrated = storage.migrate();
    const joined = storage.join({ id: "node_a" as NodeId, host: "h", pid: 1 });
    await storage.close();
    await migrated;
    expect(await joined).toBe(5);
  });

  test("tells the time by this machine unless it is given a clock", async () => {
    const storage = await createSqliteStorage({ memory: true });
    await storage.migrate();
    const before = Date.now();
    const joined = await storage.join({ id: "node_a" as NodeId, host: "h", pid: 1 });
    expect(joined).toBeGreaterThanOrEqual(before);
    expect(joined).toBeLessThanOrEqual(Date.now());
    await storage.close();
  });

  test("throws faults of the one class", async () => {
    const storage = await createSqliteStorage({ memory: true });
    const error: unknown = await storage
      .beat("node_a" as NodeId)
      .catch((caught: unknown) => caught);
    expect(MillraceError.is(error)).toBe(true);
    await storage.close();
  });
});

describe("the version of SQLite", () => {
  test.each(["3.51.2", "3.50.9", "2.99.99"])("%s is refused", (version) => {
    expect(() => assertSqliteVersion(version)).toThrow(aFault("storage.unusable", version));
  });

  test.each(["3.51.3", "3.52.0", "4.0.0", "3.53.4"])("%s is taken", (version) => {
    expect(() => assertSqliteVersion(version)).not.toThrow();
  });

  test("of this Node is taken", () => {
    expect(() => assertSqliteVersion(readSqliteVersion())).not.toThrow();
  });
});
