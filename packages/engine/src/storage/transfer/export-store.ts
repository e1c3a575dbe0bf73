import { createHash } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { Readable, type Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { MillraceError } from "@millrace/protocol";
import { headerOf, isCompressed, sumOf, type DumpCounts, type DumpEnd } from "./dump-file.ts";
import { DUMP_TABLES } from "./dump-tables.ts";
import type { StoreSource } from "./store-dump.ts";

export interface ExportRequest {
  readonly source: StoreSource;
  /** Compressed with gzip if it ends in `.gz`. */
  readonly file: string;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface ExportReport {
  readonly path: string;
  readonly sizeBytes: number;
  /** Rows by table. */
  readonly counts: DumpCounts;
  /** Somebody works there: what happens from now on is not in the file. */
  readonly isLive: boolean;
}

/**
 * Writes all of a store into a file, which has its name only when it is whole and on the disk. Closes the source.
 *
 * @throws {MillraceError} option.invalid: something is there already; storage.…
 */
export async function exportStore(request: ExportRequest): Promise<ExportReport> {
  const { source, file } = request;
  const part = `${file}.part`;
  try {
    refuseExisting(file, "Choose another name or move it away.");
    refuseExisting(part, "Another export is writing it, or one broke off; in that case delete it.");
    const counts = await countRows(source);
    const pack: readonly Transform[] = isCompressed(file) ? [createGzip()] : [];
    const made = createWriteStream(part, { flags: "wx", mode: 0o600, flush: true });
    try {
      await pipeline([Readable.from(writeLines(request, counts)), ...pack, made]);
      await rename(part, file);
      await syncFolder(dirname(file));
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
    const { size } = await stat(file);
    return { path: file, sizeBytes: size, counts, isLive: source.isLive };
  } catch (error) {
    throw toFileError(error, file);
  } finally {
    await source.close();
  }
}

async function countRows(source: StoreSource): Promise<DumpCounts> {
  const counts: [string, number][] = [];
  for (const table of DUMP_TABLES) counts.push([table.name, await source.count(table)]);
  return Object.fromEntries(counts);
}

async function* writeLines(
  { source, onProgress }: ExportRequest,
  counts: DumpCounts,
): AsyncGenerator<string> {
  const hash = createHash("sha256");
  const total = sumOf(counts);
  let done = 0;
  const hashed = (text: string): string => {
    hash.update(text);
    return text;
  };
  yield hashed(`${JSON.stringify(headerOf(source.kind, counts, Date.now()))}\n`);
  for (const table of DUMP_TABLES) {
    for await (const rows of source.rows(table)) {
      yield hashed(rows.map((row) => `${JSON.stringify([table.name, ...row])}\n`).join(""));
      done += rows.length;
      onProgress?.(done, total);
    }
  }
  const end: DumpEnd = { end: true, counts, sha256: hash.digest("hex") };
  yield `${JSON.stringify(end)}\n`;
}

function refuseExisting(path: string, advice: string): void {
  if (!existsSync(path)) return;
  throw new MillraceError("option.invalid", `Cannot export to "${path}": it exists. ${advice}`);
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** What the file system says of the file, in a sentence. */
function toFileError(error: unknown, file: string): unknown {
  if (MillraceError.is(error) || !(error instanceof Error) || !("syscall" in error)) return error;
  const message = `Cannot write "${file}" (${error.message}).`;
  return new MillraceError("option.invalid", message, { cause: error });
}
