// The command as a process of its own: what only a process can show.
import { createEngine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { DEFAULT_TENANT, type Run } from "@millrace/protocol";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { plantFolder } from "../../../../tools/testkit/planted-folder.ts";

const MAIN = fileURLToPath(new URL("main.ts", import.meta.url));
const FLAGS = ["--conditions=source", "--disallow-code-generation-from-strings"];
const ADMIN_KEY = "correct horse battery staple, forty characters";

interface Process extends AsyncDisposable {
  /** Starts a run of a workflow of one step that calls `target`. @returns the run, ended */
  run(
    target: string,
    input?: object,
  ): Promise<{ readonly status: string; readonly output: unknown }>;
  readonly url: string;
  readonly folder: string;
  /** Resolves when a function has written to standard output. */
  readonly entered: Promise<unknown>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<{ readonly code: number | null; readonly log: string }>;
}

/** A server with the functions of one module. */
async function startProcess(
  module: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Process> {
  const folder = await plantFolder({
    "package.json": `{ "type": "module" }`,
    "functions/all.ts": module,
  });
  const args = [...FLAGS, MAIN, "start", "--json", "--port", "0", "--functions", "functions"];
  const child = spawn(process.execPath, args, {
    cwd: folder.path,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const log: string[] = [];
  child.stderr.on("data", (chunk: Buffer) => log.push(chunk.toString()));
  const closed = once(child, "close");
  const ended = closed.then(() => ({ code: child.exitCode, log: log.join("") }));
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const { url } = JSON.parse(line.toString()) as { url: string };
  const key = env["MILLRACE_ADMIN_KEY"] ?? (await readDevKey(folder.path));
  const send = async (path: string, body: object): Promise<unknown> => {
    const init = { method: "POST", headers: { "x-api-key": key }, body: JSON.stringify(body) };
    const response = await fetch(`${url}/api/v1/workflows${path}`, init);
    return ((await response.json()) as { data: unknown }).data;
  };
  return {
    url,
    ended,
    folder: folder.path,
    entered: once(child.stdout, "data"),
    kill: (signal) => child.kill(signal),
    run: async (target, input = {}) => {
      const id = `wf_${target}`;
      const steps = [{ id: "one", type: "function", function: target, config: { input } }];
      await send("", { id, name: target, steps });
      await send(`/${id}/activate`, {});
      // The shape of a run, as far as these tests look at it.
      return (await send(`/${id}/run?wait=30`, {})) as { status: string; output: unknown };
    },
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGKILL");
      await closed;
      await folder[Symbol.asyncDispose]();
    },
  };
}

const readDevKey = async (folder: string): Promise<string> =>
  (await readFile(join(folder, ".millrace", "dev-key"), "utf8")).trim();

describe("the server's process", { timeout: 30_000 }, () => {
  test("stays up when a function leaves a rejected promise behind, and tells it to the log", async () => {
    await using server = await startProcess(`
      export const good = () => "fine";
      export const stray = () => { Promise.reject(new Error("left behind")); return "done"; };
    `);
    await server.run("stray");
    expect(await server.run("good")).toMatchObject({ status: "completed", output: "fine" });
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    server.kill("SIGTERM");
    const { code, log } = await server.ended;
    expect(code).toBe(0);
    expect(log).toContain("left behind");
  });

  test("tells an exception that nobody caught to the log, and ends with 1", async () => {
    await using server = await startProcess(`
      export const bomb = () => { setImmediate(() => { throw new Error("nobody caught me"); }); };
    `);
    await server.run("bomb").catch(() => null);
    const { code, log } = await server.ended;
    expect(code).toBe(1);
    expect(log).toContain("nobody caught me");
  });

  test("keeps the administrator's key from the functions that it runs", async () => {
    await using server = await startProcess(
      `export const peek = () => Object.entries(process.env).filter(([name]) => name.startsWith("MILLRACE_"));`,
      { MILLRACE_ADMIN_KEY: ADMIN_KEY },
    );
    expect(await server.run("peek")).toMatchObject({ status: "completed", output: [] });
  });

  test.for(["SIGINT", "SIGTERM"] as const)(
    "lets a step finish at %s, and ends with 0",
    async (signal) => {
      await using server = await startProcess(`
      export const slow = async ({ url }) => {
        process.stdout.write("entered\\n");
        // Goes on for a while after the server has hung up.
        for (let refusals = 0; refusals < 1000; ) {
          await fetch(url + "/health/live").catch(() => { refusals += 1; });
        }
        return "finished";
      };
    `);
      const answer = server.run("slow", { url: server.url }).catch(() => null);
      await server.entered;
      server.kill(signal);
      expect((await server.ended).code).toBe(0);
      await answer;
      const [run] = await readRuns(server.folder);
      expect(run).toMatchObject({ status: "completed", output: "finished" });
    },
  );
});

/** What the store holds after the process has ended. */
async function readRuns(folder: string): Promise<readonly (Run | null)[]> {
  const storage = await createSqliteStorage({ path: join(folder, ".millrace", "millrace.db") });
  const engine = createEngine({ storage });
  await engine.start();
  const listed = await engine.listRuns(DEFAULT_TENANT, { before: null, limit: 10 });
  const runs = await Promise.all(listed.map(({ id }) => engine.getRun(DEFAULT_TENANT, id)));
  await engine.stop();
  return runs;
}
