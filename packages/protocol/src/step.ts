import type { Failure } from "./failure.ts";
import type { JsonValue } from "./json.ts";
import type { Timestamp } from "./time.ts";

export const STEP_STATUSES = [
  "pending",
  "running",
  "completed",
  "failed",
  "skipped",
  "cancelled",
] as const;
export type StepStatus = (typeof STEP_STATUSES)[number];

/** One try of a step's body that has ended. */
export interface Attempt {
  /** 1 for the first. */
  readonly number: number;
  readonly startedAt: Timestamp;
  readonly endedAt: Timestamp;
  /** null: this one succeeded. */
  readonly failure: Failure | null;
}

/** A step of a run as the API shows it. Steps have no id of their own: (run, key) names one. */
export interface Step {
  /** `name`, `name#2` for its second occurrence, `loop[3]/name` inside a loop. */
  readonly key: string;
  readonly name: string;
  readonly type: string;
  readonly status: StepStatus;
  /** null unless completed. */
  readonly output: JsonValue;
  /** The last attempt's, while the step failed or waits for a retry. */
  readonly failure: Failure | null;
  readonly attempts: readonly Attempt[];
  /** null: not begun. */
  readonly startedAt: Timestamp | null;
  /** null: not ended. */
  readonly endedAt: Timestamp | null;
}
