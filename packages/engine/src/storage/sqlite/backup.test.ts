import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { DEFAULT_TENANT, type NodeId, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aFinish, aResult, aRun, aRunUnit, aStart, dueOf } from "../suite/builders.ts";
import { aFault, createTestFolder } from "../suite/index.ts";
import {
  backUpSqliteFile,
  createSqliteStorage,
  type SqliteStorage,
} from "./create-sqlite-storage.ts";

const NODE = "node_a" as NodeId;

async function openStore(options: { path: string } | { memory: true }): Promise<SqliteStorage> {
  const storage = await createSqliteStorage(options);
  await storage.migrate();
  await storage.join({ id: NODE, host: "h", pid: 1 });
  return storage;
}

/** One run that has finished and one that lives, each with a journal. */
async function seed(storage: SqliteStorage): Promise<readonly [RunId, RunId]> {
  const [ended, live] = [aRun(), aRun()];
  await storage.commit(0, NODE, [aStart(ended), aStart(live)]);
  const [one, two] = await storage.take(NODE, [dueOf(ended), dueOf(live)]);
  if (one === undefined || two === undefined) throw new Error("both are held");
  const entries = [aResult("a")];
  await storage.commit(0, NODE, [aFinish(one, entries), aRunUnit(two, { entries })]);
  return [ended.id, live.id];
}

/** The journals of these runs in the store at `path`. */
async function journalsIn(path: string, ids: readonly RunId[]): Promise<readonly unknown[]> {
  const copy = await openStore({ path });
  const found = ids.map((runId) => copy.read({ kind: "run", tenant: DEFAULT_TENANT, runId }));
  const journals = (await Promise.all(found)).map((run) => run?.journal);
  await copy.close();
  return journals;
}

const COMPLETE = [[aResult("a")], [aResult("a")]];

describe("backup", () => {
  test.each([
    ["a file", (path: string) => ({ path })],
    ["memory", () => ({ memory: true }) as const],
  ])("copies a store in %s; the copy opens and is complete", async (_, options) => {
    using folder = createTestFolder();
    const storage = await openStore(options(folder.file("store.db")));
    const ids = await seed(storage);
    const to = folder.file("copy.db");
    const report = await storage.backup(to);
    expect(report).toEqual({ path: to, sizeBytes: readFileSync(to).byteLength });
    expect(existsSync(`${to}.part`)).toBe(false);
    await storage.close();
    expect(await journalsIn(to, ids)).toEqual(COMPLETE);
  });

  test.each(["open", "closed"])("copies the file of a store that is %s", async (state) => {
    using folder = createTestFolder();
    const path = folder.file("store.db");
    const storage = await openStore({ path });
    const ids = await seed(storage);
    if (state === "closed") await storage.close();
    await backUpSqliteFile(path, folder.file("copy.db"));
    await storage.close();
    expect(await journalsIn(folder.file("copy.db"), ids)).toEqual(COMPLETE);
  });

  test("pauses the copy, and a copy of it, and not the store (fault 33)", async () => {
    using folder = createTestFolder();
    const path = folder.file("store.db");
    const storage = await openStore({ path });
    await storage.backup(folder.file("copy.db"));
    await backUpSqliteFile(folder.file("copy.db"), folder.file("second.db"));
    expect(await storage.catalog.get(DEFAULT_TENANT, "store", "paused")).toBeNull();
    await storage.close();
    for (const name of ["copy.db", "second.db"]) {
      const copy = await openStore({ path: folder.file(name) });
      const mark = await copy.catalog.get(DEFAULT_TENANT, "store", "paused");
      expect(mark?.body).toBe('{"reason":"backup"}');
      await copy.close();
    }
  });

  test("finds no store where there is none, and makes none", async () => {
    using folder = createTestFolder();
    const backup = backUpSqliteFile(folder.file("none.db"), folder.file("copy.db"));
    await expect(backup).rejects.toEqual(aFault("storage.unusable", folder.file("none.db")));
    expect(existsSync(folder.file("none.db"))).toBe(false);
    expect(existsSync(folder.file("copy.db"))).toBe(false);
  });

  test("goes on while runs are written, and holds whole runs only", async () => {
    using folder = createTestFolder();
    const storage = await openStore({ path: folder.file("store.db") });
    const before = await seed(storage);
    const copy = { isDone: false };
    const copied = storage.backup(folder.file("copy.db")).finally(() => (copy.isDone = true));
    let commits = 0;
    while (!copy.isDone) {
      await seed(storage);
      commits += 1;
    }
    await copied;
    await storage.close();
    expect(commits).toBeGreaterThan(0);
    expect(await journalsIn(folder.file("copy.db"), before)).toEqual(COMPLETE);
    const opened = await openStore({ path: folder.file("copy.db") });
    const { live, finished } = await opened.read({ kind: "counts" });
    // Two runs are born in one commit.
    expect((live + finished) % 2).toBe(0);
    await opened.close();
  });

  test("refuses a target that exists, and leaves it alone", async () => {
    using folder = createTestFolder();
    const storage = await openStore({ path: folder.file("store.db") });
    const to = folder.file("copy.db");
    writeFileSync(to, "precious");
    await expect(storage.backup(to)).rejects.toEqual(aFault("option.invalid", to));
    expect(readFileSync(to, "utf8")).toBe("precious");
    await storage.close();
  });

  test("refuses a folder that is not there, and the store goes on", async () => {
    using folder = createTestFolder();
    const storage = await openStore({ path: folder.file("store.db") });
    const backup = storage.backup(folder.file("none/copy.db"));
    await expect(backup).rejects.toEqual(aFault("storage.unusable"));
    await seed(storage);
    await storage.close();
  });
});
