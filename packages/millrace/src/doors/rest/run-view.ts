// Runs as REST v1 shows them: the seed's fields, then ours.
import type { RunListItem } from "@millrace/engine";
import {
  isFinished,
  toIso,
  type Attempt,
  type Failure,
  type FailureSource,
  type JsonValue,
  type Run,
  type RunStatus,
  type Step,
  type StepStatus,
  type Timestamp,
  type TriggerType,
  type WaitingOn,
} from "@millrace/protocol";

export interface ErrorView {
  /** The seed's `STEP_ERROR`, or our code in its spelling. */
  readonly code: string;
  readonly message: string;
  readonly stepId: string | null;
  readonly reason: string;
  /** Who is to blame. */
  readonly source: FailureSource;
  readonly details?: JsonValue;
}

export interface HandledErrorView {
  readonly stepId: string;
  readonly code: string;
  readonly message: string;
  readonly reason: string;
}

export interface AttemptView {
  readonly number: number;
  readonly startedAt: string;
  readonly completedAt: string;
  /** null: this one succeeded. */
  readonly error: ErrorView | null;
}

export interface StepView {
  readonly id: string;
  readonly status: StepStatus;
  /** null unless completed; beside an `error` it is the fallback. */
  readonly output: JsonValue;
  readonly name: string;
  readonly type: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly durationMs: number | null;
  readonly attempts: readonly AttemptView[];
  readonly error: ErrorView | null;
}

/** As `WaitingOn`, with ISO times. */
export type WaitingView =
  | { readonly kind: "timer"; readonly step: string; readonly until: string }
  | {
      readonly kind: "retry";
      readonly step: string;
      readonly until: string;
      readonly attempt: number;
    }
  | {
      readonly kind: "event";
      readonly step: string;
      readonly event: string;
      /** null: for ever. */
      readonly until: string | null;
    }
  | Exclude<WaitingOn, { readonly kind: "timer" | "retry" | "event" }>;

export interface RunSummaryView {
  readonly id: string;
  readonly status: RunStatus;
  readonly workflowId: string;
  readonly workflowVersion: number;
  readonly triggerType: TriggerType;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  /** From start to end; null: not ended. */
  readonly durationMs: number | null;
  /** null: it moves, or has ended. */
  readonly waitingOn: WaitingView | null;
  /** null: none was named. */
  readonly workspace: string | null;
  /** null: nobody was named. */
  readonly user: string | null;
}

export interface RunView extends RunSummaryView {
  readonly input: JsonValue;
  /** null unless completed. */
  readonly output: JsonValue;
  readonly steps: readonly StepView[];
  /** null unless failed. */
  readonly error: ErrorView | null;
  /** Steps that failed while the run went on: into their handler, or with a fallback. */
  readonly handledErrors: readonly HandledErrorView[];
  /** Chosen by whoever started it. */
  readonly name: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** null: no other run started it. */
  readonly parent: { readonly runId: string; readonly stepId: string } | null;
  /** The failed or cancelled run whose results it took over. */
  readonly retryOf: string | null;
  readonly cancelRequestedAt: string | null;
}

export function toRunView(run: Run): RunView {
  const finishedAt = isFinished(run) ? run.finishedAt : null;
  return {
    id: run.id,
    status: run.status,
    input: run.input,
    output: run.status === "completed" ? run.output : null,
    startedAt: isoOrNull(run.startedAt),
    completedAt: isoOrNull(finishedAt),
    steps: run.steps.map(toStepView),
    workflowId: run.workflowId,
    workflowVersion: run.workflowVersion,
    triggerType: run.trigger,
    createdAt: toIso(run.createdAt),
    durationMs: durationOf(run.startedAt, finishedAt),
    error: run.status === "failed" ? toErrorView(run.failure) : null,
    handledErrors: findHandled(run),
    waitingOn: "waitingOn" in run ? toWaitingView(run.waitingOn) : null,
    name: run.name,
    metadata: run.metadata,
    workspace: run.workspace,
    user: run.user,
    parent: run.parent === null ? null : { runId: run.parent.runId, stepId: run.parent.step },
    retryOf: run.retryOf,
    cancelRequestedAt: isoOrNull(run.cancelRequestedAt),
  };
}

function findHandled(run: Run): readonly HandledErrorView[] {
  const failed = run.steps.filter(({ failure, endedAt }) => failure !== null && endedAt !== null);
  if (failed.length === 0) return [];
  const lastStart = run.steps.reduce((last, { startedAt }) => Math.max(last, startedAt ?? 0), 0);
  const cause = run.status === "failed" ? run.failure.step : undefined;
  return failed
    .filter(
      (step) =>
        step.status === "completed" ||
        run.status === "completed" ||
        // Nothing begins any more once a failure has ended a run.
        (step.key !== cause && lastStart >= (step.endedAt ?? Infinity)),
    )
    .flatMap(({ key, failure }) => (failure === null ? [] : [toHandled(key, failure)]));
}

const toHandled = (stepId: string, { code, message }: Failure): HandledErrorView => ({
  stepId,
  code: toWireCode(code),
  message,
  reason: code,
});

export function toRunSummaryView(run: RunListItem): RunSummaryView {
  return {
    id: run.id,
    status: run.status,
    workflowId: run.workflowId,
    workflowVersion: run.workflowVersion,
    triggerType: run.trigger,
    createdAt: toIso(run.createdAt),
    startedAt: isoOrNull(run.startedAt),
    completedAt: isoOrNull(run.finishedAt),
    durationMs: durationOf(run.startedAt, run.finishedAt),
    waitingOn: toWaitingView(run.waitingOn),
    workspace: run.workspace,
    user: run.user,
  };
}

function toStepView(step: Step): StepView {
  return {
    id: step.key,
    status: step.status,
    output: step.output,
    name: step.name,
    type: step.type,
    startedAt: isoOrNull(step.startedAt),
    completedAt: isoOrNull(step.endedAt),
    durationMs: durationOf(step.startedAt, step.endedAt),
    attempts: step.attempts.map((attempt) => toAttemptView(attempt, step.key)),
    error: step.failure === null ? null : toErrorView(step.failure, step.key),
  };
}

const toAttemptView = (attempt: Attempt, step: string): AttemptView => ({
  number: attempt.number,
  startedAt: toIso(attempt.startedAt),
  completedAt: toIso(attempt.endedAt),
  error: attempt.failure === null ? null : toErrorView(attempt.failure, step),
});

/** Stacks and causes stay in the store and the log: they name files of the host. */
export function toErrorView(
  failure: Failure,
  step: string | null = failure.step ?? null,
): ErrorView {
  const { code, message, source, details } = failure;
  const view = { code: toWireCode(code), message, stepId: step, reason: code, source };
  return details === undefined ? view : { ...view, details };
}

/** `step.failed` is the seed's `STEP_ERROR`; `function.not-found` becomes `FUNCTION_NOT_FOUND`. */
const toWireCode = (code: string): string =>
  code === "step.failed" ? "STEP_ERROR" : code.toUpperCase().replaceAll(/[.-]/g, "_");

function toWaitingView(waiting: WaitingOn | null): WaitingView | null {
  if (waiting === null) return null;
  if (waiting.kind === "timer" || waiting.kind === "retry") {
    return { ...waiting, until: toIso(waiting.until) };
  }
  if (waiting.kind === "event") {
    return { ...waiting, until: isoOrNull(waiting.until) };
  }
  return waiting;
}

const isoOrNull = (at: Timestamp | null): string | null => (at === null ? null : toIso(at));

const durationOf = (from: Timestamp | null, to: Timestamp | null): number | null =>
  from === null || to === null ? null : Math.max(0, to - from);
