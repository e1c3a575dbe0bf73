// A folder in the system's place for temporary files, and the processes that work in it. Both end with the test.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { launch, type Launched, type LaunchOptions } from "./command.ts";
import { spawnServer, type Server, type ServerOptions, type StartingServer } from "./server.ts";

export interface World extends AsyncDisposable {
  readonly folder: string;
  /** The database file of its servers. */
  readonly store: string;
  launch(options: Omit<LaunchOptions, "folder">): Launched;
  /** The functions are those of `e2e/functions`. */
  spawn(options?: Partial<ServerOptions>): StartingServer;
  /** Resolves when it serves. */
  start(options?: Partial<ServerOptions>): Promise<Server>;
}

const FUNCTIONS = fileURLToPath(new URL("functions", import.meta.url));

/** Inside a test. */
export async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-e2e-"));
  const launched: Launched[] = [];
  const spawn: World["spawn"] = (options) => {
    const server = spawnServer({ folder, functions: FUNCTIONS, ...options });
    launched.push(server.process);
    return server;
  };
  const dispose = async (): Promise<void> => {
    await Promise.all(launched.map((process) => process.kill()));
    await rm(folder, { recursive: true, force: true });
  };
  // A test that hangs never comes to its end, and so not to what it disposes of.
  onTestFinished(dispose);
  return {
    folder,
    store: join(folder, "data", "millrace.db"),
    launch: (options) => {
      const process = launch({ folder, ...options });
      launched.push(process);
      return process;
    },
    spawn,
    start: (options) => spawn(options).ready,
    [Symbol.asyncDispose]: dispose,
  };
}
