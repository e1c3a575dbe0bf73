import { describe, expect, test } from "vitest";
import { Fault, isBusy, toFault, type During } from "./errors.ts";

/** As `node:sqlite` throws it. */
function sqliteError(errcode: number, message = "what SQLite says"): Error {
  return Object.assign(new Error(message), { code: "ERR_SQLITE_ERROR", errcode });
}

const PERM = 3;
const BUSY_SNAPSHOT = 517;
const NOMEM = 7;
const READONLY = 8;
const IOERR_FSYNC = 1034;
const CORRUPT = 11;
const FULL = 13;
const CANTOPEN = 14;
const TOOBIG = 18;
const CONSTRAINT_DATATYPE = 3091;
const MISMATCH = 20;
const NOTADB = 26;

describe("toFault", () => {
  test.each<[string, number, During, Fault["code"]]>([
    ["a full disk, in a unit", FULL, "unit", "storage.full"],
    ["a full disk, at COMMIT", FULL, "commit", "storage.full"],
    ["a full disk, at the opening", FULL, "open", "storage.full"],
    ["a failed write, in a unit", IOERR_FSYNC, "unit", "storage.failed"],
    ["a failed fsync, at COMMIT", IOERR_FSYNC, "commit", "storage.failed"],
    ["a failed read", IOERR_FSYNC, "read", "storage.failed"],
    ["anything unsure at COMMIT", NOMEM, "commit", "storage.failed"],
    ["a constraint at COMMIT", CONSTRAINT_DATATYPE, "commit", "storage.failed"],
    ["damage found while it runs", CORRUPT, "read", "storage.failed"],
    ["a disk that became read-only", READONLY, "work", "storage.failed"],
    ["a busy database", BUSY_SNAPSHOT, "work", "storage.unavailable"],
    ["a busy database at COMMIT", BUSY_SNAPSHOT, "commit", "storage.unavailable"],
    ["no memory", NOMEM, "unit", "storage.unavailable"],
    ["a busy database at the opening", BUSY_SNAPSHOT, "open", "storage.unavailable"],
    ["a value of the wrong type", CONSTRAINT_DATATYPE, "unit", "storage.rejected"],
    ["a value that is too big", TOOBIG, "unit", "storage.rejected"],
    ["a mismatch", MISMATCH, "unit", "storage.rejected"],
    ["damage at the opening", CORRUPT, "open", "storage.unusable"],
    ["another kind of file", NOTADB, "open", "storage.unusable"],
    ["a missing folder", CANTOPEN, "open", "storage.unusable"],
    ["no right to write", READONLY, "open", "storage.unusable"],
    ["no right to open", PERM, "open", "storage.unusable"],
    ["a failed read at the opening", IOERR_FSYNC, "open", "storage.unusable"],
    ["a constraint outside a unit", CONSTRAINT_DATATYPE, "work", "internal.error"],
  ])("maps %s", (_, errcode, during, code) => {
    expect(toFault(sqliteError(errcode), during).code).toBe(code);
  });

  test("takes a value that cannot be bound for the fault of its unit", () => {
    expect(toFault(new TypeError("cannot be bound"), "unit").code).toBe("storage.rejected");
    expect(toFault(new TypeError("ours"), "read").code).toBe("internal.error");
  });

  test("says what SQLite said, by which code, and on which file", () => {
    const fault = toFault(sqliteError(NOTADB, "not a database"), "open", 'the file "x.db"');
    expect(fault.message).toContain('the file "x.db"');
    expect(fault.message).toContain("not a database, SQLite code 26");
  });

  test("keeps a fault as it is, and the cause of any other", () => {
    const fault = new Fault("storage.locked", "taken");
    expect(toFault(fault, "commit")).toBe(fault);
    const error = sqliteError(FULL);
    expect(toFault(error, "unit").cause).toBe(error);
  });
});

describe("isBusy", () => {
  test("knows SQLite's busy codes from others", () => {
    expect(isBusy(sqliteError(BUSY_SNAPSHOT))).toBe(true);
    expect(isBusy(sqliteError(FULL))).toBe(false);
    expect(isBusy(new Error("5"))).toBe(false);
  });
});
