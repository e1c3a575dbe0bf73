import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const BIN = dirname(fileURLToPath(import.meta.url));
const FLAGS = ["--conditions=source", "--disallow-code-generation-from-strings"];

/** Stands in for `cli/main`: says how it was started, then does what its first argument asks. */
const MAIN = `
  const [, , command, value] = process.argv;
  if (command === "exit") process.exitCode = Number(value);
  if (command === "wait") {
    setInterval(() => {}, 1_000);
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {
      process.stdout.write(signal + "\\n", () => process.exit(7));
    });
  }
  const evaluates = () => { try { return Function("return true")(); } catch { return false; } };
  process.stdout.write(JSON.stringify({ pid: process.pid, execPath: process.execPath,
    execArgv: process.execArgv, args: process.argv.slice(2), evaluates: evaluates() }) + "\\n");
`;

/** Makes a Node of today call itself 20 and forget `execve`, until it is run again with our flags. */
const OLD_NODE = `
  if (!process.execArgv.includes(${JSON.stringify(FLAGS[1])})) {
    Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } });
    Object.defineProperty(process, "execve", { value: undefined });
  }
`;

interface World extends AsyncDisposable {
  readonly folder: string;
  run(...args: string[]): Running;
}

interface Running {
  readonly pid: number;
  /** The next line of standard output. */
  line(): Promise<string>;
  kill(signal: NodeJS.Signals): void;
  ended(): Promise<{ code: number | null; signal: string | null; stderr: string }>;
}

interface Started {
  readonly pid: number;
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly args: readonly string[];
  readonly evaluates: boolean;
}

interface WorldOptions {
  readonly main: "src/cli/main.ts" | "dist/cli/main.js";
  readonly node?: "new" | "old";
  /** Whether a folder above has `node_modules/.bin/node`. */
  readonly nodeAbove?: boolean;
}

async function openWorld({ main, node = "new", nodeAbove = false }: WorldOptions): Promise<World> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), "millrace-bin-")));
  const root = join(folder, "packages", "millrace");
  const bin = join(root, "bin", "millrace.js");
  await mkdir(join(root, dirname(main)), { recursive: true });
  await writeFile(join(root, "package.json"), `{ "type": "module" }`);
  await writeFile(join(root, main), MAIN);
  await cp(join(BIN, "launch.js"), join(root, "bin", "launch.js"));
  await cp(join(BIN, "millrace.js"), bin);
  await writeFile(join(folder, "old-node.mjs"), OLD_NODE);
  if (nodeAbove) {
    await mkdir(join(folder, "node_modules", ".bin"), { recursive: true });
    await symlink(process.execPath, join(folder, "node_modules", ".bin", "node"));
  }
  const preload = node === "old" ? ["--import", join(folder, "old-node.mjs")] : [];
  const left: Running[] = [];
  return {
    folder,
    run: (...args) => {
      const running = start([...preload, bin, ...args]);
      left.push(running);
      return running;
    },
    [Symbol.asyncDispose]: async () => {
      for (const running of left) running.kill("SIGKILL");
      await Promise.all(left.map((running) => running.ended()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function start(args: readonly string[]): Running {
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
  const closed = once(child, "close");
  const chunks: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk));
  const lines = readLines(child.stdout);
  return {
    pid: child.pid ?? 0,
    line: async () => (await lines.next()).value ?? "",
    kill: (signal) => child.kill(signal),
    ended: async () => {
      child.stdout.resume();
      await closed;
      const stderr = Buffer.concat(chunks).toString();
      return { code: child.exitCode, signal: child.signalCode, stderr };
    },
  };
}

async function* readLines(stream: NodeJS.ReadableStream): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const chunk of stream) {
    const parts = (rest + chunk.toString()).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
  return undefined;
}

async function started(running: Running): Promise<Started> {
  return JSON.parse(await running.line()) as Started;
}

describe("the millrace command", () => {
  test("starts the sources with their condition where they exist", async () => {
    await using world = await openWorld({ main: "src/cli/main.ts" });
    const { execArgv, args } = await started(world.run("runs", "list"));
    expect(execArgv).toEqual(FLAGS);
    expect(args).toEqual(["runs", "list"]);
  });

  test("starts what was built, without the condition, where there are no sources", async () => {
    await using world = await openWorld({ main: "dist/cli/main.js" });
    const { execArgv } = await started(world.run());
    expect(execArgv).toEqual(FLAGS.slice(1));
  });

  test("lets no code be made from text", async () => {
    await using world = await openWorld({ main: "dist/cli/main.js" });
    expect((await started(world.run())).evaluates).toBe(false);
  });

  test("keeps its process id, so that a kill -9 leaves nobody behind", async () => {
    await using world = await openWorld({ main: "src/cli/main.ts" });
    const running = world.run("wait");
    expect((await started(running)).pid).toBe(running.pid);
  });

  test("keeps the flags that Node was given", async () => {
    await using world = await openWorld({ main: "src/cli/main.ts", node: "old", nodeAbove: true });
    const { execArgv } = await started(world.run());
    expect(execArgv).toEqual(["--import", join(world.folder, "old-node.mjs"), ...FLAGS]);
  });

  test.for(["new", "old"] as const)("passes the exit code on (%s Node)", async (node) => {
    await using world = await openWorld({ main: "src/cli/main.ts", node, nodeAbove: true });
    expect(await world.run("exit", "3").ended()).toEqual({ code: 3, signal: null, stderr: "" });
  });

  test.for([
    ["new", "SIGINT"],
    ["new", "SIGTERM"],
    ["old", "SIGINT"],
    ["old", "SIGTERM"],
  ] as const)("passes signals on (%s Node, %s)", async ([node, signal]) => {
    await using world = await openWorld({ main: "src/cli/main.ts", node, nodeAbove: true });
    const running = world.run("wait");
    await running.line();
    running.kill(signal);
    expect(await running.line()).toBe(signal);
    expect((await running.ended()).code).toBe(7);
  });

  test("ends by the signal that ended the Node it started", async () => {
    await using world = await openWorld({ main: "src/cli/main.ts", node: "old", nodeAbove: true });
    const running = world.run("wait");
    process.kill((await started(running)).pid, "SIGKILL");
    expect((await running.ended()).signal).toBe("SIGKILL");
  });

  test("finds a newer Node in the folders above", async () => {
    await using world = await openWorld({ main: "dist/cli/main.js", node: "old", nodeAbove: true });
    const running = world.run();
    const { pid, execPath } = await started(running);
    expect(execPath).toBe(process.execPath);
    expect(pid).not.toBe(running.pid);
  });

  test("says in one sentence that Node is too old when there is no other", async () => {
    await using world = await openWorld({ main: "dist/cli/main.js", node: "old" });
    const { code, stderr } = await world.run().ended();
    expect(code).toBe(1);
    expect(stderr).toBe(
      "Millrace needs Node 24 or later and this is Node 20.20.2: install a newer Node, " +
        'or add one to the project with "npm install node@24".\n',
    );
  });
});
