import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { DEFAULT_TENANT, type NodeId, type RunId } from "@millrace/protocol";
import { describe, expect, test } from "vitest";
import { aResult, aRun, aStart, refOf } from "../suite/builders.ts";
import { aFault, createTestFolder } from "../suite/index.ts";
import { createSqliteStorage, type SqliteStorage } from "./create-sqlite-storage.ts";

const OLD = "node_old" as NodeId;
const NEW = "node_new" as NodeId;

async function openStore(path: string, node: NodeId): Promise<SqliteStorage> {
  const storage = await createSqliteStorage({ path });
  await storage.migrate();
  await storage.join({ id: node, host: "h", pid: 1 });
  return storage;
}

describe("a store that is opened again", () => {
  test("has what was committed, and frees what the old process owned at the first reap", async () => {
    using folder = createTestFolder();
    const path = folder.file("store.db");
    const run = aRun();
    const first = await openStore(path, OLD);
    await first.commit(0, OLD, [aStart(run, { owner: OLD })]);
    await first.close();
    const second = await openStore(path, NEW);
    expect(await second.reap()).toMatchObject({ freed: 1 });
    expect((await second.findDue(null, 10)).runs).toEqual([{ ...refOf(run), fence: 1 }]);
    await second.close();
  });

  test("knows the old process's node no more", async () => {
    using folder = createTestFolder();
    const path = folder.file("store.db");
    const first = await openStore(path, OLD);
    await first.close();
    const second = await openStore(path, NEW);
    await expect(second.beat(OLD)).rejects.toEqual(aFault("storage.fenced-node"));
    await second.close();
  });
});

const STORE = new URL("./create-sqlite-storage.ts", import.meta.url).href;
const BUILDERS = new URL("../suite/builders.ts", import.meta.url).href;

/** Starts runs and writes a result into each, for ever; prints an id once both are acknowledged. */
const WRITE = `
const { createSqliteStorage } = await import("${STORE}");
const { aResult, aRun, aRunUnit, aStart } = await import("${BUILDERS}");
const storage = await createSqliteStorage({ path: process.argv[1] });
await storage.migrate();
const node = "node_old";
await storage.join({ id: node, host: "h", pid: 1 });
for (;;) {
  const run = aRun();
  await storage.commit(0, node, [aStart(run, { owner: node })]);
  const held = { run: { ...run, fence: 1 }, journal: [] };
  await storage.commit(0, node, [aRunUnit(held, { entries: [aResult("a")] })]);
  console.log(run.id);
}
`;

describe("a process that is killed while it writes", () => {
  test("loses nothing that it has acknowledged (fault 4)", async () => {
    using folder = createTestFolder();
    const path = folder.file("store.db");
    const args = ["--conditions=source", "--input-type=module", "-e", WRITE, path];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const acknowledged: RunId[] = [];
    const exit = once(child, "exit");
    for await (const line of createInterface({ input: child.stdout })) {
      // The process printed the id of a run that it had started.
      acknowledged.push(line as RunId);
      if (acknowledged.length === 200) child.kill("SIGKILL");
    }
    await exit;
    expect(acknowledged.length).toBeGreaterThanOrEqual(200);
    const storage = await openStore(path, NEW);
    for (const runId of acknowledged) {
      const found = await storage.read({ kind: "run", tenant: DEFAULT_TENANT, runId });
      expect(found).toMatchObject({ live: { id: runId }, journal: [aResult("a")] });
    }
    await storage.close();
  });
});
