// Puts the parts of a server together: store, engine, keys, app, port.
import { createEngine, type Engine, type Log, type RetentionOptions } from "@millrace/engine";
import { createApp } from "../app.ts";
import { digestOf } from "../auth/key.ts";
import type { HostedCode } from "../code/hosted-code.ts";
import type { ConnectorSettings } from "../connectors/connector-settings.ts";
import { openConnectors, type OpenConnectors } from "../connectors/open-connectors.ts";
import { listen, type Listener } from "../listen.ts";
import type { Mode } from "../mode.ts";
import { ensureDataFolder } from "./data-folder.ts";
import { devKeyFile, ensureDevKey, type DevKey } from "./dev-key.ts";
import { errorCodeOf } from "./error-code.ts";
import { openStore, type DatabaseSettings } from "./open-store.ts";
import { waitForDatabase } from "./wait-for-database.ts";

export interface ServerOptions {
  readonly data: string;
  /** null: the store is in the data folder. */
  readonly database: DatabaseSettings | null;
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
  readonly retention: RetentionOptions;
  readonly log: Log;
  /** Nothing moves until somebody resumes it. */
  readonly startsPaused: boolean;
  /** Ends the wait for a database that is away. */
  readonly signal: AbortSignal;
}

export interface Server {
  readonly engine: Engine;
  readonly port: number;
  readonly devKey: DevKey;
  /** Takes nothing new, lets requests and step bodies finish, closes the store. */
  stop(): Promise<void>;
}

/** The address cannot be listened on, in a sentence. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** @throws {MillraceError} option.invalid, storage.locked, … with a sentence for whoever started it; the signal's reason */
export async function openServer(options: ServerOptions): Promise<Server> {
  const { data, code, log, mode } = options;
  // Whatever this process writes is its owner's alone: payloads, keys, backups.
  process.umask(0o077);
  await ensureDataFolder(data);
  const storage = await openStore(options);
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
    startsPaused: options.startsPaused,
    retention: options.retention,
    log,
  });
  try {
    // It has answered, and may go away again before the end.
    await patiently(options, () => engine.start());
    await patiently(options, () => code.attach(engine));
    const devKey = await patiently(options, () => findDevKey(engine, options));
    const stopping = new AbortController();
    const adminKeyDigest = options.adminKey === null ? null : digestOf(options.adminKey);
    const { signal } = stopping;
    const app = createApp({ engine, log, mode, adminKeyDigest, sandbox, stopping: signal });
    const listener = await listen({ app, host: options.host, port: options.port }).catch(
      (error: unknown) => {
        throw explainListening(error, options);
      },
    );
    const parts = { listener, engine, connectors, stopping };
    return { engine, port: listener.port, devKey, stop: () => stop(parts) };
  } catch (error) {
    await engine.stop({ graceMs: 0 });
    await connectors.close();
    throw error;
  }
}

const patiently = <T>(options: ServerOptions, work: () => Promise<T>): Promise<T> =>
  options.database === null
    ? work()
    : waitForDatabase(work, { ...options, url: options.database.url });

async function findDevKey(engine: Engine, options: ServerOptions): Promise<DevKey> {
  const { data, database, mode, adminKey, log } = options;
  if (mode !== "development" || adminKey !== null) return "none";
  const devKey = await ensureDevKey(engine, data, database !== null);
  if (devKey === "elsewhere") {
    const file = devKeyFile(data);
    log.warn(
      { file },
      "another node made the development key of this database: " +
        `copy its <data>/dev-key to ${file}, or set MILLRACE_ADMIN_KEY`,
    );
  }
  return devKey;
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
