// Where the code examples run. With `MILLRACE_URL` (and `MILLRACE_API_KEY`) set, at that server, with this process as
// its worker; else on an engine in this process, with its file in a temporary folder. The workflows do not know.
import { createEngine } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import type { AnyWorkflow } from "@millrace/sdk";
import { createClient, type Client } from "@millrace/sdk/client";
import { createWorker } from "@millrace/sdk/worker";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Connection extends AsyncDisposable {
  readonly client: Client;
}

export function connect(workflows: readonly AnyWorkflow[]): Promise<Connection> {
  const { MILLRACE_URL: url, MILLRACE_API_KEY: key } = process.env;
  if (url === undefined) return openEngine(workflows);
  return openServer({ url, ...(key === undefined ? {} : { key }) }, workflows);
}

async function openServer(
  server: { readonly url: string; readonly key?: string },
  workflows: readonly AnyWorkflow[],
): Promise<Connection> {
  const worker = createWorker({ ...server, workflows });
  await worker.start();
  const client = createClient(server);
  return {
    client,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await worker.stop();
    },
  };
}

async function openEngine(workflows: readonly AnyWorkflow[]): Promise<Connection> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-example-"));
  const path = join(folder, "millrace.db");
  const engine = createEngine({ storage: await createSqliteStorage({ path }) });
  await engine.start();
  const worker = createWorker({ engine, workflows });
  await worker.start();
  return {
    client: createClient({ engine }),
    [Symbol.asyncDispose]: async () => {
      await worker.stop();
      await engine.stop();
      await rm(folder, { recursive: true });
    },
  };
}
