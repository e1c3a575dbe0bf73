// What a server sends, as REST v1 prints it. Only what a client reads.
import type {
  FailureSource,
  JsonValue,
  RunStatus,
  StepStatus,
  TriggerType,
} from "@millrace/protocol";

export interface WireIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
  readonly hint?: string;
}

export interface WireFault {
  readonly code: string;
  readonly message: string;
  readonly reason?: string;
  readonly details?: readonly WireIssue[];
}

export interface WireError {
  readonly message: string;
  readonly stepId: string | null;
  readonly reason: string;
  /** Servers before the client's release do not say it. */
  readonly source?: FailureSource;
  readonly details?: JsonValue;
}

export interface WireAttempt {
  readonly number: number;
  readonly startedAt: string;
  readonly completedAt: string;
  readonly error: WireError | null;
}

export interface WireStep {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly status: StepStatus;
  readonly output: JsonValue;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly attempts: readonly WireAttempt[];
  readonly error: WireError | null;
}

/** As `WaitingOn`, with ISO times. */
export interface WireWaiting {
  readonly kind: string;
  readonly until?: string | null;
}

export interface WireRunSummary {
  readonly id: string;
  readonly status: RunStatus;
  readonly workflowId: string;
  readonly workflowVersion: number;
  readonly triggerType: TriggerType;
  readonly workspace: string | null;
  readonly user: string | null;
  readonly createdAt: string;
  readonly startedAt: string | null;
  readonly completedAt: string | null;
  readonly waitingOn: WireWaiting | null;
}

export interface WireRun extends WireRunSummary {
  readonly input: JsonValue;
  readonly output: JsonValue;
  readonly steps: readonly WireStep[];
  readonly error: WireError | null;
  readonly name: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly parent: { readonly runId: string; readonly stepId: string } | null;
  readonly retryOf: string | null;
  readonly cancelRequestedAt: string | null;
}

export interface WireStarted {
  readonly runId: string;
}

export interface WireOutcome {
  readonly status: "created" | "existing" | "conflict" | "rejected";
  readonly runId?: string;
  readonly error?: WireFault;
}

export interface WireCursor {
  readonly cursor: string | null;
}

export interface WireWorkflow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly kind: "graph" | "code";
  readonly status: string;
  readonly version: number;
}

export interface WireWaiter {
  readonly runId: string;
  readonly step: string;
  readonly since: string;
  readonly until: string | null;
}

export interface WireNotified {
  readonly id: string;
  readonly runIds: readonly string[];
  /** In place of the others. */
  readonly error?: WireFault;
}
