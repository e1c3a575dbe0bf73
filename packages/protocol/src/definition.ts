import type { WorkflowId } from "./ids.ts";
import type { JsonValue } from "./json.ts";
import type { TriggerType } from "./run.ts";
import type { Timestamp } from "./time.ts";

/** `draft` (created so, not runnable) → `active`. Paused and archived come with the whole REST door. */
export const WORKFLOW_STATUSES = ["draft", "active", "paused", "archived"] as const;
export type WorkflowStatus = (typeof WORKFLOW_STATUSES)[number];

/** A JSON workflow as its author sent it, checked: `parseDefinition` in the engine is the only way to one. */
export interface Definition {
  readonly name: string;
  readonly description?: string;
  readonly trigger: { readonly type: TriggerType; readonly [key: string]: JsonValue };
  readonly steps: readonly StepDefinition[];
  /** Template of the run's output; absent: the last executed step's output. */
  readonly output?: JsonValue;
  /** Deadline of a whole run. */
  readonly timeoutMs?: number;
}

export interface StepDefinition {
  readonly id: string;
  readonly name?: string;
  readonly type: string;
  readonly function?: string;
  /** Of a condition: may stand here instead of in its `config`. */
  readonly then?: readonly string[];
  readonly else?: readonly string[];
  readonly config?: { readonly [key: string]: JsonValue };
  readonly retries?: number;
  readonly retryConfig?: RetryConfig;
  /** Of one attempt. */
  readonly timeoutMs?: number;
}

export interface RetryConfig {
  /** Further attempts after the first. */
  readonly retries?: number;
  readonly initialDelayMs?: number;
  readonly maxDelayMs?: number;
  /** Each delay is the one before times this. */
  readonly factor?: number;
}

/** A workflow as the API shows it. */
export interface Workflow {
  readonly id: WorkflowId;
  /** Made from the name; unique in the tenant; a workflow may be addressed by it. */
  readonly slug: string;
  readonly kind: "graph";
  readonly status: WorkflowStatus;
  readonly version: number;
  readonly definition: Definition;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}
