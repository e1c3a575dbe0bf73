// The real server: the real command in a process of its own, as an operator starts it, with its log on.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ROOT } from "../bench.ts";
import type { Place } from "../engine/store.ts";
import { ownProcess } from "../processes.ts";

export interface Server extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** An API key that may do all. */
  readonly key: string;
  /** When the process was started, as `performance.now()`. */
  readonly spawnedAt: number;
  /** As `kill -9` does; resolves when the process is gone. */
  kill(): Promise<void>;
  /** Lets it finish, as Ctrl-C does. @throws it did not end with 0 */
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Its folder has the server's key and log, and its store unless that is a database. */
  readonly place: Place;
  /** Default: the `millrace` command itself. */
  readonly command?: readonly [file: string, ...args: string[]];
}

const BIN = join(ROOT, "packages", "millrace", "bin", "millrace.js");
const FUNCTIONS = join(ROOT, "bench", "functions");
const LONGEST_START_MS = 60_000;

const MILLRACE: readonly [string, ...string[]] = [
  process.execPath,
  BIN,
  "start",
  "--functions",
  FUNCTIONS,
];

/** @throws it ends, or says nothing for a minute; the message holds its log */
export async function startServer({ place, command = MILLRACE }: StartOptions): Promise<Server> {
  const { folder } = place;
  const [file, ...args] = command;
  if (place.store === "postgres") args.push("--database", place.url);
  const logFile = join(folder, "server.log");
  const log = openSync(logFile, "a");
  const spawnedAt = performance.now();
  const child = spawn(file, [...args, "--port", "0", "--data", folder, "--json"], {
    cwd: ROOT,
    env: toEnvironment(),
    stdio: ["ignore", "pipe", log],
  });
  ownProcess(child);
  closeSync(log);
  const closed = once(child, "close");
  const ready = await readReady(child).catch((cause: unknown) => {
    child.kill("SIGKILL");
    throw new Error(`the server did not start:\n${readFileSync(logFile, "utf8")}`, { cause });
  });
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) process.kill(ready.pid, signal);
    await closed;
  };
  const stop = async (): Promise<void> => {
    await end("SIGTERM");
    if (child.exitCode !== 0) {
      throw new Error(`the server ended badly:\n${readFileSync(logFile, "utf8").slice(-2_000)}`);
    }
  };
  return {
    port: Number(new URL(ready.url).port),
    pid: ready.pid,
    key: readFileSync(join(folder, "dev-key"), "utf8").trim(),
    spawnedAt,
    kill: () => end("SIGKILL"),
    stop,
    [Symbol.asyncDispose]: () => end("SIGTERM"),
  };
}

interface Ready {
  readonly url: string;
  readonly pid: number;
}

async function readReady(child: ChildProcess): Promise<Ready> {
  if (child.stdout === null) throw new Error("the server has no standard output");
  const lines = createInterface({ input: child.stdout });
  const signal = AbortSignal.timeout(LONGEST_START_MS);
  const ended = new AbortController();
  child.once("exit", () => ended.abort());
  try {
    for (;;) {
      const [line] = (await once(lines, "line", {
        signal: AbortSignal.any([signal, ended.signal]),
      })) as [string];
      // npm prints lines of its own.
      if (line.startsWith("{")) return JSON.parse(line) as Ready;
    }
  } finally {
    lines.removeAllListeners("line");
    child.stdout.resume();
  }
}

/** Without what would configure a server differently. */
function toEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith("MILLRACE_"));
  return Object.fromEntries(entries);
}
