import type { Failure } from "@millrace/protocol";

const FAILED = Symbol.for("millrace.run-failed-error");
const CANCELLED = Symbol.for("millrace.run-cancelled-error");

/** The run whose result was awaited has failed. */
export class RunFailedError extends Error {
  readonly runId: string;
  /** Which step, with which code, and what its author said. */
  readonly failure: Failure;

  constructor(runId: string, failure: Failure) {
    const { step, message } = failure;
    super(`Run ${runId} failed${step === undefined ? "" : ` at ${step}`}: ${message}`);
    this.name = "RunFailedError";
    this.runId = runId;
    this.failure = failure;
    Object.defineProperty(this, FAILED, { value: true });
  }

  /** True also for an error of another loaded copy of this package. */
  static is(value: unknown): value is RunFailedError {
    return typeof value === "object" && value !== null && FAILED in value;
  }
}

/** The run whose result was awaited was cancelled. */
export class RunCancelledError extends Error {
  readonly runId: string;

  constructor(runId: string) {
    super(`Run ${runId} was cancelled`);
    this.name = "RunCancelledError";
    this.runId = runId;
    Object.defineProperty(this, CANCELLED, { value: true });
  }

  /** True also for an error of another loaded copy of this package. */
  static is(value: unknown): value is RunCancelledError {
    return typeof value === "object" && value !== null && CANCELLED in value;
  }
}
