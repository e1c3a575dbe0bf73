// `millrace runs export`: runs of code workflows as lines, for `millrace check`.
import { MillraceError, type ReplayRecord } from "@millrace/protocol";
import { toStructure } from "@millrace/sdk/check";
import type { Command } from "commander";
import { createHmac, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createWriteStream, type WriteStream } from "node:fs";
import { realpath, rename, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { errorCodeOf } from "./error-code.ts";
import { EXIT, type ExitCode } from "./exit-codes.ts";
import { fetchRecords, findRuns, type Fetched, type FoundRuns } from "./fetch-records.ts";
import { plain, type Io } from "./io.ts";
import { createProgress, formatCount } from "./progress.ts";
import type { Flags } from "./settings.ts";
import { sinceFlag } from "./since.ts";
import {
  addSpeaking,
  numberFlag,
  printJson,
  speaking,
  textFlag,
  type Call,
  type CommandLine,
} from "./speaking-command.ts";

const DEFAULT_LIMIT = 1_000;

export function addRunsExport(runs: Command, line: CommandLine): void {
  addSpeaking(runs, "export [ids...]", "write runs of code workflows as lines, to check code with")
    .option("--out <file>", "where to (default: standard output)")
    .option("--structure-only", "no text of a customer: stand-ins for texts and large numbers")
    .option("--workflow <workflow>", "those of this workflow, by its id or slug")
    .option("--status <status>", "those that are so: running, or failed,cancelled …")
    .option("--since <time>", "those made since then: 30m, 12h, 7d, or an instant")
    .option("--limit <number>", `how many of the newest to look at (default: ${DEFAULT_LIMIT})`)
    .action(speaking(line, exportRuns));
}

interface Tally {
  exportedCount: number;
  /** Of JSON workflows. */
  leftOutCount: number;
  readonly problems: { readonly id: string; readonly message: string }[];
}

async function exportRuns(call: Call, ids: readonly string[]): Promise<ExitCode> {
  const { client, io, flags, isJson } = call;
  const found = await findWanted(call, ids);
  const out = textFlag(flags, "out");
  if (isJson && out === undefined) {
    throw new MillraceError("option.invalid", "--json says what came of it: give --out as well.");
  }
  const tally: Tally = { exportedCount: 0, leftOutCount: 0, problems: [] };
  const progress = createProgress(io, found.runs.length, "read");
  const onRead = (count: number): void => {
    if (out !== undefined) progress.show(count);
  };
  const lines = toLines(fetchRecords(client, found.runs), createToLine(flags), tally, onRead);
  let isWhole = true;
  try {
    if (out === undefined) for await (const line of lines) io.out(line);
    else isWhole = await writeWhole(out, lines, io);
  } finally {
    progress.clear();
  }
  if (!isWhole) {
    io.err(`Stopped: ${plain(out ?? "")} is as it was.\n`);
    return EXIT.failed;
  }
  if (isJson) printJson(io, { file: out, ...tally, isMore: found.isMore });
  else tell(tally, found.isMore, out, io);
  // What is named has to be there; of what a list held, something may be gone meanwhile.
  const isShort = ids.length > 0 && tally.exportedCount < ids.length;
  return isShort ? EXIT.failed : EXIT.done;
}

async function findWanted(call: Call, ids: readonly string[]): Promise<FoundRuns> {
  const { client, flags } = call;
  const query = {
    workflowId: textFlag(flags, "workflow"),
    status: textFlag(flags, "status"),
    createdAfter: sinceFlag(flags),
  };
  const limit = numberFlag(flags, "limit");
  if (ids.length === 0) return findRuns(client, query, limit ?? DEFAULT_LIMIT);
  if (limit !== undefined || Object.values(query).some((value) => value !== undefined)) {
    const message =
      "Name ids of runs, or say which with --workflow, --status, --since and --limit.";
    throw new MillraceError("option.invalid", message);
  }
  return { runs: ids.map((id) => ({ id, workflowId: null })), isMore: false };
}

async function* toLines(
  runs: AsyncIterable<Fetched>,
  toLine: (record: ReplayRecord) => string,
  tally: Tally,
  onRead: (count: number) => void,
): AsyncGenerator<string, void> {
  let readCount = 0;
  for await (const fetched of runs) {
    readCount += 1;
    onRead(readCount);
    if (fetched.kind === "record") {
      tally.exportedCount += 1;
      yield toLine(fetched.record);
    } else if (fetched.kind === "not-code") tally.leftOutCount += 1;
    else tally.problems.push({ id: fetched.id, message: fetched.message });
  }
}

/** The secret is forgotten with the export, so nobody can try which texts give its stand-ins. */
function createToLine(flags: Flags): (record: ReplayRecord) => string {
  const secret = randomBytes(32);
  const digest = (text: string): string => createHmac("sha256", secret).update(text).digest("hex");
  return (record) => {
    const written = flags["structureOnly"] === true ? toStructure(record, digest) : record;
    return `${JSON.stringify(written)}\n`;
  };
}

/**
 * Written beside and put in its place at the end: a part of an export is never taken for all of it, nor left behind.
 *
 * @returns false: the command was told to stop, and the file is as it was
 */
async function writeWhole(name: string, lines: AsyncIterable<string>, io: Io): Promise<boolean> {
  const stopped = io.untilStopped().then(() => false);
  const { path, isReplaced } = await findTarget(resolve(io.cwd, name));
  const part = isReplaced ? `${path}.${randomBytes(6).toString("hex")}.part` : path;
  // It holds payloads, so nobody else may have made it, or read it.
  const into = createWriteStream(part, { mode: 0o600, flags: isReplaced ? "wx" : "w" });
  try {
    const written = pipeline(lines, into).then(() => true);
    // The server may take its time with what was asked last, and nobody waits for that.
    const isWhole = await Promise.race([written, stopped]);
    written.catch(() => undefined);
    if (isWhole && isReplaced) await rename(part, path);
    if (!isWhole) await discard(into, isReplaced ? part : null);
    return isWhole;
  } catch (cause) {
    if (isReplaced) await rm(part, { force: true });
    // Else it was the server that broke off.
    if (!/^E[A-Z]+$/.test(errorCodeOf(cause) ?? "")) throw cause;
    throw new MillraceError("option.invalid", `Cannot write ${name}.`, { cause });
  }
}

/** @param part null: what is written into stays */
async function discard(into: WriteStream, part: string | null): Promise<void> {
  into.destroy();
  if (!into.closed) await once(into, "close");
  if (part !== null) await rm(part, { force: true });
}

interface Target {
  /** Behind links. */
  readonly path: string;
  /** false: a device or a pipe, which nothing can take the place of. */
  readonly isReplaced: boolean;
}

async function findTarget(path: string): Promise<Target> {
  const found = await stat(path).catch(() => null);
  if (found !== null && !found.isFile()) return { path, isReplaced: false };
  return { path: await realpath(path).catch(() => path), isReplaced: true };
}

function tell(tally: Tally, isMore: boolean, out: string | undefined, io: Io): void {
  const { exportedCount, leftOutCount, problems } = tally;
  const runs = exportedCount === 1 ? "run" : "runs";
  if (out !== undefined)
    io.out(`Exported ${formatCount(exportedCount)} ${runs} to ${plain(out)}.\n`);
  if (leftOutCount > 0) {
    io.err(
      `${formatCount(leftOutCount)} of JSON workflows were left out: each is pinned to its version, which no deploy changes.\n`,
    );
  }
  for (const { id, message } of problems) io.err(`${plain(`${id}: ${message}`)}\n`);
  if (isMore) io.err("There are more: --limit takes them as well.\n");
}
