import { createEngine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { DEFAULT_TENANT, parseRunId, type Run } from "@millrace/protocol";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";
import { createTestIo } from "../../../../tools/testkit/test-io.ts";
import { runCommandLine } from "./run-command-line.ts";

const STEPS = [{ id: "one", type: "transform", config: { mapping: { n: "{{input.n}}" } } }];

/** Runs as another process would find them in the store at `path`. */
async function readRuns(path: string, ids: readonly string[]): Promise<readonly (Run | null)[]> {
  const engine = createEngine({ storage: await createSqliteStorage({ path }) });
  await engine.start();
  expect(await engine.resume({ key: null, address: null })).toBe(true);
  try {
    return await Promise.all(
      ids.map((id) => {
        const runId = parseRunId(id);
        if (runId === undefined) throw new Error(`${id} is no run id`);
        return engine.waitForRun(DEFAULT_TENANT, runId, { timeoutMs: 30_000 });
      }),
    );
  } finally {
    await engine.stop();
  }
}

describe("millrace backup", { timeout: 30_000 }, () => {
  test("copies the store while the server starts runs: what was acknowledged before is in it", async () => {
    await using folder = await plantFolder({});
    const server = createTestIo({ cwd: folder.path });
    const ended = runCommandLine(["start", "--port", "0", "--json"], server);
    await server.untilOut("\n");
    const { url } = JSON.parse(server.outText()) as { url: string };
    const key = await readFile(join(folder.path, ".millrace", "dev-key"), "utf8");
    const send = (path: string, body: object): Promise<Response> =>
      fetch(`${url}/api/v1/workflows${path}`, {
        method: "POST",
        headers: { "x-api-key": key.trim() },
        body: JSON.stringify(body),
      });
    await send("", { id: "wf_x", name: "X", steps: STEPS });
    await send("/wf_x/activate", {});
    const acknowledged: string[] = [];
    const enough = new AbortController();
    const hundred = Promise.withResolvers<void>();
    const load = Array.from({ length: 8 }, async (_, n) => {
      while (!enough.signal.aborted) {
        const response = await send("/wf_x/run", { input: { n } });
        const { data } = (await response.json()) as { data: { runId: string } };
        acknowledged.push(data.runId);
        if (acknowledged.length >= 100) hundred.resolve();
      }
    });
    await hundred.promise;
    const before = [...acknowledged];
    const io = createTestIo({ cwd: folder.path });
    const code = await runCommandLine(["backup", "copy.db", "--json"], io);
    const after = acknowledged.length;
    enough.abort();
    await Promise.all(load);
    server.stop();
    expect([code, await ended, io.errText()]).toEqual([0, 0, ""]);
    expect(JSON.parse(io.outText())).toMatchObject({ path: join(folder.path, "copy.db") });
    // The server served on, and nothing was refused.
    expect(after).toBeGreaterThanOrEqual(before.length);
    expect(acknowledged.every((id) => id.startsWith("run_"))).toBe(true);
    const runs = await readRuns(join(folder.path, "copy.db"), before);
    expect(runs.map((run) => run?.status)).toEqual(before.map(() => "completed"));
  });

  test("overwrites nothing", async () => {
    await using folder = await plantFolder({ "copy.db": "precious" });
    const server = createTestIo({ cwd: folder.path });
    const ended = runCommandLine(["start", "--port", "0", "--json"], server);
    await server.untilOut("\n");
    const io = createTestIo({ cwd: folder.path });
    expect(await runCommandLine(["backup", "copy.db"], io)).toBe(2);
    expect(io.errText()).toMatch(/copy\.db": it exists/);
    expect(await readFile(join(folder.path, "copy.db"), "utf8")).toBe("precious");
    server.stop();
    await ended;
  });

  test("says where it looked when there is no store", async () => {
    await using folder = await plantFolder({});
    const io = createTestIo({ cwd: folder.path });
    expect(await runCommandLine(["backup", "copy.db"], io)).toBe(2);
    expect(io.errText()).toBe(
      `There is no store in ${folder.path}/.millrace. Name its folder with --data.\n`,
    );
  });
});
