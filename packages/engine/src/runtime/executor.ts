import type { Failure, JsonText, RunId, TenantId, Timestamp } from "@millrace/protocol";
import type { CallExecutor } from "../core/program.ts";

/** One attempt of one step, to be executed. */
export interface AttemptTask {
  readonly tenant: TenantId;
  readonly runId: RunId;
  readonly key: string;
  readonly attempt: number;
  readonly executor: CallExecutor;
  readonly target: string;
  readonly input: JsonText;
  readonly runInput: JsonText;
  readonly timeoutMs: number;
}

export type AttemptResult =
  | { readonly ok: true; readonly output: JsonText; readonly startedAt: Timestamp }
  | {
      readonly ok: false;
      readonly failure: Failure;
      readonly retryAfterMs: number | null;
      readonly terminal: boolean;
      readonly startedAt: Timestamp;
    };

/** A body that was started. */
export interface Body {
  readonly startedAt: Timestamp;
  /**
   * Nobody waits for it any more: its signal aborts with `reason`, and its result is discarded. It may go on for
   * as long as it likes.
   */
  revoke(reason: string): void;
  /** It should stop: its signal aborts, but its result still counts. */
  stop(reason: string): void;
}

/** How a step's body is executed. Inline now; child processes and workers come with their issues. */
export interface Executor {
  /**
   * `report` is called once, never in the same turn as `execute`, and not after a `revoke`.
   *
   * @param onAway called in its place if what the attempt names is at workers of whom none is here: it has not begun.
   *   Default: the attempt fails then
   */
  execute(task: AttemptTask, report: (result: AttemptResult) => void, onAway?: () => void): Body;
  /** Bodies that live, wanted or not. */
  readonly living: number;
  /** Bodies that outlived their timeout, their run's cancellation or the loss of their run. */
  readonly overdue: number;
  /** Resolves when no body lives but overdue ones, or after `graceMs`. */
  drain(graceMs: number): Promise<void>;
}
