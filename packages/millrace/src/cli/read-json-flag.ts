import { MillraceError, parseJson, type JsonValue } from "@millrace/protocol";
import type { Io } from "./io.ts";
import { readText } from "./read-json-file.ts";

/**
 * JSON, `@file`, or `@-` for standard input.
 *
 * @param flag as it is called: `--input`
 * @throws {MillraceError} option.invalid
 */
export async function readJsonFlag(flag: string, text: string, io: Io): Promise<JsonValue> {
  const [json, source] = text.startsWith("@")
    ? [await readText(text.slice(1), io), text.slice(1)]
    : [text, flag];
  const parsed = parseJson(json);
  if (parsed.ok) return parsed.value;
  const hint = text.startsWith("@") ? "" : ` Quote it for your shell: ${flag} '{"amount": 12}'`;
  const message = `${source} is not JSON: ${parsed.problem}.${hint}`;
  throw new MillraceError("option.invalid", message);
}
