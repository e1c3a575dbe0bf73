// From REST's view of a run to ours.
import {
  toTimestamp,
  type Attempt,
  type Failure,
  type ListedRun,
  type RunId,
  type RunSnapshot,
  type Step,
  type Timestamp,
  type WaitingOn,
  type WorkflowId,
} from "@millrace/protocol";
import type {
  WireAttempt,
  WireError,
  WireRun,
  WireRunSummary,
  WireStep,
  WireWaiting,
} from "./wire.ts";

export function toSnapshot(wire: WireRun): RunSnapshot {
  const base = {
    // The server's own ids.
    id: wire.id as RunId,
    workflowId: wire.workflowId as WorkflowId,
    workflowVersion: wire.workflowVersion,
    workspace: wire.workspace,
    user: wire.user,
    name: wire.name,
    trigger: wire.triggerType,
    input: wire.input,
    metadata: wire.metadata,
    parent:
      wire.parent === null ? null : { runId: wire.parent.runId as RunId, step: wire.parent.stepId },
    retryOf: wire.retryOf as RunId | null,
    createdAt: toInstant(wire.createdAt),
    startedAt: toInstantOrNull(wire.startedAt),
    steps: wire.steps.map(toStep),
    cancelRequestedAt: toInstantOrNull(wire.cancelRequestedAt),
  };
  const { status, completedAt } = wire;
  const waitingOn = toWaitingOn(wire.waitingOn);
  if (status === "pending") return { ...base, status, waitingOn };
  if (status === "running") return { ...base, status, waitingOn };
  const finished = { ...base, finishedAt: toInstant(completedAt ?? wire.createdAt) };
  switch (status) {
    case "completed":
      return { ...finished, status, output: wire.output };
    case "failed":
      return { ...finished, status, failure: toFailure(wire.error ?? NO_ERROR) };
    case "cancelled":
      return { ...finished, status };
  }
}

const NO_ERROR: WireError = {
  message: "The server did not say why",
  stepId: null,
  reason: "internal.error",
};

export const toListedRun = (wire: WireRunSummary): ListedRun => ({
  id: wire.id as RunId,
  workflowId: wire.workflowId as WorkflowId,
  workflowVersion: wire.workflowVersion,
  status: wire.status,
  trigger: wire.triggerType,
  workspace: wire.workspace,
  user: wire.user,
  createdAt: toInstant(wire.createdAt),
  startedAt: toInstantOrNull(wire.startedAt),
  finishedAt: toInstantOrNull(wire.completedAt),
  waitingOn: toWaitingOn(wire.waitingOn),
});

export function toFailure({ reason, message, stepId, source, details }: WireError): Failure {
  return {
    code: reason,
    message,
    source: source ?? "code",
    ...(stepId === null ? {} : { step: stepId }),
    ...(details === undefined ? {} : { details }),
  };
}

const toStep = (wire: WireStep): Step => ({
  key: wire.id,
  name: wire.name,
  type: wire.type,
  status: wire.status,
  output: wire.output,
  failure: wire.error === null ? null : toFailure(wire.error),
  attempts: wire.attempts.map(toAttempt),
  startedAt: toInstantOrNull(wire.startedAt),
  endedAt: toInstantOrNull(wire.completedAt),
});

const toAttempt = ({ number, startedAt, completedAt, error }: WireAttempt): Attempt => ({
  number,
  startedAt: toInstant(startedAt),
  endedAt: toInstant(completedAt),
  failure: error === null ? null : toFailure(error),
});

function toWaitingOn(wire: WireWaiting | null): WaitingOn | null {
  if (wire === null) return null;
  const { until, ...rest } = wire;
  const times = until === undefined ? {} : { until: toInstantOrNull(until) };
  // The server's `WaitingOn`, whose only time is `until`.
  return { ...rest, ...times } as unknown as WaitingOn;
}

export const toInstant = (iso: string): Timestamp => toTimestamp(Date.parse(iso));

export const toInstantOrNull = (iso: string | null): Timestamp | null =>
  iso === null ? null : toInstant(iso);
