import { MillraceError } from "@millrace/protocol";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

export const storeFile = (data: string): string => join(data, "millrace.db");

/**
 * Makes the data folder, for its owner only, with a note to git that nothing of it is to be committed: it holds
 * payloads and a key.
 */
export async function ensureDataFolder(data: string): Promise<void> {
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
    await writeFile(join(data, ".gitignore"), "*\n");
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const message = `Cannot use ${data} for data (${why}). Choose another folder with --data.`;
    throw new MillraceError("option.invalid", message, { cause });
  }
}
