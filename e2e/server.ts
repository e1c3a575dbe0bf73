// A `millrace start` that serves on any free port, and the client that talks to it.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createClient, type Client } from "./client.ts";
import { launch, type Exit, type Launched } from "./command.ts";
import { soon } from "./deadline.ts";

export interface ServerOptions {
  /** Holds `data/`, and is the working folder of functions. */
  readonly folder: string;
  readonly functions: string;
  readonly under?: readonly string[];
  /** Serves in place of the command; prints the same line when it is ready. */
  readonly script?: string;
  readonly args?: readonly string[];
  /** Settings, beside the environment of the test. */
  readonly env?: Readonly<Record<string, string>>;
  /** Name of its data folder, below `folder`. Default: `data`. */
  readonly data?: string;
  /** Of a node that makes no development key, because another one of its database has. */
  readonly key?: string;
}

export interface Server {
  readonly process: Launched;
  /** Of the server itself, whatever it runs under. */
  readonly pid: number;
  readonly url: string;
  /** Its development key. */
  readonly key: string;
  readonly client: Client;
  /** SIGTERM; resolves when the process is gone. */
  readonly stop: () => Promise<Exit>;
}

/** A server that may be killed before it serves. */
export interface StartingServer {
  readonly process: Launched;
  /** Rejects if the process ends first. */
  readonly ready: Promise<Server>;
}

export function spawnServer({
  folder,
  functions,
  args = [],
  data: name = "data",
  key,
  ...how
}: ServerOptions): StartingServer {
  const data = join(folder, name);
  const flags = ["--port", "0", "--data", data, "--functions", functions, "--json"];
  const process = launch({ ...how, folder, args: ["start", ...flags, ...args] });
  const ready = soon("the server to serve", process.firstLine, process.stderr).then((line) =>
    toServer(process, line, data, key),
  );
  ready.catch(() => {});
  return { process, ready };
}

async function toServer(
  launched: Launched,
  line: string,
  data: string,
  given?: string,
): Promise<Server> {
  // The command's own line.
  const { url, pid } = JSON.parse(line) as { readonly url: string; readonly pid: number };
  const key = given ?? (await readFile(join(data, "dev-key"), "utf8")).trim();
  return {
    process: launched,
    pid,
    url,
    key,
    client: createClient(url, key),
    stop: () => {
      process.kill(pid, "SIGTERM");
      return soon("the server to stop", launched.exited, launched.stderr);
    },
  };
}
