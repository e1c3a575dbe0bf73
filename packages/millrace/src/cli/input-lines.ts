// The inputs of many runs: a file of JSON, one input a line. It is read twice, first to check every line, so that a
// mistake in the last line starts nothing, then to send; it may be larger than the memory.
import { MillraceError, parseJson, type JsonValue } from "@millrace/protocol";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import type { Io } from "./io.ts";
import { isJsonObject, type JsonObject } from "./read-json-file.ts";

/** One run to start. */
export interface InputLine {
  /** In the file, from 1. */
  readonly line: number;
  /** As the API takes it. */
  readonly item: JsonObject;
  /** Of the line's text. */
  readonly characters: number;
}

export interface InputFile {
  readonly count: number;
  read(): AsyncIterable<InputLine>;
}

export interface InputFileOptions {
  /** `-`: standard input. */
  readonly file: string;
  /** Lines hold `{"input": …, "idempotencyKey": …}` in place of the input. */
  readonly isKeyed: boolean;
}

/** All but `input` say more of the run; see `POST …/run`. */
const KEYED_FIELDS = [
  "input",
  "idempotencyKey",
  "reuseAfterFailure",
  "metadata",
  "workspace",
  "user",
];
const MOST_SHOWN = 10;

/** @throws {MillraceError} option.invalid: it cannot be read, holds nothing, or some line is not as it should be */
export async function openInputFile(options: InputFileOptions, io: Io): Promise<InputFile> {
  const { file, isKeyed } = options;
  const text = file === "-" ? await io.readInput() : null;
  const path = resolve(io.cwd, file);
  if (text === null) await assertFile(path, file);
  const readLines = (): AsyncIterable<string> | Iterable<string> =>
    text === null
      ? createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY })
      : text.split(/\r?\n/);
  async function* read(): AsyncGenerator<InputLine> {
    let line = 0;
    for await (const one of readLines()) {
      line += 1;
      if (one.trim() === "") continue;
      const item = toItem(one, isKeyed);
      // Checked below, unless somebody writes to the file meanwhile.
      if (typeof item === "string") throw mistaken(file, [`line ${line}: ${item}`], 1);
      yield { line, item, characters: one.length };
    }
  }
  return { count: await check(readLines(), options), read };
}

async function assertFile(path: string, file: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isFile() === true) return;
  throw new MillraceError("option.invalid", `There is no file ${file} of inputs.`);
}

async function check(
  lines: AsyncIterable<string> | Iterable<string>,
  { file, isKeyed }: InputFileOptions,
): Promise<number> {
  let [line, count, mistakeCount] = [0, 0, 0];
  const mistakes: string[] = [];
  for await (const one of lines) {
    line += 1;
    if (one.trim() === "") continue;
    const item = toItem(one, isKeyed);
    if (typeof item !== "string") count += 1;
    else {
      mistakeCount += 1;
      if (mistakes.length < MOST_SHOWN) mistakes.push(`line ${line}: ${item}`);
    }
  }
  if (mistakeCount > 0) throw mistaken(file, mistakes, mistakeCount);
  if (count === 0) throw new MillraceError("option.invalid", `${file} holds no inputs.`);
  return count;
}

function mistaken(file: string, shown: readonly string[], count: number): MillraceError {
  const rest = count > shown.length ? `; and ${count - shown.length} more` : "";
  const message = `Nothing was started, since ${file} has mistakes. ${shown.join("; ")}${rest}.`;
  return new MillraceError("option.invalid", message);
}

/** @returns the item, or what is wrong with the line */
function toItem(text: string, isKeyed: boolean): JsonObject | string {
  const parsed = parseJson(text);
  if (!parsed.ok) return `is not JSON: ${parsed.problem}`;
  const { value } = parsed;
  if (!isJsonObject(value)) return "must be an object";
  return isKeyed ? toKeyed(value) : { input: value };
}

function toKeyed(value: JsonObject): JsonObject | string {
  const unknown = Object.keys(value).find((name) => !KEYED_FIELDS.includes(name));
  if (unknown !== undefined) {
    return `has ${JSON.stringify(unknown)}; with --keyed a line has ${KEYED_FIELDS.join(", ")}`;
  }
  const key: JsonValue | undefined = value["idempotencyKey"];
  if (typeof key !== "string" || key === "") return `needs an "idempotencyKey"`;
  return value;
}
