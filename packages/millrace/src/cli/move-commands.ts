// `millrace export` and `import`: carry a whole store to another place, from beside the server; `millrace resume` lets it
// go on there.
import { exportStore, importStore, type StoreSource, type StoreTarget } from "@millrace/engine";
import {
  describePostgresUrl,
  openPostgresSource,
  openPostgresTarget,
} from "@millrace/engine/postgres";
import { openSqliteSource, openSqliteTarget } from "@millrace/engine/sqlite";
import { MillraceError } from "@millrace/protocol";
import type { Command } from "commander";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { createLog } from "../log.ts";
import { formatBytes } from "./backup-command.ts";
import { ensureDataFolder, storeFile } from "./data-folder.ts";
import { formatInstant } from "./durations.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { explainDatabase } from "./explain-database.ts";
import type { Io } from "./io.ts";
import { openStore, readDatabaseSettings } from "./open-store.ts";
import { createProgress, formatCount, type Progress } from "./progress.ts";
import { readSettings, type Flags, type Settings } from "./settings.ts";
import {
  addSpeaking,
  DATA_FLAG,
  DATABASE_FLAG,
  isJson,
  JSON_FLAG,
  printJson,
  speaking,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";

export function addMoves(program: Command, line: CommandLine): void {
  const { io, done } = line;
  program
    .command("export <file>")
    .description("write the whole store into a file, to import it elsewhere")
    .option(...DATA_FLAG)
    .option(...DATABASE_FLAG)
    .option(...JSON_FLAG)
    .action(async (file: string, flags: Flags) => done(await exportTo(flags, file, io)));
  program
    .command("import <file>")
    .description("fill an empty store from an export; it is paused then")
    .option(...DATA_FLAG)
    .option(...DATABASE_FLAG)
    .option(...JSON_FLAG)
    .action(async (file: string, flags: Flags) => done(await importFrom(flags, file, io)));
  addSpeaking(program, "resume", "let a paused store go on").action(speaking(line, resume));
}

/** What is named by a flag goes before what is configured. @returns null: the store is in the data folder */
function findDatabase(settings: Settings): string | null {
  const [namesFile, namesDatabase] = (["data", "database"] as const).map(
    (name) => settings.sourceOf(name) === "flag",
  );
  if (namesFile && namesDatabase) {
    const message = "--data and --database name two stores. Name one of them.";
    throw new MillraceError("option.invalid", message);
  }
  return namesFile ? null : settings.get("database");
}

async function exportTo(flags: Flags, file: string, io: Io): Promise<ExitCode> {
  const settings = readSettings(flags, io);
  const url = findDatabase(settings);
  const source = await (url === null ? openFile(settings.data) : openDatabase(url));
  const progress = createLazyProgress(io);
  const path = resolve(io.cwd, file);
  const onProgress = (done: number, total: number): void => progress.show("exported", done, total);
  const report = await exportStore({ source, file: path, onProgress }).finally(progress.clear);
  if (report.isLive) {
    io.err(
      "A server works on this store: what happens from now on is not in the file. Stop it before the copy goes on, or both " +
        "do the same work.\n",
    );
  }
  const rows = sumOf(report.counts);
  if (isJson(flags)) printJson(io, { ...report, rows });
  else
    io.out(
      `Exported ${formatCount(rows)} rows to ${report.path} (${formatBytes(report.sizeBytes)}).\n`,
    );
  return EXIT.done;
}

function openFile(data: string): Promise<StoreSource> {
  const path = storeFile(data);
  if (existsSync(path)) return openSqliteSource(path);
  const message = `There is no store in ${data}. Name its folder with --data.`;
  throw new MillraceError("option.invalid", message);
}

async function openDatabase(url: string): Promise<StoreSource> {
  try {
    return await openPostgresSource(url);
  } catch (error) {
    throw explainDatabase(error, describePostgresUrl(url));
  }
}

async function importFrom(flags: Flags, file: string, io: Io): Promise<ExitCode> {
  const settings = readSettings(flags, io);
  const url = findDatabase(settings);
  const progress = createLazyProgress(io);
  const report = await importStore({
    file: resolve(io.cwd, file),
    openTarget: () => (url === null ? makeFile(settings.data) : fillDatabase(url, settings, io)),
    onProgress: progress.show,
  }).finally(progress.clear);
  const to = url === null ? storeFile(settings.data) : describePostgresUrl(url).shown;
  const exportedAt = new Date(report.exportedAt).toISOString();
  const rows = sumOf(report.counts);
  if (isJson(flags)) {
    printJson(io, { to, rows, counts: report.counts, exportedAt, isPaused: true });
    return EXIT.done;
  }
  io.out(
    `Imported ${formatCount(rows)} rows into ${to}, as they were at ${formatInstant(exportedAt)}.\n` +
      "It is paused: start a server on it, look around, and let it go on with: npx millrace resume\n",
  );
  return EXIT.done;
}

async function makeFile(data: string): Promise<StoreTarget> {
  // Payloads and keys are their owner's alone.
  process.umask(0o077);
  await ensureDataFolder(data);
  return openSqliteTarget(storeFile(data));
}

/** As a server opens it: looks at its version, and brings it up to date. */
async function fillDatabase(url: string, settings: Settings, io: Io): Promise<StoreTarget> {
  const log = createLog({ level: "warn", write: io.err });
  const database = { ...readDatabaseSettings(settings), url, readUrl: null };
  const store = await openStore({ data: settings.data, database, log });
  await store.close();
  return openPostgresTarget(url);
}

const sumOf = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

interface LazyProgress {
  readonly show: (word: string, done: number, total: number) => void;
  readonly clear: () => void;
}

/** Totals are known only when it is under way. */
function createLazyProgress(io: Io): LazyProgress {
  let shown: { readonly word: string; readonly progress: Progress } | undefined;
  return {
    show: (word, done, total) => {
      if (shown?.word !== word) {
        shown = { word, progress: createProgress(io, total, `rows ${word}`) };
      }
      shown.progress.show(done);
    },
    clear: () => shown?.progress.clear(),
  };
}

async function resume({ client, io, isJson: asJson }: Call): Promise<ExitCode> {
  const { data } = await client.post<{ readonly wasPaused: boolean }>("/api/v1/resume", {});
  if (asJson) printJson(io, data);
  else if (data.wasPaused) io.out("Runs go on.\n");
  else io.out("It was not paused.\n");
  return EXIT.done;
}
