// `millrace start`: reads what is configured, opens the server, shows how to use it, and serves until it is told to
// stop. The screen goes to standard output, the log to standard error.
import { describePostgresUrl } from "@millrace/engine/postgres";
import { MillraceError } from "@millrace/protocol";
import { resolve } from "node:path";
import { readConnectorSettings } from "../connectors/connector-settings.ts";
import { createLog, type Log, type LogLevel } from "../log.ts";
import { VERSION } from "../version.ts";
import { createLogAnnouncer, createScreen } from "./announcer.ts";
import { toServerUrl } from "./connection.ts";
import { decideMode } from "./decide-mode.ts";
import { installExample, readExamples, type Example } from "./examples.ts";
import { EXIT, toExitCode, type ExitCode } from "./exit-codes.ts";
import { styleOf, type Io } from "./io.ts";
import { escapeUnsafe, toSafeJson } from "./json-text.ts";
import { loadServerCode } from "./load-server-code.ts";
import { createLineBuffer, prettyLine } from "./log-output.ts";
import { ListenError, openServer, type Server, type ServerOptions } from "./open-server.ts";
import { readDatabaseSettings } from "./open-store.ts";
import { readRetention } from "./retention-settings.ts";
import { runExample } from "./run-example.ts";
import { quote, type Ready } from "./screen.ts";
import { DEFAULT_DATA, DEFAULT_SERVER, toEnvNames, type Settings } from "./settings.ts";
import { watchProcess } from "./watch-process.ts";

export interface StartFlags {
  /** One line of JSON on standard output once the server is ready, and a log of JSON. */
  readonly isJson: boolean;
  /** Nothing moves until somebody resumes it. */
  readonly startsPaused: boolean;
}

export async function start(
  settings: Settings,
  io: Io,
  { isJson, startsPaused }: StartFlags,
): Promise<ExitCode> {
  const host = settings.get("host") ?? "";
  const mode = await decideMode(settings, host);
  const database = readDatabaseSettings(settings);
  const shownDatabase = database === null ? null : describePostgresUrl(database.url).shown;
  const isPretty = !isJson && (settings.get("log") ?? defaultForm(settings, io)) === "pretty";
  const { log, flush } = openLog(settings, io, isPretty);
  const announcer = isPretty ? createScreen(io) : createLogAnnouncer(log);
  // From here on, so that a Ctrl-C while it starts is heard too.
  const stopped = io.untilStopped();
  const waiting = new AbortController();
  void stopped.then(() => waiting.abort());
  using _watch = watchProcess(log, flush);
  try {
    announcer.starting(mode, settings.data, shownDatabase);
    const examples = await findExamples(settings, io);
    await using code = await loadServerCode(settings, io, examples, log);
    announcer.loaded(code.summary);
    const { data } = settings;
    const adminKey = settings.get("adminKey");
    const port = Number(settings.get("port"));
    const connectors = readConnectorSettings((name) => settings.get(name));
    const definitionEnv = readDefinitionEnv(settings, io);
    const own = { data, database, host, port, mode, adminKey, log, signal: waiting.signal };
    const retention = readRetention((name) => settings.get(name));
    const options = { ...own, code, connectors, definitionEnv, retention, startsPaused };
    const server = await openServer(options);
    try {
      const url = toServerUrl(host, server.port);
      announcer.listening(url);
      if (isJson) {
        const where = shownDatabase === null ? { data } : { data, database: shownDatabase };
        const line = { version: VERSION, mode, url, ...where, pid: process.pid };
        io.out(`${toSafeJson(line)}\n`);
      }
      const ready = prepare(server, url, options, examples);
      await Promise.race([ready.then((it) => announcer.ready(it)), stopped]);
      await stopped;
      announcer.stopping();
    } finally {
      await server.stop();
    }
    announcer.stopped();
    // Whoever restarts failed services must see that this one was.
    return server.engine.health().state === "failed" ? EXIT.failed : EXIT.done;
  } catch (error) {
    if (waiting.signal.aborted && isAborted(error)) {
      announcer.stopped();
      return EXIT.done;
    }
    if (isPretty) throw error;
    logFailure(log, error);
    return toExitCode(error);
  } finally {
    flush();
  }
}

/** It was told to stop while it waited for the database. */
const isAborted = (error: unknown): boolean =>
  error instanceof Error && error.name === "AbortError";

/** Of the variables that are named, those that there are. */
function readDefinitionEnv(settings: Settings, { env }: Io): Readonly<Record<string, string>> {
  const names = toEnvNames(settings.get("definitionEnv") ?? "");
  return Object.fromEntries(
    names.flatMap((name): [string, string][] => {
      const value = env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** What was foreseen is told in a sentence; anything else with its stack. */
function logFailure(log: Log, error: unknown): void {
  if (MillraceError.is(error)) log.error({ reason: error.code }, error.message);
  else if (error instanceof ListenError) log.error({}, error.message);
  else log.error({ err: error }, "the server cannot start");
}

/** Puts the examples in, and runs one. */
async function prepare(
  { engine, devKey }: Server,
  url: string,
  { data }: ServerOptions,
  examples: readonly Example[],
): Promise<Ready> {
  const differing: string[] = [];
  for (const example of examples) differing.push(...(await installExample(engine, example)));
  const example = await runExample(engine, examples);
  const clientFlags = toClientFlags(url, data);
  return { url, data, clientFlags, devKey, differing, example };
}

/** What the other commands must be told, if they are called in the same folder. */
function toClientFlags(url: string, data: string): string {
  const server = url === DEFAULT_SERVER ? "" : ` --server ${url}`;
  return data === resolve(DEFAULT_DATA) ? server : `${server} --data ${quote(data)}`;
}

/** Short where a person reads along: there is a terminal, or the examples were asked for. */
const defaultForm = (settings: Settings, io: Io): string =>
  io.terminal() !== null || settings.get("examples") !== null ? "pretty" : "json";

function openLog(
  settings: Settings,
  io: Io,
  isPretty: boolean,
): { readonly log: Log; readonly flush: () => void } {
  const { add, flush } = createLineBuffer(io.err);
  const style = styleOf(io);
  const write = (line: string): void =>
    add(isPretty ? prettyLine(line, style) : escapeUnsafe(line));
  // Checked with the other settings.
  const level = settings.get("logLevel") as LogLevel;
  return { log: createLog({ level, write }), flush };
}

const DEFAULT_EXAMPLES = "examples";

async function findExamples(settings: Settings, io: Io): Promise<readonly Example[]> {
  const folder = settings.get("examples");
  return folder === null ? [] : readExamples(resolve(io.cwd, folder || DEFAULT_EXAMPLES));
}
