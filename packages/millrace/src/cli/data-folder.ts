import { MillraceError } from "@millrace/protocol";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { errorCodeOf } from "./error-code.ts";

export const storeFile = (data: string): string => join(data, "millrace.db");

/**
 * Makes the data folder, for its owner only, with a note to git that nothing of it is to be committed: it holds
 * payloads and a key.
 */
export async function ensureDataFolder(data: string): Promise<void> {
  try {
    await makeFolder(data);
    await writeFile(join(data, ".gitignore"), "*\n");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot use ${data} for data (${why}). Choose another folder with --data.`;
    throw new MillraceError("option.invalid", message, { cause });
  }
}

/** Not by `recursive: true`, which never ends below /proc, where there can be no folder. */
async function makeFolder(path: string): Promise<void> {
  const problem = await tryToMake(path);
  if (problem === null) return;
  if (errorCodeOf(problem) !== "ENOENT" || dirname(path) === path) throw problem;
  await makeFolder(dirname(path));
  const again = await tryToMake(path);
  if (again !== null) throw again;
}

/** @returns what went wrong; null: it is there */
async function tryToMake(path: string): Promise<Error | null> {
  try {
    await mkdir(path, { mode: 0o700 });
    return null;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return errorCodeOf(error) === "EEXIST" ? null : error;
  }
}
