// One process has a store. The proof is an exclusive lock on a side file, a SQLite database that
// stays empty: the kernel frees it the moment its holder dies, however it dies. A text file beside
// it says who holds it.
//
// Nothing but SQLite may open `<path>.lock` in this process: closing any other handle of it would
// drop the lock.
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { openDatabase } from "./database.ts";
import { Fault, isBusy, toFault } from "./errors.ts";

export interface OwnerLock {
  release(): void;
}

/** @throws {Fault} storage.locked: another process, or another store of this one, holds it */
export function acquireOwnerLock(path: string): OwnerLock {
  const lockPath = `${path}.lock`;
  const ownerPath = `${path}.owner`;
  const role = `the store's lock file "${lockPath}"`;
  const database = openLockFile(lockPath, role);
  try {
    database.exec("begin exclusive");
    writeFileSync(ownerPath, `${process.pid} ${hostname()}\n`);
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw toFault(error, "open", role);
    const message =
      `The store "${path}" is open in ${describeOwner(ownerPath)}. ` +
      "Stop that process first, or give this one another path.";
    throw new Fault("storage.locked", message, error);
  }
  return {
    release: () => {
      rmSync(ownerPath, { force: true });
      database.close();
    },
  };
}

function openLockFile(lockPath: string, role: string): ReturnType<typeof openDatabase> {
  try {
    return openDatabase(lockPath, { busyTimeoutMs: 0 });
  } catch (error) {
    throw toFault(error, "open", role);
  }
}

function describeOwner(ownerPath: string): string {
  const [, pid, host] = /^(\d+) (.+)$/m.exec(readOwner(ownerPath)) ?? [];
  if (pid === undefined || host === undefined) return "another process";
  return `process ${pid} on host ${host}`;
}

function readOwner(ownerPath: string): string {
  try {
    return readFileSync(ownerPath, "utf8");
  } catch {
    // Its holder has not written it yet, or has just removed it; the refusal stands without it.
    return "";
  }
}
