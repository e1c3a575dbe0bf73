import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { describe, expect, test } from "vitest";
import { aFault, createTestFolder } from "../suite/index.ts";
import { createSqliteStorage } from "./create-sqlite-storage.ts";

const STORE = new URL("./create-sqlite-storage.ts", import.meta.url).href;

/** Opens the store and keeps it. */
const HOLD = `
const { createSqliteStorage } = await import("${STORE}");
const storage = await createSqliteStorage({ path: process.argv[1] });
await storage.migrate();
console.log("open");
`;

interface Holder extends AsyncDisposable {
  readonly child: ChildProcess;
  kill(): Promise<void>;
}

/** Another process that has the store open. */
async function holdElsewhere(path: string): Promise<Holder> {
  const args = ["--conditions=source", "--input-type=module", "-e", HOLD, path];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  await once(child.stdout, "data");
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  return { child, kill, [Symbol.asyncDispose]: kill };
}

describe("the owner lock", () => {
  test("refuses a second process, and names the first (fault 34)", async () => {
    using folder = createTestFolder();
    const path = folder.file("store.db");
    await using holder = await holdElsewhere(path);
    await expect(createSqliteStorage({ path })).rejects.toEqual(
      aFault("storage.locked", `process ${holder.child.pid} on host ${hostname()}`),
    );
  });

  test("is free at once when its process was killed, whatever it left behind (fault 34)", async () => {
    using folder = createTestFolder();
    const path = folder.file("store.db");
    await using holder = await holdElsewhere(path);
    await holder.kill();
    expect(readFileSync(`${path}.owner`, "utf8")).toContain(`${holder.child.pid} `);
    const storage = await createSqliteStorage({ path });
    expect(readFileSync(`${path}.owner`, "utf8")).toBe(`${process.pid} ${hostname()}\n`);
    await storage.close();
  });

  test("refuses a second store in one process, until the first is closed", async () => {
    using folder = createTestFolder();
    const path = folder.file("store.db");
    const first = await createSqliteStorage({ path });
    await expect(createSqliteStorage({ path })).rejects.toEqual(
      aFault("storage.locked", `process ${process.pid} `),
    );
    await first.close();
    const second = await createSqliteStorage({ path });
    await second.close();
  });
});
