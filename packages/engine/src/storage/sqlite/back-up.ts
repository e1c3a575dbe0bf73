// ?1 path of the copy. `vacuum into` reads one snapshot while the writer goes on, and syncs what it
// wrote. The copy says that it is one: whoever opens it is paused, since the store that it was taken from may work on.
import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { MARK_COLUMNS, PAUSED_MARK, toMark, toPauseBody } from "../store-marks.ts";
import { openDatabase, type Database } from "./database.ts";
import { Fault, toFault } from "./errors.ts";

const TEXT = "vacuum into ?1";
/** A copy of a copy has it already. */
const MARK = `insert into catalog (${MARK_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing`;

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
    pause(part);
    renameSync(part, to);
    syncFolder(dirname(to));
    return statSync(to).size;
  } catch (error) {
    rmSync(part, { force: true });
    throw toFault(error, "open", `the backup's target "${to}"`);
  }
}

/** Synced when it is closed: the copy has no log of its own. */
function pause(path: string): void {
  const copy = openDatabase(path);
  try {
    copy.prepare(MARK).run(...toMark(PAUSED_MARK, toPauseBody("backup"), Date.now()));
  } finally {
    copy.close();
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
