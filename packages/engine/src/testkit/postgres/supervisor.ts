// The program of a process of its own that is the parent of one PostgreSQL server, and outlives the test process for
// as long as it takes to tidy up: when the channel to that process closes, however it died, the server is stopped at
// once and its folder removed. Started by `supervised.ts`, which is the other end of the channel.
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
} from "node:fs";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Account } from "./account.ts";
import { freezeTree, killTree, thawTree } from "./process-tree.ts";

/** How to stop: `fast` rolls back what is open; `immediate` leaves the rest to recovery. */
export type StopMode = "fast" | "immediate";

export type Command =
  | { readonly kind: "start"; readonly program: string; readonly args: readonly string[] }
  | { readonly kind: "stop"; readonly mode: StopMode }
  | { readonly kind: "kill" }
  | { readonly kind: "pause" }
  | { readonly kind: "resume" }
  | { readonly kind: "close" };

export interface Request {
  readonly id: number;
  readonly command: Command;
}

export type Report =
  | { readonly kind: "opened"; readonly folders: Folders }
  | { readonly kind: "answer"; readonly id: number; readonly pid: number; readonly fault?: string };

/** Both go with the supervisor. */
export interface Folders {
  /** For programs. */
  readonly programs: string;
  /** Empty, and belongs to the account. */
  readonly data: string;
}

export interface SupervisorOptions {
  readonly account?: Account | undefined;
  /** Whether the data shall lie in memory, if there is room. */
  readonly inMemory: boolean;
}

/** Of the log, for the message if it does not start. */
const KEPT_LOG_CHARACTERS = 4_000;
/** A server that is told to stop immediately gives its children 5 s. */
const STOP_GRACE_MS = 8_000;
const READY = "database system is ready to accept";

class Supervisor {
  readonly #account: Account | undefined;
  readonly folders: Folders;
  readonly #roots: readonly string[];
  #server: ChildProcess | undefined;
  /** Resolves when the server and all its children are gone: only then do they all let go of the log. */
  #gone: Promise<unknown> = Promise.resolve();
  #log = "";
  #wasKilled = false;
  #closing: Promise<void> | undefined;

  constructor({ account, inMemory }: SupervisorOptions) {
    this.#account = account;
    const programs = makeRoot(tmpdir());
    const root = inMemory ? makeRoot(findMemory() ?? tmpdir()) : programs;
    const data = join(root, "data");
    this.#roots = [programs, root];
    this.folders = { programs: join(programs, "postgres"), data };
    mkdirSync(data, { mode: 0o700 });
    if (account !== undefined) chownSync(data, account.uid, account.gid);
  }

  get pid(): number {
    return this.#server?.pid ?? 0;
  }

  async perform(command: Command): Promise<void> {
    switch (command.kind) {
      case "start":
        return this.#start(command.program, command.args);
      case "stop":
        return this.#stop(command.mode);
      case "kill":
        return this.#kill();
      case "pause":
        freezeTree(this.#running());
        return undefined;
      case "resume":
        return thawTree(this.#running());
      case "close":
        return this.close();
    }
  }

  async #start(program: string, args: readonly string[]): Promise<void> {
    if (this.#server !== undefined) throw new Error("it runs already");
    const server = spawn(program, ["-D", this.folders.data, ...args], {
      ...this.#account,
      cwd: this.folders.data,
      // Nothing of ours: `PGPORT` and the like would be read.
      env: { LC_ALL: "C", TZ: "UTC" },
      // Ctrl-C in the terminal is for the tests.
      detached: true,
      stdio: ["ignore", "ignore", "pipe"],
    });
    this.#server = server;
    this.#log = "";
    const gone = once(server, "close").catch(() => null);
    this.#gone = gone.then(() => {
      if (this.#server === server) this.#server = undefined;
    });
    const ready = Promise.withResolvers<void>();
    server.on("error", (cause) => ready.reject(cause));
    server.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.#log = (this.#log + text).slice(-KEPT_LOG_CHARACTERS);
      if (this.#log.includes(READY)) ready.resolve();
    });
    const over = this.#gone.then(() => {
      throw new Error(`it ended before it was ready:\n${this.#log}`);
    });
    await Promise.race([ready.promise, over]);
    this.#wasKilled = false;
  }

  async #stop(mode: StopMode): Promise<void> {
    process.kill(this.#running(), mode === "fast" ? "SIGINT" : "SIGQUIT");
    await this.#gone;
  }

  async #kill(): Promise<void> {
    killTree(this.#running());
    this.#wasKilled = true;
    await this.#gone;
  }

  #running(): number {
    if (this.#server?.pid === undefined) throw new Error("it does not run");
    return this.#server.pid;
  }

  /** Safe to call twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const pid = this.#server?.pid;
    if (pid !== undefined) {
      process.kill(pid, "SIGQUIT");
      thawTree(pid);
      const late = setTimeout(() => {
        killTree(pid);
        this.#wasKilled = true;
      }, STOP_GRACE_MS);
      await this.#gone;
      clearTimeout(late);
    }
    if (this.#wasKilled) this.#freeSharedMemory();
    for (const root of this.#roots) rmSync(root, { recursive: true, force: true });
  }

  /** A server that was killed leaves a segment for its next start to find, and the kernel has few of them. */
  #freeSharedMemory(): void {
    try {
      const [, id] =
        readFileSync(join(this.folders.data, "postmaster.pid"), "utf8")
          .split("\n")[6]
          ?.trim()
          .split(/\s+/) ?? [];
      if (id !== undefined) execFileSync("ipcrm", ["-m", id], { stdio: "ignore" });
    } catch {
      // No such program, or no such segment: 56 bytes stay until the machine starts anew.
    }
  }
}

/** Open to the account, too. */
function makeRoot(within: string): string {
  const root = mkdtempSync(join(within, "millrace-postgres-"));
  chmodSync(root, 0o755);
  return root;
}

const MEMORY = "/dev/shm";
/** Enough for two servers with many databases; in a container there may be 64 MB. */
const LEAST_MEMORY_BYTES = 2 * 2 ** 30;

/**
 * Files are made there far quicker than on a disk: a database is some 300 of them, which took 13 ms there and, once
 * others had been dropped, 250 ms on ext4 (measured).
 */
function findMemory(): string | undefined {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize < LEAST_MEMORY_BYTES ? undefined : MEMORY;
  } catch {
    // This system has none.
    return undefined;
  }
}

function report(what: Report): void {
  // The test process may be gone by now; then nobody wants to know.
  if (process.connected) process.send?.(what, () => {});
}

async function answer(supervisor: Supervisor, { id, command }: Request): Promise<void> {
  try {
    await supervisor.perform(command);
    report({ kind: "answer", id, pid: supervisor.pid });
  } catch (error) {
    const fault = error instanceof Error ? error.message : String(error);
    report({ kind: "answer", id, pid: supervisor.pid, fault });
  }
}

function serve(options: SupervisorOptions): void {
  const supervisor = new Supervisor(options);
  const leave = async (): Promise<void> => {
    await supervisor.close();
    process.exit();
  };
  process.on("disconnect", () => void leave());
  process.on("SIGTERM", () => void leave());
  // Only `supervised.ts` writes to this channel.
  process.on("message", (request: Request) => void answer(supervisor, request));
  report({ kind: "opened", folders: supervisor.folders });
}

if (import.meta.main) {
  // Written by `supervised.ts`.
  serve(JSON.parse(process.argv[2] ?? "") as SupervisorOptions);
}
