// The file of a move: JSON Lines, compressed with gzip if its name ends in `.gz`.
//
//   F1. The first line tells what it is, which columns the rows of each table have, and how many rows there are.
//   F2. Each line after it is one row: the table's name, then its cells.
//   F3. The last line has the counts again and the SHA-256 of all bytes before it: without it the file is torn.
import { createHash, type Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import { MillraceError } from "@millrace/protocol";
import type { Cell, Row } from "../rows/cells.ts";
import { DUMP_TABLES, type DumpTable } from "./dump-tables.ts";

const DUMP_FORMAT = 1;

/** By table; a table without rows may be left out. */
export type DumpCounts = Readonly<Record<string, number>>;

export interface DumpHeader {
  readonly millrace: "export";
  readonly format: number;
  /** Epoch ms. */
  readonly exportedAt: number;
  readonly from: "sqlite" | "postgres";
  /** Names of the columns, in the order of the cells. */
  readonly columns: Readonly<Record<string, readonly string[]>>;
  readonly counts: DumpCounts;
}

export interface DumpEnd {
  readonly end: true;
  readonly counts: DumpCounts;
  readonly sha256: string;
}

export const isCompressed = (file: string): boolean => file.endsWith(".gz");

export const sumOf = (counts: DumpCounts): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

export const headerOf = (
  from: DumpHeader["from"],
  counts: DumpCounts,
  exportedAt: number,
): DumpHeader => ({
  millrace: "export",
  format: DUMP_FORMAT,
  exportedAt,
  from,
  columns: Object.fromEntries(
    DUMP_TABLES.map(({ name, columns }) => [name, columns.map((column) => column.name)]),
  ),
  counts,
});

export type DumpPart =
  | { readonly kind: "header"; readonly header: DumpHeader }
  | { readonly kind: "row"; readonly table: DumpTable; readonly row: Row };

/**
 * Reads all of it, and at the end that it is whole.
 *
 * @throws {MillraceError} option.invalid: it is no export, torn or changed; storage.newer: a later version wrote it
 */
export async function* readDump(file: string): AsyncGenerator<DumpPart> {
  const hash = createHash("sha256");
  const counts = new Map<string, number>();
  let readers: ReadonlyMap<string, RowReader> | null = null;
  let end: DumpEnd | null = null;
  try {
    for await (const line of readLines(file, hash)) {
      if (end !== null) throw torn(file, "something follows its last line");
      if (readers === null) {
        const header = parseHeader(file, line);
        readers = toReaders(file, header);
        yield { kind: "header", header };
      } else if (line.startsWith("{")) {
        end = parseEnd(file, line);
      } else {
        const part = parseRow(file, line, readers);
        counts.set(part.table.name, (counts.get(part.table.name) ?? 0) + 1);
        yield part;
      }
    }
  } catch (error) {
    throw isDamage(error) ? torn(file, "it cannot be decompressed") : error;
  }
  if (end === null) throw torn(file, "its last line is missing");
  if (end.sha256 !== hash.digest("hex")) throw torn(file, "its checksum is another");
  const told = new Map(Object.entries(end.counts));
  for (const [table, count] of counts)
    if (told.get(table) !== count) throw torn(file, `it has ${count} rows of ${table}`);
}

const isDamage = (error: unknown): boolean =>
  error instanceof Error &&
  "code" in error &&
  typeof error.code === "string" &&
  error.code.startsWith("Z_");

const torn = (file: string, why: string): MillraceError =>
  new MillraceError(
    "option.invalid",
    `The file ${file} is torn or was changed: ${why}. Nothing of it can be trusted; copy or export it again.`,
  );

const LINE_FEED = 10;
/** How the last line begins: what comes before it is what the checksum is of. */
const END_BEGINS = Buffer.from('{"end"');

/** Line feeds part lines, and nothing else: a text may hold whatever other programs take for one. */
async function* readLines(file: string, hash: Hash): AsyncGenerator<string> {
  const bytes = createReadStream(file);
  const source = isCompressed(file) ? pipeline(bytes, createGunzip(), () => undefined) : bytes;
  let parts: Buffer[] = [];
  // A stream of bytes without an encoding gives buffers.
  for await (const chunk of source as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      parts.push(chunk.subarray(from, at + 1));
      const line = parts.length === 1 ? parts[0] : Buffer.concat(parts);
      parts = [];
      from = at + 1;
      if (line === undefined) continue;
      if (!line.subarray(0, END_BEGINS.length).equals(END_BEGINS)) hash.update(line);
      yield line.toString("utf8", 0, line.length - 1);
    }
    if (from < chunk.length) parts.push(chunk.subarray(from));
  }
  if (parts.length > 0) throw torn(file, "it ends in the middle of a line");
}

function parseHeader(file: string, line: string): DumpHeader {
  const header = parseObject(line);
  if (header?.["millrace"] !== "export") {
    const message = `The file ${file} is no export of Millrace.`;
    throw new MillraceError("option.invalid", message);
  }
  if (header["format"] !== DUMP_FORMAT) {
    const message =
      `The file ${file} has the format ${String(header["format"])}, and this version reads ${DUMP_FORMAT}. ` +
      "Import it with the version of Millrace that exported it, or a later one.";
    throw new MillraceError("storage.newer", message);
  }
  // `headerOf` wrote it, in this format.
  return header as unknown as DumpHeader;
}

function parseEnd(file: string, line: string): DumpEnd {
  const end = parseObject(line);
  if (end?.["end"] !== true) throw torn(file, "a line is neither a row nor the end");
  // `exportStore` wrote it, in this format.
  return end as unknown as DumpEnd;
}

function parseObject(line: string): Readonly<Record<string, unknown>> | null {
  const parsed = parseLine(line);
  // An object's keys are texts.
  return typeof parsed === "object" && parsed !== null && !Array.isArray(parsed)
    ? (parsed as Readonly<Record<string, unknown>>)
    : null;
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // Told by the caller, who knows what should stand there.
    return undefined;
  }
}

interface RowReader {
  readonly table: DumpTable;
  /** How many cells a row has in the file. */
  readonly width: number;
  /** Places of the table's columns among them; -1: the file is older than the column. */
  readonly places: readonly number[];
}

function toReaders(file: string, header: DumpHeader): ReadonlyMap<string, RowReader> {
  const readers = new Map<string, RowReader>();
  for (const [name, columns] of Object.entries(header.columns)) {
    const table = DUMP_TABLES.find((one) => one.name === name);
    const unknown = columns.find((column) => !table?.columns.some((one) => one.name === column));
    if (table === undefined || unknown !== undefined) {
      const what = table === undefined ? `the table ${name}` : `the column ${name}.${unknown}`;
      const message = `A newer Millrace wrote the file ${file}: it has ${what}. Import it with that version.`;
      throw new MillraceError("storage.newer", message);
    }
    const places = table.columns.map((column) => columns.indexOf(column.name));
    readers.set(name, { table, width: columns.length, places });
  }
  return readers;
}

function parseRow(
  file: string,
  line: string,
  readers: ReadonlyMap<string, RowReader>,
): { readonly kind: "row"; readonly table: DumpTable; readonly row: Row } {
  const parsed = parseLine(line);
  if (!Array.isArray(parsed)) throw torn(file, "a line is no row");
  const [name, ...cells] = parsed as readonly unknown[];
  const reader = typeof name === "string" ? readers.get(name) : undefined;
  if (reader?.width !== cells.length) throw torn(file, "a row has other columns than were told");
  const { table, places } = reader;
  const row = places.map((place) => (place < 0 ? null : (cells[place] ?? null)));
  const wrong = table.columns.find((column, i) => !fits(row[i], column));
  if (wrong !== undefined)
    throw torn(file, `a row has no ${wrong.type} as ${table.name}.${wrong.name}`);
  // Each was compared with its column.
  return { kind: "row", table, row: row as Cell[] };
}

function fits(cell: unknown, { type, isNullable }: DumpTable["columns"][number]): boolean {
  if (cell === null) return isNullable;
  return type === "text" ? typeof cell === "string" : Number.isSafeInteger(cell);
}
