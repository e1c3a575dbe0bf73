// One process that runs the engine: its services, its lifecycle, and the commands that doors call.
import {
  MillraceError,
  newNodeId,
  type Actions,
  type EngineTransport,
  type FunctionCaller,
  type JsonValue,
  type Limits,
  type NodeId,
  type RandomSource,
  type Run,
  type RunId,
  type StoredFunction,
  type TenantId,
  type Workflow,
  type WorkflowVersion,
} from "@millrace/protocol";
import type { AuditFilter, AuditPage } from "../storage/catalog.ts";
import type { Storage } from "../storage/storage.ts";
import type { Activity } from "./activity.ts";
import { Background } from "./background.ts";
import type { Intercept } from "./callables.ts";
import { cancelRun } from "./cancels.ts";
import type { Clock } from "./clock.ts";
import type {
  Actor,
  CancelOutcome,
  CancelRequest,
  CreateWorkflowRequest,
  DefinitionCheck,
  DeleteFunctionRequest,
  Engine,
  EngineHealth,
  EngineMetrics,
  PutFunctionOutcome,
  PutFunctionRequest,
  MoveWorkflowRequest,
  RestoreWorkflowRequest,
  RunListItem,
  SavedWorkflow,
  StartOutcome,
  StartRequest,
  UpdateWorkflowRequest,
  WorkflowList,
  WorkflowPage,
} from "./commands.ts";
import { connectEngine } from "./connect.ts";
import type { EventCommands } from "./event-commands.ts";
import type { KeyCommands } from "./key-commands.ts";
import type { Log } from "./log.ts";
import { assemble, type NodeParts } from "./parts.ts";
import { Pause } from "./pause.ts";
import type { ProgramKind } from "./program-kind.ts";
import type { Retention } from "./retention.ts";
import type { RunCommands } from "./run-commands.ts";
import type { StepFunctions } from "./step-function.ts";
import { createStoreTime, type StoreTime } from "./store-time.ts";
import type { TenantCommands, WorkspaceCommands } from "./tenant-commands.ts";

export interface NodeOptions {
  readonly storage: Storage;
  readonly functions: StepFunctions;
  /** Default: none. */
  readonly actions?: Actions;
  /** Default: stored functions cannot be called here. */
  readonly callFunction?: FunctionCaller;
  readonly limits: Limits;
  readonly log: Log;
  readonly maxResidentRuns: number;
  /** Pauses the store: nothing moves until somebody calls `resume`. Default: only what is paused already. */
  readonly startsPaused?: boolean;
  /** Default: `DEFAULT_RETENTION`. */
  readonly retention?: Retention;
  readonly clock: Clock;
  /** Of what it does by the clock although nothing happens, and which may be late then. Default: `clock`. */
  readonly upkeepClock?: Clock;
  /** Default: an attempt calls what it names. */
  readonly intercept?: Intercept;
  readonly random: RandomSource;
  readonly programs: ProgramKind;
  readonly host: { readonly name: string; readonly pid: number };
}

const DEFAULT_STOP_GRACE_MS = 10_000;
/** A store that takes no writes is not waited for longer; what it did not take is freed as a dead node's. */
const HAND_OVER_MS = 10_000;
/** With so many bodies that outlived their time, this process takes no more runs. */
const MAX_OVERDUE_BODIES = 100;

export class Node implements Engine {
  readonly #options: NodeOptions;
  readonly #time: StoreTime;
  readonly #parts: NodeParts;
  readonly #background: Background;
  readonly #pause: Pause;
  readonly #lifecycleListeners: ((running: boolean) => void)[] = [];
  #id: NodeId;
  #state: EngineHealth["state"] = "starting";
  #failure: MillraceError | null = null;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #rejoining = false;
  #stopListening = (): void => {};

  constructor(options: NodeOptions) {
    this.#options = options;
    const { storage, clock, upkeepClock = clock, log, random } = options;
    this.#time = createStoreTime(clock);
    this.#id = newNodeId(this.#time.now(), random);
    this.#pause = new Pause({
      catalog: storage.catalog,
      clock,
      time: this.#time,
      log,
      onResumed: () => this.#background.resumed(),
    });
    this.#parts = assemble(options, this.#time, {
      id: () => this.#id,
      room: () => this.#room(),
      takesRuns: () => this.#state === "ready",
      isPaused: () => this.#pause.isPaused,
      refusal: () => this.#refusal(),
      onFatal: (error) => this.#onFatal(error),
      onSend: () => this.#background.sent(),
      onCrowded: () => this.#background.crowded(),
      onOffer: () => this.#background.offered(),
      onUnread: () => this.#background.unread(),
    });
    this.#background = new Background({
      storage,
      clock,
      upkeepClock,
      log,
      time: this.#time,
      parts: this.#parts,
      retention: options.retention,
      node: () => this.#id,
      room: () => this.#room(),
      isPaused: () => this.#pause.isPaused,
      onFatal: (error) => this.#onFatal(error),
    });
  }

  get functionNames(): readonly string[] {
    return Object.keys(this.#options.functions);
  }

  get actionNames(): readonly string[] {
    return Object.keys(this.#options.actions ?? {});
  }

  connect(namespace?: string): EngineTransport {
    return connectEngine(this, this.#parts.workers, namespace);
  }

  /** What code is at now, on this node or for it. */
  get activities(): readonly Activity[] {
    return this.#parts.runner.activities();
  }

  get runs(): RunCommands {
    return this.#parts.runs;
  }

  get events(): EventCommands {
    return this.#parts.events;
  }

  get keys(): KeyCommands {
    return this.#parts.keys;
  }

  get tenants(): TenantCommands {
    return this.#parts.tenants;
  }

  get workspaces(): WorkspaceCommands {
    return this.#parts.workspaces;
  }

  start(): Promise<void> {
    this.#starting ??= this.#start().catch((error: unknown) => {
      // It may be tried again, under another id: one lives once.
      this.#starting = undefined;
      this.#id = newNodeId(this.#time.now(), this.#options.random);
      throw error;
    });
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { storage } = this.#options;
    await storage.migrate();
    await this.#join(this.#id);
    await this.#pause.begin(this.#options.startsPaused ?? false);
    // Before anything else moves: what a dead process owned is free again.
    await this.#background.reap();
    storage.onWake(() => this.#background.wake());
    this.#background.startBeating();
    // Before the claimer looks for the first time: what was freed moves at once.
    if (this.#state === "starting") this.#state = "ready";
    this.#background.start();
    for (const listener of this.#lifecycleListeners) listener(true);
  }

  stop(options: { readonly graceMs?: number } = {}): Promise<void> {
    this.#stopping ??= this.#stop(options.graceMs ?? DEFAULT_STOP_GRACE_MS);
    return this.#stopping;
  }

  async #stop(graceMs: number): Promise<void> {
    const { storage, clock } = this.#options;
    if (this.#starting !== undefined) await this.#starting.catch(() => undefined);
    if (this.#state !== "failed") this.#state = "stopping";
    await this.#pause.stop();
    await this.#background.stop();
    if (this.#failure === null) {
      this.#parts.runner.drain();
      await this.#parts.executor.drain(graceMs);
      this.#parts.runner.handOver();
      await this.#settled(clock);
      const stopped = new MillraceError("engine.stopping", "The engine has stopped");
      this.#parts.workers.detachAll(stopped);
      for (const lane of this.#parts.lanes) lane.fail(stopped);
      // When a key was last used is not worth an error.
      await this.#parts.keys.writeUses().catch(() => undefined);
    }
    await this.#background.stopBeating();
    this.#stopListening();
    await storage.close();
    for (const listener of this.#lifecycleListeners) listener(false);
  }

  /** Waits until everything that was given up is stored, or the store has had its time. */
  #settled(clock: Clock): Promise<void> {
    const untilMs = clock.monotonicMs() + HAND_OVER_MS;
    return new Promise((resolve) => {
      const look = (): void => {
        const quiet =
          this.#parts.runner.size === 0 && this.#parts.lanes.every((lane) => lane.queued === 0);
        const isOver = this.#failure !== null || clock.monotonicMs() >= untilMs;
        if (quiet || isOver) resolve();
        else clock.setTimer(1, look);
      };
      look();
    });
  }

  /** Tells of the engine's start and end. */
  onLifecycle(listener: (running: boolean) => void): void {
    this.#lifecycleListeners.push(listener);
  }

  /** @returns true: the rejected promise was left behind by a step's function, and that attempt has failed */
  strayRejection(reason: unknown): boolean {
    return this.#parts.executor.strayRejection(reason);
  }

  async startRuns(requests: readonly StartRequest[]): Promise<readonly StartOutcome[]> {
    const refusal = this.#refusal();
    if (refusal !== null) return requests.map(() => ({ kind: "rejected", error: refusal }));
    return Promise.all(requests.map((request) => this.#parts.starts.start(request)));
  }

  async cancelRuns(requests: readonly CancelRequest[]): Promise<readonly CancelOutcome[]> {
    const refusal = this.#refusal();
    if (refusal !== null) return requests.map(() => ({ kind: "rejected", error: refusal }));
    return Promise.all(
      requests.map((request) =>
        cancelRun(request, this.#time.now(), this.#parts.commitFor, this.#parts.runner),
      ),
    );
  }

  getRun(tenant: TenantId, runId: RunId): Promise<Run | null> {
    return this.#parts.reader.get(tenant, runId);
  }

  async listRuns(
    tenant: TenantId,
    page: { readonly before: RunId | null; readonly limit: number },
  ): Promise<readonly RunListItem[]> {
    return (await this.#parts.runs.list(tenant, page)).runs;
  }

  waitForRun(
    tenant: TenantId,
    runId: RunId,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<Run | null> {
    return this.#parts.watchers.wait(tenant, runId, options);
  }

  createWorkflow(request: CreateWorkflowRequest): Promise<SavedWorkflow> {
    return this.#parts.editor.create(request);
  }

  updateWorkflow(request: UpdateWorkflowRequest): Promise<SavedWorkflow> {
    return this.#parts.editor.update(request);
  }

  restoreWorkflow(request: RestoreWorkflowRequest): Promise<SavedWorkflow> {
    return this.#parts.editor.restore(request);
  }

  validateDefinition(tenant: TenantId, definition: JsonValue): Promise<DefinitionCheck> {
    return this.#parts.editor.validate(tenant, definition);
  }

  async getWorkflowVersion(
    tenant: TenantId,
    idOrSlug: string,
    version: number,
  ): Promise<WorkflowVersion> {
    const { workflows } = this.#parts;
    return workflows.findVersion(tenant, await workflows.find(tenant, idOrSlug), version);
  }

  async listWorkflowVersions(
    tenant: TenantId,
    idOrSlug: string,
    page: { readonly before: number | null; readonly limit: number },
  ): Promise<readonly WorkflowVersion[]> {
    const { workflows } = this.#parts;
    return workflows.listVersions(tenant, await workflows.find(tenant, idOrSlug), page);
  }

  getWorkflow(tenant: TenantId, idOrSlug: string): Promise<Workflow | null> {
    return this.#parts.workflows.get(tenant, idOrSlug);
  }

  listWorkflows(tenant: TenantId, page: WorkflowPage): Promise<WorkflowList> {
    return this.#parts.workflows.list(tenant, page);
  }

  activateWorkflow(tenant: TenantId, idOrSlug: string, actor: Actor): Promise<Workflow> {
    return this.#parts.editor.activate(tenant, idOrSlug, actor);
  }

  moveWorkflow(request: MoveWorkflowRequest): Promise<Workflow> {
    return this.#parts.editor.move(request);
  }

  putFunction(request: PutFunctionRequest): Promise<PutFunctionOutcome> {
    return this.#parts.stored.put(request);
  }

  getFunction(tenant: TenantId, name: string): Promise<StoredFunction | null> {
    return this.#parts.stored.get(tenant, name);
  }

  listFunctions(
    tenant: TenantId,
    page: { readonly after: string | null; readonly limit: number },
  ): Promise<readonly StoredFunction[]> {
    return this.#parts.stored.list(tenant, page);
  }

  deleteFunction(request: DeleteFunctionRequest): Promise<void> {
    return this.#parts.stored.delete(request);
  }

  listAudit(tenant: TenantId, limit: number, filter: AuditFilter = {}): Promise<AuditPage> {
    return this.#options.storage.read({ kind: "audit", tenant, limit, ...filter });
  }

  resume(actor: Actor): Promise<boolean> {
    return this.#pause.resume(actor);
  }

  health(): EngineHealth {
    const reason = this.#failure?.message ?? this.#trouble() ?? this.#pause.reason;
    return { state: this.#state, reason };
  }

  metrics(): EngineMetrics {
    return this.#parts.metrics.snapshot({
      residentRuns: this.#parts.runner.size,
      runningBodies: this.#parts.executor.living,
      queuedUnits: this.#parts.lanes.reduce((sum, lane) => sum + lane.queued, 0),
    });
  }

  #trouble(): string | null {
    const lane = this.#parts.lanes.find(
      ({ trouble }) => trouble !== null && trouble.code !== "storage.rejected",
    );
    const trouble = lane?.trouble ?? this.#background.trouble;
    if (trouble) return trouble.message;
    return this.#parts.executor.overdue >= MAX_OVERDUE_BODIES
      ? `${this.#parts.executor.overdue} step bodies outlived their time; this node takes no more runs until they end`
      : null;
  }

  #room(): number {
    if (this.#pause.isPaused) return 0;
    if (this.#state !== "ready" || this.#parts.executor.overdue >= MAX_OVERDUE_BODIES) return 0;
    return this.#options.maxResidentRuns - this.#parts.runner.size;
  }

  #refusal(): MillraceError | null {
    if (this.#failure !== null) return this.#failure;
    return this.#state === "ready"
      ? null
      : new MillraceError("engine.stopping", `The engine is ${this.#state}`);
  }

  async #join(id: NodeId): Promise<void> {
    const { storage, host } = this.#options;
    this.#time.adjust(await storage.join({ id, host: host.name, pid: host.pid }));
    this.#id = id;
    this.#stopListening();
    this.#stopListening = storage.hints.listen(id, (hint) => this.#background.hear(hint));
  }

  #onFatal(error: MillraceError): void {
    if (error.code === "storage.fenced-node") {
      void this.#rejoin(error);
      return;
    }
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#state = "failed";
    this.#options.log.error({ err: error }, "the store can no longer write; this node stops");
    for (const lane of this.#parts.lanes) lane.fail(error);
    this.#parts.runner.dropAll("the store can no longer write");
    this.#background.abandon();
  }

  /** Declared dead: everything is dropped, and the process goes on as a new node. */
  async #rejoin(reason: MillraceError): Promise<void> {
    if (this.#rejoining || this.#state === "stopping") return;
    this.#rejoining = true;
    const { log, random } = this.#options;
    log.warn(
      { node: this.#id, err: reason },
      "this node was declared dead; it drops its runs and joins again",
    );
    this.#parts.runner.dropAll("the node was declared dead");
    try {
      // Under its old id nothing is written until then.
      await this.#join(newNodeId(this.#time.now(), random));
    } catch (error) {
      log.warn({ err: error }, "joining failed and will be tried again with the next heartbeat");
    }
    this.#rejoining = false;
  }
}
