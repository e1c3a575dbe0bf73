import type { Failure } from "./failure.ts";
import type { RunId, TenantId, WorkflowId } from "./ids.ts";
import type { JsonValue } from "./json.ts";
import type { Step } from "./step.ts";
import type { Timestamp } from "./time.ts";

export const RUN_STATUSES = ["pending", "running", "completed", "failed", "cancelled"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

export const FINISHED_STATUSES = ["completed", "failed", "cancelled"] as const;
export type FinishedStatus = (typeof FINISHED_STATUSES)[number];

export const isFinishedStatus = (status: RunStatus): status is FinishedStatus =>
  status === "completed" || status === "failed" || status === "cancelled";

/** What starts runs. */
export const TRIGGER_TYPES = [
  "api",
  "event",
  "schedule",
  "webhook",
  "manual",
  "subworkflow",
] as const;
export type TriggerType = (typeof TRIGGER_TYPES)[number];

/** 0 is served first. */
export const PRIORITIES = [0, 1, 2, 3] as const;
export type Priority = (typeof PRIORITIES)[number];
export const DEFAULT_PRIORITY: Priority = 1;

/** Why a live run does not move. A run that waits is `running`, not a status of its own. */
export type WaitingOn =
  | { readonly kind: "timer"; readonly step: string; readonly until: Timestamp }
  | {
      readonly kind: "retry";
      readonly step: string;
      readonly until: Timestamp;
      readonly attempt: number;
    }
  | { readonly kind: "child"; readonly step: string; readonly runId: RunId }
  | {
      readonly kind: "event";
      readonly step: string;
      readonly event: string;
      /** null: for ever. */
      readonly until: Timestamp | null;
    }
  /** No worker that is here offers its workflow in this version. */
  | {
      readonly kind: "worker";
      readonly workflow: string;
      readonly version: string;
      readonly function?: undefined;
    }
  /** A step calls a function that workers have offered; no worker that is here does. */
  | {
      readonly kind: "worker";
      readonly function: string;
      readonly workflow?: undefined;
      readonly version?: undefined;
    }
  /** It was taken from a dead owner too often in a row; somebody has to look at `step`. */
  | { readonly kind: "quarantine"; readonly step: string | null }
  /** Its journal and its program disagree; nothing is lost, and nothing moves until one of them is mended. */
  | { readonly kind: "divergence"; readonly step: string | null; readonly message: string };

export interface ParentLink {
  readonly runId: RunId;
  /** The parent's step that waits for this run. */
  readonly step: string;
}

interface RunBase {
  readonly id: RunId;
  readonly tenant: TenantId;
  /** null: none was named. */
  readonly workspace: string | null;
  /** Whose it is, in the words of whoever started it. null: nobody was named. */
  readonly user: string | null;
  /** Chosen by whoever started it. null: none was. */
  readonly name: string | null;
  readonly workflowId: WorkflowId;
  readonly workflowVersion: number;
  readonly trigger: TriggerType;
  readonly input: JsonValue;
  readonly metadata: Readonly<Record<string, string>>;
  readonly parent: ParentLink | null;
  /** The failed or cancelled run whose results it took over; null: it began at its beginning. */
  readonly retryOf: RunId | null;
  readonly createdAt: Timestamp;
  /** null: no node has owned it yet. */
  readonly startedAt: Timestamp | null;
  /** In the order of the definition. */
  readonly steps: readonly Step[];
  readonly cancelRequestedAt: Timestamp | null;
}
interface Finished extends RunBase {
  readonly finishedAt: Timestamp;
}

/** A run as the API shows it. A field exists only in the states that give it a meaning. */
export type Run =
  | (RunBase & { readonly status: "pending"; readonly waitingOn: WaitingOn | null })
  | (RunBase & {
      readonly status: "running";
      /** null: moving. */ readonly waitingOn: WaitingOn | null;
    })
  | (Finished & { readonly status: "completed"; readonly output: JsonValue })
  | (Finished & { readonly status: "failed"; readonly failure: Failure })
  | (Finished & { readonly status: "cancelled" });

export type FinishedRun = Extract<Run, Finished>;
export const isFinished = (run: Run): run is FinishedRun => "finishedAt" in run;

/** A run in a list: without payloads and steps. */
export interface RunSummary {
  readonly id: RunId;
  /** null: none was named. */
  readonly workspace: string | null;
  /** null: nobody was named. */
  readonly user: string | null;
  readonly workflowId: WorkflowId;
  readonly workflowVersion: number;
  readonly status: RunStatus;
  readonly trigger: TriggerType;
  readonly createdAt: Timestamp;
  readonly startedAt: Timestamp | null;
  readonly finishedAt: Timestamp | null;
}
