// What a client and a worker may ask of an engine, whichever way it is reached. The engine is one (`connect`), and
// the SDK speaks it over HTTP.
import type { HostCommand, HostReport, SessionId } from "./code-run.ts";
import type { JsonText, JsonValue } from "./json.ts";
import type { MillraceError } from "./millrace-error.ts";
import type { Priority, Run, RunStatus, RunSummary, TriggerType, WaitingOn } from "./run.ts";
import type { Timestamp } from "./time.ts";

export interface StartCommand {
  /** Id, slug or announced name. */
  readonly workflow: string;
  readonly input: JsonText;
  /** A name for the run, unique among the live ones; 1 to 255 characters, and no run's id. */
  readonly runId?: string;
  /** If a live run has the name: that run is the answer, or `run.exists`. Default: `reject`. */
  readonly onConflict?: "existing" | "reject";
  /** Unique for 24 hours per workflow; 1 to 255 characters. */
  readonly idempotencyKey?: string;
  /** When it may begin: delay from now, or an instant. Default: now. */
  readonly delayMs?: number;
  readonly startAt?: Timestamp;
  readonly priority?: Priority;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly workspace?: string;
  readonly user?: string;
  /** Deadline of the whole run, from its start. */
  readonly timeoutMs?: number;
}

export type StartResult =
  | { readonly kind: "created"; readonly runId: string }
  /** The key had been used by this run, with the same payload. */
  | { readonly kind: "existing"; readonly runId: string }
  /** The key had been used by this run, with another payload. */
  | { readonly kind: "conflict"; readonly runId: string; readonly error: MillraceError }
  | { readonly kind: "rejected"; readonly error: MillraceError };

export interface CancelFilter {
  readonly ids?: readonly string[];
  readonly workflow?: string;
  readonly idStartsWith?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Every run of the tenant that has not ended. */
  readonly all?: true;
}

export interface CancelOptions {
  readonly reason?: string;
  /** Counts, and asks nobody. */
  readonly dryRun?: boolean;
  /** Goes on where an answer ended. */
  readonly cursor?: string;
  readonly signal?: AbortSignal;
}

export interface CancelResult {
  /** How many cancellations are durable; of a dry run: how many would be asked. */
  readonly count: number;
  /** Ask again with it to go on. null: every run was looked at. */
  readonly cursor: string | null;
}

export interface NotifyCommand {
  readonly eventId: string;
  readonly eventData: JsonText;
  /** Only this run. */
  readonly runId?: string;
  /** A repeat with the same one changes nothing. */
  readonly id?: string;
}

export interface NotifyResult {
  /** Id of the event, or of the signal. */
  readonly id: string;
  /** Runs that it was delivered to, in the order in which they began to wait. */
  readonly runIds: readonly string[];
}

/** A run that waits for an event. */
export interface Waiter {
  readonly runId: string;
  readonly step: string;
  readonly since: Timestamp;
  readonly until: Timestamp | null;
}

export interface RunPageRequest {
  readonly limit?: number;
  readonly cursor?: string;
  readonly workflow?: string;
  readonly status?: RunStatus;
  readonly trigger?: TriggerType;
  readonly workspace?: string;
  readonly user?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export type ListedRun = RunSummary & { readonly waitingOn: WaitingOn | null };

export interface Page<T> {
  readonly items: readonly T[];
  /** null: the end. */
  readonly cursor: string | null;
}

/** What happened to a run. `sequence` grows; `after` of a new watch goes on behind it. */
export interface WatchedEvent {
  readonly sequence: number | null;
  readonly type: string;
  readonly data: JsonValue;
}

export interface StreamItem {
  /** From 0, without gaps. */
  readonly offset: number;
  readonly value: JsonValue;
}

/** A run as clients see it. */
export type RunSnapshot = WithoutTenant<Run>;
type WithoutTenant<R> = R extends unknown ? Omit<R, "tenant"> : never;

/** Faults are thrown as `MillraceError`; an item's fault is its result. A method that may be repeated says so. */
export interface ClientTransport {
  /** One result an item, in order. Up to 10,000. Repeating it is safe where each item has a key. */
  startRuns(commands: readonly StartCommand[]): Promise<readonly StartResult[]>;
  /** By id, else by the name of a live run. null: there is none. */
  getRun(run: string): Promise<RunSnapshot | null>;
  /** The run when it has ended, or as it is after `timeoutMs`. null: there is none. */
  waitForRun(
    run: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RunSnapshot | null>;
  listRuns(request: RunPageRequest): Promise<Page<ListedRun>>;
  /** Exactly one field of `filter` is there. Some thousand runs a call. */
  cancelRuns(filter: CancelFilter, options?: CancelOptions): Promise<CancelResult>;
  /** @returns the id of the new run */
  retryRun(run: string, options?: { readonly idempotencyKey?: string }): Promise<string>;
  notify(commands: readonly NotifyCommand[]): Promise<readonly NotifyResult[]>;
  getWaiters(eventId: string): Promise<readonly Waiter[]>;
  /** Until the run ends or `signal` aborts. */
  watchRun(
    run: string,
    options: { readonly after?: number; readonly signal?: AbortSignal },
  ): AsyncIterable<WatchedEvent>;
  readonly workflows: WorkflowTransport;
  close(): Promise<void>;
}

/** A workflow as clients see it. */
export interface ListedWorkflow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly kind: "graph" | "code";
  readonly status: string;
  readonly version: number;
}

export interface WorkflowTransport {
  /** @returns it as stored; a draft until it is activated */
  create(definition: JsonValue): Promise<ListedWorkflow>;
  replace(workflow: string, definition: JsonValue): Promise<ListedWorkflow>;
  get(workflow: string): Promise<ListedWorkflow | null>;
  list(request: {
    readonly limit?: number;
    readonly cursor?: string;
    readonly status?: string;
    readonly search?: string;
  }): Promise<Page<ListedWorkflow>>;
  activate(workflow: string): Promise<ListedWorkflow>;
  pause(workflow: string): Promise<ListedWorkflow>;
  resume(workflow: string): Promise<ListedWorkflow>;
  archive(workflow: string): Promise<void>;
}

/** A code workflow that a worker can execute. */
export interface WorkflowOffer {
  /** 1 to 255 characters; what runs are started by. */
  readonly name: string;
  /** The author's; a run goes only to who offers its version. */
  readonly version: string;
  readonly description?: string;
  /** JSON Schema, where the author's schema can say it; null: the host checks. */
  readonly inputSchema: JsonValue;
  readonly outputSchema: JsonValue;
  /** Deadline of a run; null: none. */
  readonly timeoutMs: number | null;
  /** How long an ended run is kept. Absent: as the server's settings say. */
  readonly retentionMs?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface WorkerOffer {
  /** For people: `orders@host-1`. */
  readonly name: string;
  readonly workflows: readonly WorkflowOffer[];
  /** Names of functions that `function` steps of JSON workflows may call. */
  readonly functions: readonly string[];
  /** How many runs and calls it takes at once. */
  readonly slots: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** An attached worker's end. */
export interface WorkerLink {
  /** In order. Resolves when the owner has them; a body's result is durable only when its settlement is told. */
  report(reports: readonly HostReport[]): Promise<void>;
  /** No new sessions or calls from now on; those that are open go on. */
  drain(): Promise<void>;
  /**
   * Open sessions are given to others.
   *
   * @param suspects sessions whose code ended the worker; a run that does so again and again is set aside.
   *   Default: not known. The one that began something last is the likeliest, and all others are possible.
   */
  close(suspects?: readonly SessionId[]): Promise<void>;
}

export interface WorkerTransport {
  /**
   * Announces what the worker offers, then hands it commands until it is closed.
   *
   * @param receive never throws; called in order
   * @param onLost the owner has given this worker up: its sessions are void, attach again
   * @throws {MillraceError} request.invalid, workflow.exists (a JSON workflow has the name)
   */
  attach(
    offer: WorkerOffer,
    receive: (commands: readonly HostCommand[]) => void,
    onLost: (error: MillraceError) => void,
  ): Promise<WorkerLink>;
}

export interface EngineTransport {
  readonly client: ClientTransport;
  readonly worker: WorkerTransport;
}

/** What `createClient({ engine })` and `createWorker({ engine })` take: an engine in this process. */
export interface ConnectableEngine {
  /** @param namespace name of the tenant; default `default` */
  connect(namespace?: string): EngineTransport;
}
