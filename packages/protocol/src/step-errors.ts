const TERMINAL = Symbol.for("millrace.terminal-error");
const RETRY_AFTER = Symbol.for("millrace.retry-after-error");

/** Throw it from a step: trying again would not help, so the step fails at once. */
export class TerminalError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "TerminalError";
    Object.defineProperty(this, TERMINAL, { value: true });
  }

  static is(value: unknown): value is TerminalError {
    return typeof value === "object" && value !== null && TERMINAL in value;
  }
}

/** Throw it from a step: try again, but not before `retryAfterMs` from now. Uses up one of the step's retries. */
export class RetryAfterError extends Error {
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "RetryAfterError";
    this.retryAfterMs = retryAfterMs;
    Object.defineProperty(this, RETRY_AFTER, { value: true });
  }

  static is(value: unknown): value is RetryAfterError {
    return typeof value === "object" && value !== null && RETRY_AFTER in value;
  }
}
