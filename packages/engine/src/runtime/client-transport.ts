// A client in this process: the commands of the engine, for one tenant.
import {
  DEFAULT_LIMITS,
  isFinishedStatus,
  MillraceError,
  parseRunId,
  type CancelFilter,
  type CancelOptions,
  type CancelResult,
  type ClientTransport,
  type ListedRun,
  type NotifyCommand,
  type NotifyResult,
  type Page,
  type Run,
  type RunId,
  type RunPageRequest,
  type RunSnapshot,
  type StartCommand,
  type StartResult,
  type TenantId,
  type Waiter,
  type WatchedEvent,
  type WorkflowTransport,
} from "@millrace/protocol";
import type { Actor, CancelOutcome, Engine, StartOutcome, StartRequest } from "./commands.ts";
import type { NotifyRequest } from "./event-commands.ts";
import type { RunListFilter } from "./run-commands.ts";
import { toShownFailure, toWatchedEvent } from "./watched-event.ts";
import { createWorkflowTransport } from "./workflow-transport.ts";

const ACTOR: Actor = { key: null, address: null };
const DEFAULT_PAGE = 50;
/** As many as a server shows at once. */
const MOST_WAITERS = 1_000;
/** Of a cancel by filter: what one call takes on, so that a caller who gives up is heard soon. */
const CANCELLED_AT_ONCE = 10_000;

/** @param namespace name of a tenant, which is looked for at the first call */
export function createClientTransport(engine: Engine, namespace: string): ClientTransport {
  return new EngineClient(engine, namespace);
}

class EngineClient implements ClientTransport {
  readonly #engine: Engine;
  readonly #namespace: string;
  readonly workflows: WorkflowTransport;

  constructor(engine: Engine, namespace: string) {
    this.#engine = engine;
    this.#namespace = namespace;
    this.workflows = createWorkflowTransport(engine, () => this.#tenant());
  }

  async startRuns(commands: readonly StartCommand[]): Promise<readonly StartResult[]> {
    const tenant = await this.#tenant();
    const requests = commands.map((command) => toRequest(tenant, command));
    return (await this.#engine.startRuns(requests)).map(toResult);
  }

  async getRun(run: string): Promise<RunSnapshot | null> {
    const tenant = await this.#tenant();
    const id = await this.#find(tenant, run);
    const found = id === null ? null : await this.#engine.getRun(tenant, id);
    return found === null ? null : toSnapshot(found);
  }

  async waitForRun(
    run: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ): Promise<RunSnapshot | null> {
    const tenant = await this.#tenant();
    const id = await this.#find(tenant, run);
    const found = id === null ? null : await this.#engine.waitForRun(tenant, id, options);
    return found === null ? null : toSnapshot(found);
  }

  async listRuns(request: RunPageRequest): Promise<Page<ListedRun>> {
    const tenant = await this.#tenant();
    const { limit = DEFAULT_PAGE, cursor, status, ...rest } = request;
    const filter: RunListFilter = {
      ...rest,
      ...(status === undefined ? {} : { statuses: [status] }),
    };
    const before = cursor === undefined ? null : readCursor(cursor);
    const page = await this.#engine.runs.list(tenant, { before, limit: limit + 1, filter });
    const items = page.runs.slice(0, limit);
    return { items, cursor: page.runs.length > limit ? (items.at(-1)?.id ?? null) : page.next };
  }

  async cancelRuns(filter: CancelFilter, options: CancelOptions = {}): Promise<CancelResult> {
    const tenant = await this.#tenant();
    const { ids, workflow, idStartsWith, metadata } = filter;
    if (ids !== undefined) return this.#cancelNamed(tenant, ids, options);
    if (workflow !== undefined && (await this.#engine.getWorkflow(tenant, workflow)) === null) {
      throw new MillraceError("workflow.not-found", "Workflow not found");
    }
    const { reason = null, dryRun = false, cursor, signal } = options;
    const { requestedCount, failed, isComplete, next } = await this.#engine.runs.cancelMatching({
      tenant,
      filter: {
        ...(workflow === undefined ? {} : { workflow }),
        ...(idStartsWith === undefined ? {} : { idStartsWith }),
        ...(metadata === undefined ? {} : { metadata }),
      },
      reason,
      actor: ACTOR,
      limit: CANCELLED_AT_ONCE,
      isDryRun: dryRun,
      ...(cursor === undefined ? {} : { before: readCursor(cursor) }),
      ...(signal === undefined ? {} : { signal }),
    });
    const [first] = failed;
    if (first !== undefined) throw first.error;
    signal?.throwIfAborted();
    return { count: requestedCount, cursor: isComplete ? null : next };
  }

  async #cancelNamed(
    tenant: TenantId,
    ids: readonly string[],
    { reason, dryRun = false }: CancelOptions,
  ): Promise<CancelResult> {
    refuseTooMany(ids.length, "ids");
    const found = await Promise.all(ids.map((run) => this.#find(tenant, run)));
    const known = [...new Set(found)].filter((id) => id !== null);
    if (dryRun) {
      const runs = await Promise.all(known.map((id) => this.#engine.getRun(tenant, id)));
      const live = runs.filter((run) => run !== null && !isFinishedStatus(run.status));
      return { count: live.length, cursor: null };
    }
    const requests = known.map((runId) => ({
      tenant,
      runId,
      reason: reason ?? null,
      actor: ACTOR,
    }));
    const outcomes = await this.#engine.cancelRuns(requests);
    for (const outcome of outcomes) throwUnlessEnded(outcome);
    return { count: outcomes.filter(({ kind }) => kind === "requested").length, cursor: null };
  }

  async retryRun(run: string, options: { readonly idempotencyKey?: string } = {}): Promise<string> {
    const tenant = await this.#tenant();
    const [outcome] = await this.#engine.runs.retry([
      { tenant, runId: await this.#insist(tenant, run), actor: ACTOR, ...options },
    ]);
    if (outcome === undefined) throw new Error("the engine gave no outcome for a retry");
    if (outcome.kind === "rejected") throw outcome.error;
    return outcome.runId;
  }

  async notify(commands: readonly NotifyCommand[]): Promise<readonly NotifyResult[]> {
    const tenant = await this.#tenant();
    const requests = await Promise.all(
      commands.map((command) => this.#toNotifyRequest(tenant, command)),
    );
    const outcomes = await this.#engine.events.notify(tenant, requests, ACTOR);
    return outcomes.map((outcome) => {
      if (outcome.kind === "rejected") throw outcome.error;
      return { id: outcome.id, runIds: outcome.runIds };
    });
  }

  async getWaiters(eventId: string): Promise<readonly Waiter[]> {
    const tenant = await this.#tenant();
    const waiters = await this.#engine.events.waiters(tenant, eventId, MOST_WAITERS);
    return waiters.map(({ key: step, ...rest }) => ({ ...rest, step }));
  }

  async *watchRun(
    run: string,
    { after = 0, signal }: { readonly after?: number; readonly signal?: AbortSignal },
  ): AsyncGenerator<WatchedEvent, void> {
    const tenant = await this.#tenant();
    const never = new AbortController().signal;
    const id = await this.#insist(tenant, run);
    const feed = this.#engine.runs.watch(tenant, id, { after, signal: signal ?? never });
    let isFound = false;
    for await (const item of feed) {
      isFound = true;
      // Whoever has heard the end hears nothing more.
      if (item.type === "end" && after >= item.sequence) return;
      const event = toWatchedEvent(item);
      if (event !== null) yield event;
    }
    if (!isFound && signal?.aborted !== true) throw runNotFound();
  }

  /** The engine belongs to whoever made it. */
  close(): Promise<void> {
    return Promise.resolve();
  }

  /** By id, else by name. */
  async #find(tenant: TenantId, run: string): Promise<RunId | null> {
    return parseRunId(run) ?? this.#engine.runs.findNamed(tenant, run);
  }

  async #insist(tenant: TenantId, run: string): Promise<RunId> {
    const id = await this.#find(tenant, run);
    if (id === null) throw runNotFound();
    return id;
  }

  async #toNotifyRequest(
    tenant: TenantId,
    { eventId: name, eventData: data, runId, id }: NotifyCommand,
  ): Promise<NotifyRequest> {
    return {
      name,
      data,
      ...(runId === undefined ? {} : { runId: await this.#insist(tenant, runId) }),
      ...(id === undefined ? {} : { id }),
    };
  }

  async #tenant(): Promise<TenantId> {
    const tenant = await this.#engine.tenants.find(this.#namespace);
    if (tenant !== null) return tenant;
    throw new MillraceError("tenant.not-found", `There is no tenant "${this.#namespace}"`);
  }
}

const runNotFound = (): MillraceError => new MillraceError("run.not-found", "Run not found");

function readCursor(cursor: string): RunId {
  const id = parseRunId(cursor);
  if (id !== undefined) return id;
  const issues = [{ path: ["cursor"], message: "Not a cursor of this list" }];
  throw new MillraceError("request.invalid", "cursor: Not a cursor of this list", { issues });
}

function refuseTooMany(count: number, what: string): void {
  const limit = DEFAULT_LIMITS.bulkItems;
  if (count <= limit) return;
  throw new MillraceError("request.too-large", `There are ${count} ${what}; the limit is ${limit}`);
}

/** A run that has ended or never was is no mistake of whoever cancels many. */
function throwUnlessEnded(outcome: CancelOutcome): void {
  if (outcome.kind === "requested") return;
  const { code } = outcome.error;
  if (code !== "run.finished" && code !== "run.not-found") throw outcome.error;
}

function toSnapshot(run: Run): RunSnapshot {
  const { tenant: _, ...shown } = run;
  if (shown.status !== "failed") return shown;
  return { ...shown, failure: toShownFailure(shown.failure) };
}

function toRequest(
  tenant: TenantId,
  { runId: name, onConflict: onNameConflict, ...rest }: StartCommand,
): StartRequest {
  return {
    tenant,
    actor: ACTOR,
    ...rest,
    ...(name === undefined ? {} : { name }),
    ...(onNameConflict === undefined ? {} : { onNameConflict }),
  };
}

function toResult(outcome: StartOutcome): StartResult {
  if (outcome.kind === "rejected") return outcome;
  const { kind, runId } = outcome;
  if (kind === "created" || !outcome.mismatch) return { kind, runId };
  const message = `The idempotency key was used with another payload; it started ${runId}`;
  return { kind: "conflict", runId, error: new MillraceError("idempotency.mismatch", message) };
}
