// `millrace start`: reads what is configured, opens the server, shows how to use it, and serves until it is told to
// stop. The screen goes to standard output, the log to standard error.
import { MillraceError } from "@millrace/protocol";
import { resolve } from "node:path";
import { createLog, type LogLevel } from "../log.ts";
import { isLoopbackHost } from "../loopback.ts";
import type { Mode } from "../mode.ts";
import { VERSION } from "../version.ts";
import { toServerUrl } from "./client.ts";
import { installExample, readExamples, type Example } from "./examples.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { styleOf, type Io } from "./io.ts";
import { findModules, loadFunctions } from "./load-functions.ts";
import { createLineBuffer, prettyLine } from "./log-output.ts";
import { openServer, type Server } from "./open-server.ts";
import { runExample } from "./run-example.ts";
import { drawReady, drawTitle } from "./screen.ts";
import type { Settings } from "./settings.ts";
import { watchProcess } from "./watch-process.ts";

export async function start(settings: Settings, io: Io, isJson: boolean): Promise<ExitCode> {
  const host = settings.get("host") ?? "";
  const mode = await decideMode(settings, host);
  const given = settings.get("examples");
  const isPretty = !isJson && (settings.get("log") ?? choosePretty(io, given)) === "pretty";
  const output = openLog(settings, io, isPretty);
  const { log } = output;
  using _watch = watchProcess(log, output.flush);
  try {
    if (isPretty) io.out(`${drawTitle(mode, settings.data, styleOf(io))}\n`);
    else log.info({ mode, version: VERSION }, `Millrace ${VERSION} starts in ${mode} mode`);
    const examples = given === null ? [] : await readExamples(resolve(io.cwd, given || "examples"));
    const server = await openServer({
      data: settings.data,
      host,
      port: Number(settings.get("port")),
      mode,
      adminKey: settings.get("adminKey"),
      functions: await loadFunctions(await findAllModules(settings, io, examples)),
      log,
    });
    const tell = (text: string): void => (isPretty ? io.out(`${text}\n`) : log.info({}, text));
    try {
      const url = toServerUrl(host, server.port);
      if (!isPretty) log.info({ url }, `serves ${url}`);
      await present(server, examples, { settings, io, isPretty, isJson, mode, url });
      await io.untilStopped();
      if (isPretty) io.out("\n");
      tell("Stopping: requests and steps may finish. Ctrl-C again stops at once.");
    } finally {
      await server.stop();
    }
    tell("Stopped. Runs that have not ended go on at the next start.");
    return EXIT.done;
  } finally {
    output.flush();
  }
}

interface Presented {
  readonly settings: Settings;
  readonly io: Io;
  readonly isPretty: boolean;
  readonly isJson: boolean;
  readonly mode: Mode;
  readonly url: string;
}

/** What the user sees once the server answers. */
async function present(
  server: Server,
  examples: readonly Example[],
  { settings, io, isPretty, isJson, mode, url }: Presented,
): Promise<void> {
  const { data } = settings;
  if (isJson)
    io.out(`${JSON.stringify({ version: VERSION, mode, url, data, pid: process.pid })}\n`);
  const differing: string[] = [];
  for (const example of examples) differing.push(...(await installExample(server.engine, example)));
  const shown = await runExample(server.engine, examples);
  if (!isPretty) return;
  const hasDevKey = mode === "development" && settings.get("adminKey") === null;
  const options = { url, data, hasDevKey, differing, example: shown };
  io.out(`${drawReady(options, styleOf(io))}\n`);
}

/** A person reads along: there is a terminal, or the examples were asked for. */
const choosePretty = (io: Io, examples: string | null): string =>
  io.terminal() !== null || examples !== null ? "pretty" : "json";

function openLog(
  settings: Settings,
  io: Io,
  isPretty: boolean,
): { readonly log: ReturnType<typeof createLog>; readonly flush: () => void } {
  const buffer = createLineBuffer(io.err);
  const style = styleOf(io);
  const write = isPretty ? (line: string) => buffer.add(prettyLine(line, style)) : buffer.add;
  // Checked with the other settings.
  const level = settings.get("logLevel") as LogLevel;
  // The screen has told what the first lines of a log tell.
  return { log: createLog({ level, write }), flush: buffer.flush };
}

/** @throws {MillraceError} option.invalid: nobody could use this server, or everybody */
async function decideMode(settings: Settings, host: string): Promise<Mode> {
  const isLocal = await isLoopbackHost(host);
  const mode = isLocal && settings.get("mode") !== "production" ? "development" : "production";
  if (mode === "development" || settings.get("adminKey") !== null) return mode;
  const why = isLocal
    ? "MILLRACE_ENV is production"
    : `The address ${host} can be reached from other machines`;
  const message = `${why}, so a key is needed: set MILLRACE_ADMIN_KEY to 32 or more random characters, for example by "openssl rand -base64 32".`;
  throw new MillraceError("option.invalid", message);
}

async function findAllModules(
  settings: Settings,
  io: Io,
  examples: readonly Example[],
): Promise<readonly string[]> {
  const folder = settings.get("functions");
  const own = folder === null ? [] : await findModules(resolve(io.cwd, folder));
  return [...own, ...examples.flatMap(({ modules }) => modules)];
}
