import { ERROR_CODES, type ErrorCode, type ErrorCodeEntry } from "./error-codes.ts";

/** One mistake in what was sent. */
export interface Issue {
  /** Keys and indexes from the root: `["steps", 0, "id"]`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** What to do about it. */
  readonly hint?: string;
}

interface ErrorOptions {
  readonly cause?: unknown;
  readonly issues?: readonly Issue[];
}

const BRAND = Symbol.for("millrace.error");

/**
 * A request or the infrastructure failed, with a code from the one table.
 * The message says what happened, with which value, and what to do; never a secret or a payload.
 */
export class MillraceError extends Error {
  readonly code: ErrorCode;
  /** All mistakes found, not just the first. Empty for faults that are not about input. */
  readonly issues: readonly Issue[];

  constructor(code: ErrorCode, message?: string, options: ErrorOptions = {}) {
    super(message ?? ERROR_CODES[code].sentence, { cause: options.cause });
    this.name = "MillraceError";
    this.code = code;
    this.issues = options.issues ?? [];
    Object.defineProperty(this, BRAND, { value: true });
  }

  /** Status, retry rule and wire code. */
  get entry(): ErrorCodeEntry {
    return ERROR_CODES[this.code];
  }

  /** True also for an error of another loaded copy of this package. */
  static is(value: unknown): value is MillraceError {
    return (
      value instanceof MillraceError ||
      (typeof value === "object" && value !== null && BRAND in value)
    );
  }
}
