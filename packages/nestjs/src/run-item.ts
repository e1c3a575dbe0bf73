import type { StartOptions } from "@millrace/sdk/client";
import type { MillraceException } from "./millrace-exception.ts";
import type { WorkflowClass } from "./workflow.ts";
import type { WorkspaceClass } from "./workspace.ts";

export interface RunOptions extends Omit<StartOptions, "workspace" | "userId"> {
  /** For people; kept as the run's metadata `workspaceTitle`. Default: none. */
  readonly workspaceTitle?: string;
}

/** One run of many, with what `run` takes one after the other. */
export interface RunItem {
  readonly workflow: string | WorkflowClass;
  readonly workspace: string | WorkspaceClass;
  /** Default: `{}`. */
  readonly payload?: unknown;
  readonly userId: string;
  readonly options?: RunOptions;
}

export interface RunManyOptions {
  /** Starts of one key are one run, for 24 hours. An item's own key comes first. */
  readonly idempotencyKey?: (item: RunItem, index: number) => string;
}

/** What a durable start has made. */
export interface RunReceipt {
  readonly runId: string;
  /** The run's id: what runs were called when there was one workflow record a run. */
  readonly workflowId: string;
  /** The run's id, by a name that is older still. */
  readonly pipelineId: string;
  /** The same for each run of this workspace and user. */
  readonly workspaceId: string;
  /** Name of this process' worker. */
  readonly workerId: string;
  /**
   * `existing`: its key had started this run, with the same payload; `conflict`: with another one. Nothing was
   * started then.
   */
  readonly outcome: "created" | "existing" | "conflict";
}

export type RunOutcome =
  RunReceipt | { readonly outcome: "rejected"; readonly error: MillraceException };
