import { MillraceError, parseJson, type JsonValue } from "@millrace/protocol";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Io } from "./io.ts";

export type JsonObject = { readonly [key: string]: JsonValue };

export const isJsonObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The text of a file; `-`: standard input.
 *
 * @throws {MillraceError} option.invalid: it cannot be read
 */
export async function readText(name: string, io: Io): Promise<string> {
  if (name === "-") return io.readInput();
  try {
    return await readFile(resolve(io.cwd, name), "utf8");
  } catch (cause) {
    throw new MillraceError("option.invalid", `Cannot read the file ${name}.`, { cause });
  }
}

/** @throws {MillraceError} option.invalid: it cannot be read, or holds no object */
export async function readJsonObject(name: string, io: Io): Promise<JsonObject> {
  const parsed = parseJson(await readText(name, io));
  if (!parsed.ok)
    throw new MillraceError("option.invalid", `${name} is not JSON: ${parsed.problem}.`);
  if (isJsonObject(parsed.value)) return parsed.value;
  throw new MillraceError("option.invalid", `${name} must hold an object.`);
}
