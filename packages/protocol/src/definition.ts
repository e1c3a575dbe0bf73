import type { WorkflowId } from "./ids.ts";
import type { JsonValue } from "./json.ts";
import type { Timestamp } from "./time.ts";

/** `draft` (created so, not runnable) → `active` ⇄ `paused`; from anywhere to `archived`, for good. */
export const WORKFLOW_STATUSES = ["draft", "active", "paused", "archived"] as const;
export type WorkflowStatus = (typeof WORKFLOW_STATUSES)[number];

/** A JSON workflow as its author sent it, checked: `parseDefinition` in the engine is the only way to one. */
export interface Definition {
  /** Of the JSON Schema, for editors. */
  readonly $schema?: string;
  readonly name: string;
  readonly description?: string;
  /** Absent: `triggers`, or started by API only. */
  readonly trigger?: TriggerDefinition;
  readonly triggers?: readonly TriggerDefinition[];
  /** JSON Schema of the run's input: checked at the start, defaults applied. */
  readonly inputSchema?: JsonValue;
  /** JSON Schema of the run's output. */
  readonly outputSchema?: JsonValue;
  /** A list, run in order; or a graph, if any step has `next`. */
  readonly steps: readonly StepDefinition[];
  /** Template of the run's output; absent: the result of its ends. */
  readonly output?: JsonValue;
  /** Deadline of a whole run. */
  readonly timeoutMs?: number;
  /** Of a code workflow, how long an ended run is kept. Absent: as the server's settings say. */
  readonly retentionMs?: number;
  /** The author's; the engine keeps them and reads nothing in them. */
  readonly metadata?: JsonValue;
  readonly settings?: JsonValue;
}

export interface TriggerDefinition {
  readonly type: string;
  readonly [key: string]: JsonValue;
}

/** Fields that all steps have; each kind adds its own. */
export interface StepDefinition {
  readonly id: string;
  readonly name?: string;
  readonly description?: string;
  readonly type: string;
  readonly function?: string | { readonly [key: string]: JsonValue };
  readonly action?: string;
  /** Expression: of a condition, what decides; of a loop, whether to go on; else whether the step runs at all. */
  readonly condition?: string;
  /** Ids of steps: where a graph goes on; of a loop, what it repeats. */
  readonly next?: string | readonly string[];
  /** These four may stand in `config` as well. */
  readonly then?: string | readonly string[];
  readonly else?: string | readonly string[];
  readonly done?: string | readonly string[];
  readonly onError?: string | readonly string[];
  readonly config?: { readonly [key: string]: JsonValue };
  readonly retries?: number;
  readonly retryConfig?: RetryConfig;
  readonly backoff?: "exponential" | "fixed";
  /** Of one attempt. */
  readonly timeoutMs?: number;
  readonly errorHandling?: ErrorHandling;
}

export interface RetryConfig {
  /** Further attempts after the first. */
  readonly retries?: number;
  readonly initialDelayMs?: number;
  readonly maxDelayMs?: number;
  /** Each delay is the one before times this. */
  readonly factor?: number;
}

/** What a failure that is final brings. */
export interface ErrorHandling {
  readonly strategy: "fail" | "continue" | "retry";
  /** Template of what counts as the output, with `continue`. */
  readonly fallback?: JsonValue;
  /** Further attempts, with `retry`. */
  readonly retries?: number;
}

/** `graph`: a JSON definition; `code`: a function that workers announce, whose definition has no steps. */
export const WORKFLOW_KINDS = ["graph", "code"] as const;
export type WorkflowKind = (typeof WORKFLOW_KINDS)[number];

/** What a run of a code workflow asks of whoever is to execute it. */
export interface CodeVersion {
  /** As it was announced. */
  readonly name: string;
  readonly version: string;
}

/** A workflow as the API shows it. */
export interface Workflow {
  readonly id: WorkflowId;
  /** Made from the name; unique in the tenant; a workflow may be addressed by it. */
  readonly slug: string;
  readonly kind: WorkflowKind;
  readonly status: WorkflowStatus;
  readonly version: number;
  readonly definition: Definition;
  /** null: a graph. */
  readonly code: CodeVersion | null;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}

/** One version of a workflow: what the runs that were started with it go by, for as long as they live. */
export interface WorkflowVersion {
  readonly workflowId: WorkflowId;
  /** 1 for the first. */
  readonly version: number;
  readonly definition: Definition;
  /** null: a graph. */
  readonly code: CodeVersion | null;
  /** What its author said of it; null: nothing. */
  readonly changeSummary: string | null;
  /** For a draft: when it was last edited. */
  readonly createdAt: Timestamp;
}
