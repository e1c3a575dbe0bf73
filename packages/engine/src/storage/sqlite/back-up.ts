// ?1 path of the copy. `vacuum into` reads one snapshot while the writer goes on, and syncs what it
// wrote.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Database } from "./database.ts";
import { Fault, toFault } from "./errors.ts";

const TEXT = "vacuum into ?1";

/**
 * Copies the database as it is now. The copy has its name only when it is whole and on the disk.
 *
 * @returns its size in bytes
 * @throws {Fault} option.invalid: something is there already; storage.unusable: its folder cannot
 * be written
 */
export function backUpTo(database: Database, to: string): number {
  const part = `${to}.part`;
  refuseExisting(to, "Choose another name or move it away.");
  refuseExisting(part, "Another backup is writing it, or one broke off; in that case delete it.");
  try {
    database.prepare(TEXT).run(part);
    renameSync(part, to);
    syncFolder(dirname(to));
    return statSync(to).size;
  } catch (error) {
    rmSync(part, { force: true });
    throw toFault(error, "open", `the backup's target "${to}"`);
  }
}

function refuseExisting(path: string, advice: string): void {
  if (!existsSync(path)) return;
  throw new Fault("option.invalid", `Cannot back up to "${path}": it exists. ${advice}`);
}

function syncFolder(path: string): void {
  const folder = openSync(path, "r");
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
