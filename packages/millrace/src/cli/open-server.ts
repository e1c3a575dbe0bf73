// Puts the parts of a server together: store, engine, keys, app, port.
import { createEngine, type Engine, type Log } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { createApp } from "../app.ts";
import { digestOf } from "../auth/key.ts";
import type { HostedCode } from "../code/hosted-code.ts";
import type { ConnectorSettings } from "../connectors/connector-settings.ts";
import { openConnectors, type OpenConnectors } from "../connectors/open-connectors.ts";
import { listen, type Listener } from "../listen.ts";
import type { Mode } from "../mode.ts";
import { ensureDataFolder, storeFile } from "./data-folder.ts";
import { ensureDevKey } from "./dev-key.ts";
import { errorCodeOf } from "./error-code.ts";

export interface ServerOptions {
  readonly data: string;
  readonly host: string;
  readonly port: number;
  readonly mode: Mode;
  /** In clear; null: there is none. */
  readonly adminKey: string | null;
  /** The caller closes it when the server has stopped. */
  readonly code: HostedCode;
  readonly connectors: ConnectorSettings;
  /** What definitions read as `env`. */
  readonly definitionEnv: Readonly<Record<string, string>>;
  readonly log: Log;
}

export interface Server {
  readonly engine: Engine;
  readonly port: number;
  /** Takes nothing new, lets requests and step bodies finish, closes the store. */
  stop(): Promise<void>;
}

/** The address cannot be listened on, in a sentence. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** @throws {MillraceError} option.invalid, storage.locked, … with a sentence for whoever started it */
export async function openServer(options: ServerOptions): Promise<Server> {
  const { data, code, log, mode, adminKey } = options;
  // Whatever this process writes is its owner's alone: payloads, keys, backups.
  process.umask(0o077);
  await ensureDataFolder(data);
  const storage = await createSqliteStorage({ path: storeFile(data) });
  const settings = options.connectors;
  const connectors = await openConnectors({ settings, mode, data }).catch(
    async (error: unknown) => {
      await storage.close();
      throw error;
    },
  );
  const { actions, callFunction, sandbox } = connectors;
  const engine = createEngine({
    storage,
    functions: code.functions,
    actions,
    callFunction,
    env: options.definitionEnv,
    log,
  });
  try {
    await engine.start();
    await code.attach(engine);
    if (mode === "development" && adminKey === null) await ensureDevKey(engine, data);
    const stopping = new AbortController();
    const adminKeyDigest = adminKey === null ? null : digestOf(adminKey);
    const { signal } = stopping;
    const app = createApp({ engine, log, mode, adminKeyDigest, sandbox, stopping: signal });
    const listener = await listen({ app, host: options.host, port: options.port }).catch(
      (error: unknown) => {
        throw explainListening(error, options);
      },
    );
    const parts = { listener, engine, connectors, stopping };
    return { engine, port: listener.port, stop: () => stop(parts) };
  } catch (error) {
    await engine.stop({ graceMs: 0 });
    await connectors.close();
    throw error;
  }
}

interface Parts {
  readonly listener: Listener;
  readonly engine: Engine;
  readonly connectors: OpenConnectors;
  readonly stopping: AbortController;
}

async function stop({ listener, engine, connectors, stopping }: Parts): Promise<void> {
  stopping.abort();
  await listener.close();
  await engine.stop();
  // Actions that were given up may still hold a connection open.
  await connectors.close();
}

function explainListening(cause: unknown, { host, port }: ServerOptions): unknown {
  const sentences: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} is taken by another program. Stop that one, or choose another port with --port.`,
    EACCES: `This user may not listen on port ${port}. Choose one above 1023 with --port.`,
    EADDRNOTAVAIL: `This machine has no address ${host}. Choose another with --host.`,
    ENOTFOUND: `There is no host named ${host}. Choose another with --host.`,
  };
  const sentence = sentences[errorCodeOf(cause) ?? ""];
  return sentence === undefined ? cause : new ListenError(sentence, { cause });
}
