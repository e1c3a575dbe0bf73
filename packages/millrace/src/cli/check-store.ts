// What `millrace doctor` looks at in the store. It reads a copy, so that it takes no lock that a server would miss, and
// a server that serves goes on.
import {
  backUpSqliteFile,
  compareSqliteSchema,
  createSqliteStorage,
} from "@millrace/engine/sqlite";
import { MillraceError } from "@millrace/protocol";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { formatBytes } from "./backup-command.ts";
import { storeFile } from "./data-folder.ts";
import { fail, ok, warn, type Finding } from "./finding.ts";

/** A copy of more would keep its caller waiting, and the disk busy. */
const LARGEST_COPY_BYTES = 256 * 1_048_576;

export async function checkStore(data: string): Promise<Finding> {
  const check = "store";
  const path = storeFile(data);
  const found = await stat(path).catch(() => null);
  if (found === null) return ok(check, "there is none yet; the first start makes it");
  if (found.size > LARGEST_COPY_BYTES) {
    const size = formatBytes(found.size);
    const advice = "millrace backup <file> reads it all; do so now and then.";
    return warn(check, `${path} has ${size} and was not read`, advice);
  }
  try {
    const { bytes, differing } = await readCopy(path, data);
    if (differing.length > 0) {
      const advice =
        "Somebody changed the store by hand: put a backup in its place, or undo the change.";
      return fail(check, `its schema differs in ${differing.join(", ")}`, advice);
    }
    return ok(check, `opens and can be read (${formatBytes(bytes)})`);
  } catch (error) {
    if (!MillraceError.is(error)) throw error;
    const advice = "Start the version that wrote it, or put a backup in its place.";
    return fail(check, error.message, advice);
  }
}

interface Copied {
  readonly bytes: number;
  /** Tables and indexes that are not as this version makes them, once it has brought the copy up to date. */
  readonly differing: readonly string[];
}

/** @returns its size, with what the log beside the file holds @throws {MillraceError} storage.unusable, storage.newer … */
async function readCopy(path: string, data: string): Promise<Copied> {
  const folder = await mkdtemp(join(data, "doctor-"));
  try {
    const copy = join(folder, "copy.db");
    const { sizeBytes } = await backUpSqliteFile(path, copy);
    const storage = await createSqliteStorage({ path: copy });
    try {
      // Refuses what another program, or a newer Millrace, has written.
      await storage.migrate();
    } finally {
      await storage.close();
    }
    return { bytes: sizeBytes, differing: compareSqliteSchema(copy) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
