// What doors may ask of the engine. Batches in, one outcome an item out, in the same order.
import type {
  EngineTransport,
  Issue,
  JsonText,
  JsonValue,
  MillraceError,
  Priority,
  Run,
  RunId,
  RunStatus,
  RunSummary,
  StoredFunction,
  TenantId,
  Timestamp,
  TriggerType,
  WaitingOn,
  Workflow,
  WorkflowId,
  WorkflowStatus,
  WorkflowVersion,
} from "@millrace/protocol";
import type { AuditFilter, AuditPage } from "../storage/catalog.ts";
import type { EventCommands } from "./event-commands.ts";
import type { KeyCommands } from "./key-commands.ts";
import type { RunCommands } from "./run-commands.ts";
import type { TenantCommands, WorkspaceCommands } from "./tenant-commands.ts";
import type { WorkflowMove } from "./workflow-moves.ts";

/** Who asks, for the audit log and the run's record. */
export interface Actor {
  /** Id of the API key; null: code in this process. */
  readonly key: string | null;
  /** Peer address; null: in process. */
  readonly address: string | null;
}

export interface StartRequest {
  readonly tenant: TenantId;
  /** Id or slug. */
  readonly workflow: string;
  readonly input: JsonText;
  readonly actor: Actor;
  /** Default `api`. */
  readonly trigger?: TriggerType;
  /** Unique for 24 hours per tenant and workflow; 1 to 255 characters. */
  readonly idempotencyKey?: string;
  /** A run that the key has started and that failed does not count. Default: it does. */
  readonly reuseAfterFailure?: boolean;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Made at its first use; 1 to 255 characters. */
  readonly workspace?: string;
  /** Whose run it is, in the caller's own words; 1 to 255 characters. */
  readonly user?: string;
  /** A name for the run, unique among the tenant's live ones; 1 to 255 characters, and no run's id. */
  readonly name?: string;
  /** What to do if a live run has the name: answer with that run, or `run.exists`, which is the default. */
  readonly onNameConflict?: "existing" | "reject";
  /** 0 is served first; default 1. */
  readonly priority?: Priority;
  /** When it may begin: a delay from now, or an instant. Not both. Default: now. Until then it is `pending`. */
  readonly delayMs?: number;
  readonly startAt?: Timestamp;
  /** From when it may begin to its deadline; the workflow's own limit holds as well. */
  readonly timeoutMs?: number;
}

export type StartOutcome =
  | {
      readonly kind: "created";
      readonly runId: RunId;
      readonly workflowId: WorkflowId;
      readonly workflowVersion: number;
      /** Fields of the input that the workflow does not allow, and which the run therefore did not get. */
      readonly warnings: readonly Issue[];
    }
  | ExistingRun
  | { readonly kind: "rejected"; readonly error: MillraceError };

/** The idempotency key had been used: this is the run that it started. */
export interface ExistingRun {
  readonly kind: "existing";
  readonly runId: RunId;
  readonly workflowId: WorkflowId;
  readonly workflowVersion: number;
  readonly status: RunStatus;
  /** The payload differs from the first one's. */
  readonly mismatch: boolean;
}

/** What a start would be answered, if nobody were faster. */
export type StartCheck =
  | { readonly kind: "startable" }
  | ExistingRun
  | { readonly kind: "rejected"; readonly error: MillraceError };

export interface CancelRequest {
  readonly tenant: TenantId;
  readonly runId: RunId;
  readonly reason: string | null;
  readonly actor: Actor;
}

export type CancelOutcome =
  /** Durable: the run will end, as `cancelled` unless it ends first. */
  { readonly kind: "requested" } | { readonly kind: "rejected"; readonly error: MillraceError };

export interface CreateWorkflowRequest {
  readonly tenant: TenantId;
  /** Not yet checked: all mistakes are reported at once. */
  readonly definition: JsonValue;
  /** Chosen by the caller, `wf_[a-z0-9_]+`; null: minted. */
  readonly id: string | null;
  /** What its author says of this version, up to 1,000 characters. */
  readonly changeSummary?: string;
  readonly actor: Actor;
}

export interface UpdateWorkflowRequest {
  readonly tenant: TenantId;
  /** Id or slug. */
  readonly workflow: string;
  /** Not yet checked, and whole: what is not in it is gone. */
  readonly definition: JsonValue;
  readonly changeSummary?: string;
  /** Refused with `workflow.changed` if the workflow has another version now. */
  readonly expectedVersion?: number;
  readonly actor: Actor;
}

export interface RestoreWorkflowRequest extends Omit<UpdateWorkflowRequest, "definition"> {
  /** Whose definition becomes the newest. */
  readonly version: number;
}

export interface SavedWorkflow {
  readonly workflow: Workflow;
  /** Nothing is wrong, but it may not do what its author thinks. */
  readonly warnings: readonly Issue[];
}

export interface MoveWorkflowRequest {
  readonly tenant: TenantId;
  /** Id or slug. */
  readonly workflow: string;
  readonly move: WorkflowMove;
  readonly actor: Actor;
}

export interface WorkflowPage {
  /** The last id of the page before; null: the first page. */
  readonly after: string | null;
  readonly limit: number;
  /** Only those. */
  readonly status?: WorkflowStatus;
  /** Only those with this text in name, slug or description, in whatever case. */
  readonly search?: string;
}

export interface WorkflowList {
  readonly workflows: readonly Workflow[];
  /**
   * The list was left off here, because its filter would have made one call read too many workflows: go on with this
   * as `after`, even if `workflows` is empty. null: `limit` was reached, or the end.
   */
  readonly next: string | null;
}

/** What there is to say of a definition. No errors: it can be stored. */
export interface DefinitionCheck {
  readonly errors: readonly Issue[];
  readonly warnings: readonly Issue[];
}

export interface PutFunctionRequest {
  readonly tenant: TenantId;
  /** 1 to 255 characters; what `function` steps call it by. */
  readonly name: string;
  /**
   * Not yet checked: `description`, `target`, `input`, `output`. A header whose value is `HIDDEN_VALUE` keeps the
   * one that is stored, as long as the target stays on its host.
   */
  readonly definition: JsonValue;
  readonly ifExists: "replace" | "refuse";
  readonly actor: Actor;
}

export interface PutFunctionOutcome {
  readonly fn: StoredFunction;
  readonly isNew: boolean;
}

export interface DeleteFunctionRequest {
  readonly tenant: TenantId;
  readonly name: string;
  readonly actor: Actor;
}

export type RunListItem = RunSummary & { readonly waitingOn: WaitingOn | null };

export interface EngineHealth {
  /** `ready` serves; `starting` and `stopping` do not; `failed` never will again: restart the process. */
  readonly state: "starting" | "ready" | "stopping" | "failed";
  /** Why it is not ready, why starts are refused, or that the store is paused. null: nothing is wrong. */
  readonly reason: string | null;
}

/** Counters since the process started, and gauges of now. */
export interface EngineMetrics {
  readonly runsStarted: number;
  readonly runsFinished: Readonly<Record<"completed" | "failed" | "cancelled", number>>;
  readonly attemptsCompleted: number;
  readonly attemptsFailed: number;
  readonly attemptsDiscarded: number;
  readonly commits: number;
  readonly commitUnits: number;
  readonly commitFailures: number;
  /** Cumulative counts by upper bound in seconds, as Prometheus histograms want them. */
  readonly commitSeconds: Histogram;
  readonly runsTaken: number;
  readonly runsReaped: number;
  /** Ended runs that this node has removed, because they were kept long enough. */
  readonly runsPruned: number;
  readonly runsLost: number;
  readonly residentRuns: number;
  readonly runningBodies: number;
  readonly queuedUnits: number;
}

export interface Histogram {
  readonly bounds: readonly number[];
  /** One more than `bounds`: the last is everything beyond. Not cumulative. */
  readonly counts: readonly number[];
  readonly sum: number;
}

/** The engine's commands and queries. Faults are thrown as `MillraceError`; an item's fault is its outcome. */
export interface Engine {
  /** Migrates, joins, recovers, and begins to work. Safe to call twice; may be repeated when it has failed. */
  start(): Promise<void>;
  /**
   * Takes nothing new, lets bodies finish for `graceMs` (default 10 s), hands every run over, closes the store.
   * Safe to call twice.
   */
  stop(options?: { readonly graceMs?: number }): Promise<void>;

  /** Each outcome `created` is durable. */
  startRuns(requests: readonly StartRequest[]): Promise<readonly StartOutcome[]>;
  cancelRuns(requests: readonly CancelRequest[]): Promise<readonly CancelOutcome[]>;
  getRun(tenant: TenantId, runId: RunId): Promise<Run | null>;
  /** Newest first. `before`: the last id of the page before. */
  listRuns(
    tenant: TenantId,
    page: { readonly before: RunId | null; readonly limit: number },
  ): Promise<readonly RunListItem[]>;
  /** Resolves as soon as the run has ended, or with the run as it is after `timeoutMs` or on abort. null: no such run. */
  waitForRun(
    tenant: TenantId,
    runId: RunId,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Run | null>;

  /** @throws {MillraceError} definition.invalid, workflow.exists, request.invalid */
  createWorkflow(request: CreateWorkflowRequest): Promise<SavedWorkflow>;
  /**
   * A draft is replaced; anything else gets a new version, and its runs keep theirs. A definition that is there
   * already changes nothing. The slug stays, whatever the name is now.
   * @throws {MillraceError} definition.invalid, workflow.not-found, workflow.changed, workflow.archived, request.invalid
   */
  updateWorkflow(request: UpdateWorkflowRequest): Promise<SavedWorkflow>;
  /**
   * The definition of an older version as a new one.
   * @throws {MillraceError} version.not-found, and as `updateWorkflow`
   */
  restoreWorkflow(request: RestoreWorkflowRequest): Promise<SavedWorkflow>;
  /** As `createWorkflow` would find it; stores nothing. */
  validateDefinition(tenant: TenantId, definition: JsonValue): Promise<DefinitionCheck>;
  /** @throws {MillraceError} workflow.not-found, version.not-found */
  getWorkflowVersion(tenant: TenantId, idOrSlug: string, version: number): Promise<WorkflowVersion>;
  /** Newest first. `before`: the last version of the page before. @throws {MillraceError} workflow.not-found */
  listWorkflowVersions(
    tenant: TenantId,
    idOrSlug: string,
    page: { readonly before: number | null; readonly limit: number },
  ): Promise<readonly WorkflowVersion[]>;
  /** By id, then by slug. */
  getWorkflow(tenant: TenantId, idOrSlug: string): Promise<Workflow | null>;
  /** By id, ascending. */
  listWorkflows(tenant: TenantId, page: WorkflowPage): Promise<WorkflowList>;
  /** Active already: unchanged. @throws {MillraceError} workflow.not-found, workflow.changed, workflow.archived */
  activateWorkflow(tenant: TenantId, idOrSlug: string, actor: Actor): Promise<Workflow>;
  /**
   * Changes a workflow's status; one that has it already is unchanged. Runs that live go on to their end, and an
   * archived workflow keeps its slug.
   * @throws {MillraceError} workflow.not-found, workflow.changed, workflow.archived, workflow.wrong-status
   */
  moveWorkflow(request: MoveWorkflowRequest): Promise<Workflow>;

  /**
   * Stores a function that `function` steps may name; one that is registered in code under the name comes first.
   * A change reaches every node within 5 s.
   * @throws {MillraceError} request.invalid, function.exists, function.changed, payload.too-large
   */
  putFunction(request: PutFunctionRequest): Promise<PutFunctionOutcome>;
  /** Values of headers are `HIDDEN_VALUE`. */
  getFunction(tenant: TenantId, name: string): Promise<StoredFunction | null>;
  /** By name, ascending, as `getFunction`. `after`: the last name of the page before. */
  listFunctions(
    tenant: TenantId,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly StoredFunction[]>;
  /** @throws {MillraceError} function.not-found, function.changed */
  deleteFunction(request: DeleteFunctionRequest): Promise<void>;

  readonly runs: RunCommands;
  readonly events: EventCommands;
  readonly keys: KeyCommands;
  readonly tenants: TenantCommands;
  readonly workspaces: WorkspaceCommands;
  /** Newest first. */
  listAudit(tenant: TenantId, limit: number, filter?: AuditFilter): Promise<AuditPage>;

  /** For clients and workers in this process. @param namespace name of the tenant; default `default` */
  connect(namespace?: string): EngineTransport;

  /** Names of the functions registered in code. */
  readonly functionNames: readonly string[];
  /** Names of the actions that were brought along. */
  readonly actionNames: readonly string[];
  /** Lets a paused store go on, at all of its nodes within seconds. @returns false: it was not paused */
  resume(actor: Actor): Promise<boolean>;
  health(): EngineHealth;
  metrics(): EngineMetrics;
}
