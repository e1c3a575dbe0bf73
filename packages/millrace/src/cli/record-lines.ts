// The records of an export, line by line: it may be larger than the memory.
import { MillraceError, parseJson } from "@millrace/protocol";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
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
  const lines = await openLines(file, io);
  async function* readValues(): AsyncGenerator<unknown, void> {
    let line = 0;
    for await (const text of lines) {
      line += 1;
      if (text.trim() === "") continue;
      lineNumbers.push(line);
      const parsed = parseJson(text);
      yield parsed.ok ? parsed.value : new Error(parsed.problem);
    }
  }
  return { values: readValues(), lineOf: (number) => lineNumbers[number - 1] ?? number };
}

async function openLines(file: string, io: Io): Promise<AsyncIterable<string> | Iterable<string>> {
  if (file === "-") return (await io.readInput()).split(/\r?\n/);
  const path = resolve(io.cwd, file);
  const found = await stat(path).catch(() => null);
  if (found?.isFile() !== true) {
    throw new MillraceError("option.invalid", `There is no file ${file} of runs.`);
  }
  const input = createReadStream(path);
  return createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
}
