// Bodies in hosts fail in the same words, so what is thrown is read in `protocol`.
import {
  boundFailure,
  engineFailure,
  fromThrown as readThrown,
  type Failure,
  type Thrown,
} from "@millrace/protocol";
import { ReportedFailure } from "./reported-result.ts";

export { engineFailure } from "@millrace/protocol";

/** Whatever was thrown becomes bounded plain data; what a host has described already stays as it is. */
export function fromThrown(thrown: unknown, step: string, attempt: number): Thrown {
  if (!isReported(thrown)) return readThrown(thrown, step, attempt);
  const { failure, retryAfterMs, terminal } = thrown.result;
  return { failure: boundFailure({ ...failure, step, attempt }), retryAfterMs, terminal };
}

/** Of an attempt that has not begun. */
export const stoppedFailure = (step: string, attempt: number): Failure =>
  engineFailure("step.cancelled", `Step ${step} was told to stop before it began`, "code", {
    step,
    attempt,
  });

function isReported(thrown: unknown): thrown is ReportedFailure {
  try {
    return thrown instanceof ReportedFailure;
  } catch {
    // A proxy that does not even say what it is.
    return false;
  }
}
