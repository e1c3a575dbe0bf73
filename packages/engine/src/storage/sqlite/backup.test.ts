import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { DEFAULT_TENANT, type NodeId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aFinish, aResult, aRun, aRunUnit, aStart, dueOf } from "../suite/builders.ts";
import { createTestFolder } from "../suite/index.ts";
import { createSqliteStorage, type SqliteStorage } from "./create-sqlite-storage.ts";

const NODE = "node_a" as NodeId;

async function openStore(options: { path: string } | { memory: true }): Promise<SqliteStorage> {
  const storage = await createSqliteStorage(options);
  await storage.migrate();
  await storage.join({ id: NODE, host: "h", pid: 1 });
  return storage;
}

/** One run that has finished and one that lives, each with a journal. */
async function seed(storage: SqliteStorage): Promise<readonly [string, string]> {
  const [ended, live] = [aRun(), aRun()];
  await storage.commit(0, NODE, [aStart(ended), aStart(live)]);
  const [one, two] = await storage.take(NODE, [dueOf(ended), dueOf(live)]);
  if (one === undefined || two === undefined) throw new Error("both are held");
  const entries = [aResult("a")];
  await storage.commit(0, NODE, [aFinish(one, entries), aRunUnit(two, { entries })]);
  return [ended.id, live.id];
}

async function expectSeeded(path: string, ids: readonly string[]): Promise<void> {
  const copy = await openStore({ path });
  const runs = await copy.read({ kind: "runs", tenant: DEFAULT_TENANT, before: null, limit: 1e6 });
  for (const id of ids) {
    const runId = runs.find((run) => run.id === id)?.id;
    if (runId === undefined) throw new Error(`run ${id} is not in the copy`);
    const found = await copy.read({ kind: "run", tenant: DEFAULT_TENANT, runId });
    expect(found?.journal).toEqual([aResult("a")]);
  }
  await copy.close();
}

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
    await expectSeeded(to, ids);
  });

  test("goes on while runs are written, and holds whole runs only", async () => {
    using folder = createTestFolder();
    const storage = await openStore({ path: folder.file("store.db") });
    const before = await seed(storage);
    let isCopied = false;
    const copied = storage.backup(folder.file("copy.db")).finally(() => (isCopied = true));
    let commits = 0;
    while (!isCopied) {
      await seed(storage);
      commits += 1;
    }
    await copied;
    await storage.close();
    expect(commits).toBeGreaterThan(0);
    await expectSeeded(folder.file("copy.db"), before);
    const copy = await openStore({ path: folder.file("copy.db") });
    const { live, finished } = await copy.read({ kind: "counts" });
    // Two runs are born in one commit and one of them ends in one commit.
    expect((live + finished) % 2).toBe(0);
    await copy.close();
  });

  test("refuses a target that exists, and leaves it alone", async () => {
    using folder = createTestFolder();
    const storage = await openStore({ path: folder.file("store.db") });
    const to = folder.file("copy.db");
    writeFileSync(to, "precious");
    await expect(storage.backup(to)).rejects.toMatchObject({
      code: "option.invalid",
      message: expect.stringContaining(to),
    });
    expect(readFileSync(to, "utf8")).toBe("precious");
    await storage.close();
  });

  test("refuses a folder that is not there, and the store goes on", async () => {
    using folder = createTestFolder();
    const storage = await openStore({ path: folder.file("store.db") });
    const backup = storage.backup(folder.file("none/copy.db"));
    await expect(backup).rejects.toMatchObject({ code: "storage.unusable" });
    await seed(storage);
    await storage.close();
  });
});
