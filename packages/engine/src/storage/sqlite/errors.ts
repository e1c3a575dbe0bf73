// Turns what SQLite and Node throw into coded faults; nothing else in this folder looks at SQLite's
// codes.
//
//   E1. `storage.full`, `storage.rejected`: nothing was written, and the next call may work.
//   E2. `storage.unavailable`: SQLite was busy and gave up; the transaction was rolled back.
//   E3. `storage.failed`: the disk failed, or nobody can say what COMMIT did. The store is dead
//       from then on.
//
// Threads load this file, so it imports no value from another package: it starts them faster.
import type { ErrorCode } from "@millrace/protocol";

/** A coded fault inside a thread. The main thread throws it on as a `MillraceError`. */
export class Fault extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, { cause });
    this.name = "Fault";
    this.code = code;
  }
}

/**
 * What was going on: opening, applying a unit of a commit, other work in a transaction, COMMIT
 * itself, reading.
 */
export type During = "open" | "unit" | "work" | "commit" | "read";

// Primary result codes, https://sqlite.org/rescode.html
const PERM = 3;
const BUSY = 5;
const LOCKED = 6;
const NOMEM = 7;
const READONLY = 8;
const INTERRUPT = 9;
const IOERR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const PROTOCOL = 15;
const NOTADB = 26;

const BUSY_CODES: ReadonlySet<number> = new Set([BUSY, LOCKED, NOMEM, INTERRUPT, PROTOCOL]);
const BROKEN_CODES: ReadonlySet<number> = new Set([
  PERM,
  READONLY,
  IOERR,
  CORRUPT,
  CANTOPEN,
  NOTADB,
]);

const FULL_MESSAGE =
  "The disk has no space left for the store's database file; nothing of this call was written. " +
  "Free some space and repeat.";

/** @param role what is at fault, in words and with its path: `the database file "…"` */
export function toFault(error: unknown, during: During, role = "the store's database file"): Fault {
  if (error instanceof Fault) return error;
  const sqliteCode = readSqliteCode(error);
  const code = sqliteCode === undefined ? undefined : sqliteCode & 0xff;
  const text = describe(error, sqliteCode);
  if (code === FULL) return new Fault("storage.full", FULL_MESSAGE, error);
  if (during === "open") return toOpenFault(error, code, text, role);
  if (code !== undefined && BUSY_CODES.has(code) && !(during === "commit" && code !== BUSY)) {
    return new Fault(
      "storage.unavailable",
      `SQLite could not do it now (${text}); nothing was written. Repeat.`,
      error,
    );
  }
  if (during === "commit" || (code !== undefined && BROKEN_CODES.has(code))) {
    const message =
      `Work on ${role} failed (${text}). What the last call wrote is not known, so the store takes no more ` +
      "calls. Mend the disk or restore a backup, then start the process again.";
    return new Fault("storage.failed", message, error);
  }
  if (during === "unit") {
    const message =
      `The store refuses one unit of this commit (${text}), and nothing of the commit was written. ` +
      "Send the units apart to find the one at fault.";
    return new Fault("storage.rejected", message, error);
  }
  return new Fault("internal.error", `The store met a mistake of its own (${text}).`, error);
}

function toOpenFault(error: unknown, code: number | undefined, text: string, role: string): Fault {
  if (code !== undefined && BUSY_CODES.has(code)) {
    const message = `Another program keeps ${role} busy (${text}). Close it there and repeat.`;
    return new Fault("storage.unavailable", message, error);
  }
  const message =
    `Cannot use ${role} (${text}). It must be a SQLite database of Millrace, or not exist yet, in a folder ` +
    "where this process may write.";
  return new Fault("storage.unusable", message, error);
}

/** True if SQLite said that another connection holds the lock. */
export function isBusy(error: unknown): boolean {
  const code = readSqliteCode(error);
  return code !== undefined && (code & 0xff) === BUSY;
}

/** SQLite's extended result code, or undefined for an error that is not SQLite's. */
function readSqliteCode(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}

function describe(error: unknown, sqliteCode: number | undefined): string {
  const message = error instanceof Error ? error.message : String(error);
  return sqliteCode === undefined ? message : `${message}, SQLite code ${sqliteCode}`;
}
