// A disk that fails for real, by a limit on the size of files: the kernel refuses the write in the
// middle of a commit, and SQLite reports an I/O error. And an fsync that fails at COMMIT, which
// only a stand-in can do.
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { aRun, aStart } from "../suite/builders.ts";
import { createTestFolder } from "../suite/index.ts";
import type { Database } from "./database.ts";
import { createAnswerer } from "./serve.ts";
import { encodeUnits } from "./unit-codec.ts";
import { createWriteVerbs, openWriter } from "./write-verbs.ts";

const STORE = new URL("./create-sqlite-storage.ts", import.meta.url).href;
const BUILDERS = new URL("../suite/builders.ts", import.meta.url).href;

/** Starts runs until one fails, then says what became of that call and of those after it. */
const SCRIPT = `
const { createSqliteStorage } = await import("${STORE}");
const { aRun, aStart } = await import("${BUILDERS}");
const storage = await createSqliteStorage({ path: process.argv[1] });
await storage.migrate();
await storage.join({ id: "node_a", host: "h", pid: 1 });
const codeOf = (call) => call.then(() => "done", (error) => error.code);
const input = JSON.stringify("x".repeat(50_000));
let acknowledged = 0;
let code;
while ((code = await codeOf(storage.commit(0, "node_a", [aStart(aRun({ input }))]))) === "done") acknowledged++;
const later = [await codeOf(storage.beat("node_a")), await codeOf(storage.read({ kind: "counts" }))];
await storage.close();
console.log(JSON.stringify({ acknowledged, code, later }));
`;

/** Runs a script whose process may write no file beyond 1 MB. */
async function runLimited(script: string, path: string): Promise<unknown> {
  const limited =
    'trap "" XFSZ; ulimit -f 2000; exec "$0" --conditions=source --input-type=module -e "$1" "$2"';
  const { stdout } = await promisify(execFile)("sh", [
    "-c",
    limited,
    process.execPath,
    script,
    path,
  ]);
  return JSON.parse(stdout);
}

describe("a failed write", () => {
  test("stops the store for good, and loses nothing that was acknowledged", async () => {
    using folder = createTestFolder();
    const path = folder.file("store.db");
    const found = await runLimited(SCRIPT, path);
    const later = ["storage.failed", "storage.failed"];
    expect(found).toMatchObject({ code: "storage.failed", later });
    const writer = openWriter({ path, synchronous: "FULL", leaseMs: 1 });
    const stored = writer.database.prepare("select count(*) from runs").get()?.[0];
    writer.verbs.close();
    expect(found).toMatchObject({ acknowledged: stored });
  });
});

/**
 * A database whose next COMMIT fails as after a failed fsync: it is unknown what reached the disk.
 */
function failCommits(database: Database): Database {
  return {
    get isTransaction() {
      return database.isTransaction;
    },
    exec: (sql) => database.exec(sql),
    prepare: (sql) => {
      const statement = database.prepare(sql);
      if (sql !== "commit") return statement;
      const run = (): never => {
        throw Object.assign(new Error("disk I/O error"), { errcode: 1034 });
      };
      return { run, get: run, all: run };
    },
    close: () => database.close(),
  };
}

describe("a failed fsync", () => {
  test("is never taken for success, and ends every later call (fault 26)", () => {
    const { database } = openWriter({ path: null, synchronous: "FULL", leaseMs: 1000 });
    const answer = createAnswerer(() => createWriteVerbs(failCommits(database), 1000, null));
    const units = encodeUnits([aStart(aRun())]);
    const node = { id: "node_a", host: "h", pid: 1 };
    expect(answer([[1, "migrate", [0]]])).toEqual([[1, true, undefined]]);
    const failed = { code: "storage.failed" };
    expect(
      answer([
        [2, "join", [node, 0]],
        [3, "commit", ["node_a", units, 0]],
        [4, "migrate", [0]],
      ]),
    ).toMatchObject([
      [2, false, failed],
      [3, false, failed],
      [4, false, failed],
    ]);
    expect(answer([[5, "close", []]])).toEqual([[5, true, undefined]]);
  });
});
