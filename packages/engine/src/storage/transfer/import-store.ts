import { MillraceError } from "@millrace/protocol";
import type { Row } from "../rows/cells.ts";
import { readDump, sumOf, type DumpCounts, type DumpHeader } from "./dump-file.ts";
import type { DumpTable } from "./dump-tables.ts";
import type { StoreTarget } from "./store-dump.ts";

export interface ImportRequest {
  readonly file: string;
  /** Called when the file is known to be whole; until then nothing is touched. */
  readonly openTarget: () => Promise<StoreTarget>;
  /** The file is read twice. */
  readonly onProgress?: (doing: "checked" | "imported", done: number, total: number) => void;
}

export interface ImportReport {
  /** Rows by table. */
  readonly counts: DumpCounts;
  /** When it was exported, epoch ms. */
  readonly exportedAt: number;
}

/** Of one transaction. */
const MOST_ROWS = 500;
const MOST_CHARACTERS = 4 * 1024 * 1024;

/**
 * Fills an empty store from a file. One that breaks off leaves a store that no node starts on.
 *
 * @throws {MillraceError} option.invalid: the file is torn, or the store is not empty; storage.…
 */
export async function importStore(request: ImportRequest): Promise<ImportReport> {
  const { file, openTarget, onProgress } = request;
  const { counts, exportedAt } = await check(request);
  const total = sumOf(counts);
  const target = await openTarget();
  try {
    await target.begin();
    let done = 0;
    for await (const { table, rows } of readBatches(file)) {
      await insert(target, table, rows);
      done += rows.length;
      onProgress?.("imported", done, total);
    }
    await target.finish();
  } finally {
    await target.close();
  }
  return { counts, exportedAt };
}

/** That it is whole, before anything is written. */
async function check({ file, onProgress }: ImportRequest): Promise<DumpHeader> {
  let header: DumpHeader | null = null;
  let done = 0;
  let total = 0;
  try {
    for await (const part of readDump(file)) {
      if (part.kind === "header") {
        header = part.header;
        total = sumOf(header.counts);
      } else {
        done += 1;
        if (done % MOST_ROWS === 0) onProgress?.("checked", done, total);
      }
    }
  } catch (error) {
    throw toFileError(error, file);
  }
  if (header === null) throw new MillraceError("option.invalid", `The file ${file} is empty.`);
  return header;
}

interface RowBatch {
  readonly table: DumpTable;
  readonly rows: readonly Row[];
}

async function* readBatches(file: string): AsyncGenerator<RowBatch> {
  let table: DumpTable | null = null;
  let rows: Row[] = [];
  let characters = 0;
  for await (const part of readDump(file)) {
    if (part.kind === "header") continue;
    const isFull = rows.length >= MOST_ROWS || characters >= MOST_CHARACTERS;
    if (table !== null && rows.length > 0 && (isFull || part.table !== table)) {
      yield { table, rows };
      rows = [];
      characters = 0;
    }
    table = part.table;
    rows.push(part.row);
    characters += sizeOf(part.row);
  }
  if (table !== null && rows.length > 0) yield { table, rows };
}

const sizeOf = (row: Row): number =>
  row.reduce<number>((sum, cell) => sum + (typeof cell === "string" ? cell.length : 8), 0);

async function insert(target: StoreTarget, table: DumpTable, rows: readonly Row[]): Promise<void> {
  try {
    await target.insert(table, rows);
  } catch (error) {
    if (!MillraceError.is(error)) throw error;
    const message = `The import broke off at ${table.name}: ${error.message}`;
    throw new MillraceError(error.code, message, { cause: error });
  }
}

/** What the file system says of the file, in a sentence. */
function toFileError(error: unknown, file: string): unknown {
  if (MillraceError.is(error) || !(error instanceof Error) || !("syscall" in error)) return error;
  const message = `Cannot read "${file}" (${error.message}).`;
  return new MillraceError("option.invalid", message, { cause: error });
}
