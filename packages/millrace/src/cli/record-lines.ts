// The records of an export, line by line: it may be larger than the memory.
import { MillraceError, parseJson } from "@millrace/protocol";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { errorCodeOf } from "./error-code.ts";
import type { Io } from "./io.ts";

export interface RecordLines {
  /** Each line's JSON; an `Error` in place of what is none. */
  readonly values: AsyncIterable<unknown>;
  /** Where the value of this number, from 1, stands in the file. */
  readonly lineOf: (number: number) => number;
}

/**
 * @param file `-`: standard input
 * @throws {MillraceError} option.invalid: there is no such file
 */
export async function readRecordLines(file: string, io: Io): Promise<RecordLines> {
  const lineNumbers: number[] = [];
  const open = await findLines(file, io);
  async function* readValues(): AsyncGenerator<unknown, void> {
    let line = 0;
    try {
      for await (const text of open()) {
        line += 1;
        if (text.trim() === "") continue;
        lineNumbers.push(line);
        yield readLine(text);
      }
    } catch (cause) {
      if (errorCodeOf(cause) === null) throw cause;
      throw new MillraceError("option.invalid", `Cannot read ${file}.`, { cause });
    }
  }
  return { values: readValues(), lineOf: (number) => lineNumbers[number - 1] ?? number };
}

/** A record stands above the values of its run, which may be as deep as a door allows; whoever reads it bounds it. */
function readLine(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Else it was a mark that editors add.
    const parsed = parseJson(text);
    return parsed.ok ? parsed.value : new Error(parsed.problem);
  }
}

type Lines = AsyncIterable<string> | Iterable<string>;

/** @returns what begins to read; a line that comes before anybody waits for it would be lost */
async function findLines(file: string, io: Io): Promise<() => Lines> {
  if (file === "-") {
    const lines = (await io.readInput()).split(/\r?\n/);
    return () => lines;
  }
  const path = resolve(io.cwd, file);
  const found = await stat(path).catch(() => null);
  if (found?.isFile() !== true) {
    throw new MillraceError("option.invalid", `There is no file ${file} of runs.`);
  }
  return () => {
    const input = createReadStream(path);
    return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  };
}
