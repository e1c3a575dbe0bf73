// Turns what PostgreSQL and the network say into coded errors; nothing else in this folder looks at SQLSTATE codes,
// https://www.postgresql.org/docs/current/errcodes-appendix.html
//
//   E1. `storage.rejected`, `storage.full`: nothing was written.
//   E2. `storage.unavailable`: nobody knows; sending again helps (rule 7: serialization failure, deadlock, shutdown,
//       lost connection).
import { MillraceError } from "@millrace/protocol";

/** `MARK` divides by the number of rows that it found. */
const DIVISION_BY_ZERO = "22012";
const UNIQUE_VIOLATION = "23505";
const DISK_FULL = "53100";
const UNDEFINED_TABLE = "42P01";
/** Of PgBouncer: `unsupported startup parameter: …`. */
const PROTOCOL_VIOLATION = "08P01";

/** Data that the database does not take: a number out of range, a text that is not UTF-8, a row too large. */
const REJECTED_CLASSES: ReadonlySet<string> = new Set(["22", "23", "54"]);
/** Who we are, what we may, or what is there: another attempt says the same until somebody changes it. */
const UNUSABLE_CLASSES: ReadonlySet<string> = new Set(["28", "3D", "3F", "42", "0A", "26"]);

/** Duplicates, fences and races. */
const SOUND_CLASSES: ReadonlySet<string> = new Set(["22", "23", "40"]);

/** SQLSTATE of an error that the server sent, else undefined. Each has a digit, and `EPIPE` is none. */
export function sqlStateOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  const { code } = error;
  return typeof code === "string" && /^(?=.*\d)[0-9A-Z]{5}$/.test(code) ? code : undefined;
}

/**
 * The session is as it was before. After any other error a new one may do what this one cannot: it has forgotten a
 * statement, or made its plan before a migration, or its server is the primary no more.
 */
export const leavesSessionSound = (error: unknown): boolean =>
  SOUND_CLASSES.has(sqlStateOf(error)?.slice(0, 2) ?? "");

/** A row of this key stands already. */
export const isDuplicate = (error: unknown): boolean => sqlStateOf(error) === UNIQUE_VIOLATION;

export const isDivisionByZero = (error: unknown): boolean => sqlStateOf(error) === DIVISION_BY_ZERO;

/** A pooler that refuses what we ask for at the start of a session. */
export const isStartupRefused = (error: unknown): boolean =>
  sqlStateOf(error) === PROTOCOL_VIOLATION && messageOf(error).includes("startup parameter");

/** @param during at work what is unusable now may be usable again, and what waits must not be given up */
export function toStorageError(error: unknown, during: "open" | "work" = "work"): MillraceError {
  if (MillraceError.is(error)) return error;
  const state = sqlStateOf(error);
  const text = describe(error, state);
  if (
    error instanceof TypeError ||
    error instanceof RangeError ||
    (during === "work" && state && REJECTED_CLASSES.has(state.slice(0, 2)))
  ) {
    const message =
      `The store refuses one unit of this commit (${text}), and nothing of the commit was written. ` +
      "Send the units apart to find the one at fault.";
    return new MillraceError("storage.rejected", message, { cause: error });
  }
  if (state === DISK_FULL) {
    const message =
      "The database's disk has no space left; nothing of this call was written. Free some space and repeat.";
    return new MillraceError("storage.full", message, { cause: error });
  }
  if (during === "open" && state === UNDEFINED_TABLE) {
    const message = `The database lacks a table of Millrace (${text}). Is it the right one, and was it migrated?`;
    return new MillraceError("storage.unusable", message, { cause: error });
  }
  if (during === "open" && state !== undefined && isLasting(state)) {
    const message = `The database refuses to work for Millrace (${text}). Look at its URL, its user and that user's rights.`;
    return new MillraceError("storage.unusable", message, { cause: error });
  }
  // Callers of the API read this: where the database stands is only in the cause, for the log.
  const why = during === "open" ? ` (${text})` : state === undefined ? "" : ` (SQLSTATE ${state})`;
  const message = `The database could not do it now${why}. Repeat.`;
  return new MillraceError("storage.unavailable", message, { cause: error });
}

export const fencedNode = (node: string): MillraceError =>
  new MillraceError(
    "storage.fenced-node",
    `Node ${node} has been declared dead, or has never joined; nothing was written. It must drop its runs and join as a new node.`,
  );

/** Of what is asked at the start: a setting that the URL names may be one that the database does not take. */
const isLasting = (state: string): boolean =>
  UNUSABLE_CLASSES.has(state.slice(0, 2)) || REJECTED_CLASSES.has(state.slice(0, 2));

/** Never holds a password: PostgreSQL and Node name hosts, users and databases only. */
function describe(error: unknown, state: string | undefined): string {
  const message = messageOf(error);
  return state === undefined ? message : `${message}, SQLSTATE ${state}`;
}

function messageOf(error: unknown): string {
  // Several addresses were tried, and each failed.
  if (error instanceof AggregateError) return error.errors.map(messageOf).join("; ");
  return error instanceof Error ? error.message : String(error);
}
