import type { JsonValue } from "./json.ts";

/**
 * Who is to blame, which decides what is tried again.
 *
 * - `code`: the author's code threw or overran its time; follows the step's own `retries`.
 * - `infrastructure`: a lost worker, a refused connection, 429 or 5xx; tried three times without configuration.
 * - `definition`: the step can never work as written (unknown function, path of the wrong type); never tried again.
 */
export const FAILURE_SOURCES = ["code", "infrastructure", "definition"] as const;
export type FailureSource = (typeof FAILURE_SOURCES)[number];

/** Why a step or a run failed, as it is stored. Plain data, at most `MAX_FAILURE_BYTES` as JSON. */
export interface Failure {
  /** Stable, `noun.problem`: `step.failed`, `step.timeout`, `function.not-found`, … */
  readonly code: string;
  readonly message: string;
  readonly source: FailureSource;
  /** The step that failed; absent if the run failed as a whole (its deadline). */
  readonly step?: string;
  /** 1 for the first try. */
  readonly attempt?: number;
  /** Name of the thrown class, if it says more than `Error`. */
  readonly name?: string;
  readonly stack?: string;
  /** What the author put on the error, if it is JSON. */
  readonly details?: JsonValue;
  readonly cause?: Failure;
}

/** A stored failure is never larger, however large the stack or message that was thrown. */
export const MAX_FAILURE_BYTES: number = 16 * 1024;
