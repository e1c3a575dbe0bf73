// Starts runs: checks, finds the workflow, and hands one unit a run to group commit.
import { createHash } from "node:crypto";
import {
  after,
  asJsonText,
  checkName,
  DEFAULT_PRIORITY,
  hashText,
  IDEMPOTENCY_KEY_LIFETIME_MS,
  MAX_DURATION_MS,
  MAX_TIMESTAMP,
  MillraceError,
  newRunId,
  parseRunId,
  toShard,
  type JsonText,
  type Limits,
  type RandomSource,
  type RunId,
  type Shard,
  type TenantId,
  type Timestamp,
} from "@millrace/protocol";
import type { RunHead, RunRef } from "../core/run-head.ts";
import type { StartKey, StartUnit, Storage } from "../storage/storage.ts";
import { commitStart, lostStart } from "./commit-start.ts";
import type { ExistingRun, StartCheck, StartOutcome, StartRequest } from "./commands.ts";
import type { GroupCommit } from "./group-commit.ts";
import { inputTooLarge, invalidInput, logStripped, toWarnings } from "./input-check.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { PlaceNewRun } from "./place-new-run.ts";
import type { CheckedInput, CompiledWorkflow } from "./program-kind.ts";
import type { Runner } from "./runner.ts";
import type { WorkflowHead, Workflows } from "./workflows.ts";
import type { Workspaces } from "./workspaces.ts";

export interface StartsOptions {
  readonly storage: Storage;
  readonly workflows: Workflows;
  readonly workspaces: Workspaces;
  readonly runner: Runner;
  readonly commitFor: (ref: RunRef) => GroupCommit;
  readonly placeNewRun: PlaceNewRun;
  readonly now: () => Timestamp;
  readonly random: RandomSource;
  readonly limits: Limits;
  readonly metrics: Metrics;
  readonly log: Log;
}

type GoodInput = Extract<CheckedInput, { ok: true }>;

/** How often a start looks again at a workflow that changed under it. */
const WORKFLOW_TRIES = 5;

export class Starts {
  readonly #options: StartsOptions;
  readonly #looking = new Map<string, Promise<WorkflowHead | null>>();

  constructor(options: StartsOptions) {
    this.#options = options;
  }

  async start(request: StartRequest): Promise<StartOutcome> {
    const outcome = await this.#start(request);
    const { tenant, workspace: name, user = null } = request;
    if (outcome.kind === "created" && name !== undefined) {
      const { workspaces } = this.#options;
      if (!workspaces.isKnown(tenant, { name, user })) await workspaces.use(tenant, { name, user });
    }
    return outcome;
  }

  async #start(request: StartRequest): Promise<StartOutcome> {
    try {
      checkRequest(request, this.#options.limits);
      const { workflows } = this.#options;
      const head = workflows.cached(request.tenant, request.workflow);
      if (head?.status === "active") {
        const compiled = workflows.loadedVersion(request.tenant, head.id, head.version);
        const outcome =
          compiled === undefined ? CHANGED : await this.#tryStart(request, head, compiled);
        if (outcome.kind !== "changed") return outcome;
      }
      return await this.#lookAndStart(request);
    } catch (error) {
      if (MillraceError.is(error)) return { kind: "rejected", error };
      throw error;
    }
  }

  /** The workflow as it is now may take an input that the one in the cache does not. */
  async #tryStart(
    request: StartRequest,
    head: WorkflowHead,
    compiled: CompiledWorkflow,
  ): Promise<StartOutcome | typeof CHANGED> {
    const input = this.#checkInput(request, compiled);
    return MillraceError.is(input) ? CHANGED : this.#submit(request, head, compiled, input);
  }

  /** The cache did not know the workflow, or had not heard of its last change. */
  async #lookAndStart(request: StartRequest): Promise<StartOutcome> {
    const { workflows } = this.#options;
    for (let n = 0; n < WORKFLOW_TRIES; n++) {
      const head = await this.#look(request);
      if (head === null) throw new MillraceError("workflow.not-found", "Workflow not found");
      if (head.status !== "active") return this.#replayOrRefuse(request, head, notActive(head));
      const compiled = await workflows.version(request.tenant, head.id, head.version);
      if (compiled === null) throw new MillraceError("workflow.not-found", "Workflow not found");
      const input = this.#checkInput(request, compiled);
      if (MillraceError.is(input)) return this.#replayOrRefuse(request, head, input);
      const outcome = await this.#submit(request, head, compiled, input);
      if (outcome.kind !== "changed") return outcome;
    }
    throw new MillraceError(
      "workflow.changed",
      "The workflow changes too often at this moment; repeat",
    );
  }

  /** Starts of one batch that do not know their workflow look once for all of them. */
  #look({ tenant, workflow }: StartRequest): Promise<WorkflowHead | null> {
    const place = `${tenant}\n${workflow}`;
    const looking =
      this.#looking.get(place) ??
      this.#options.workflows.reload(tenant, workflow).finally(() => this.#looking.delete(place));
    this.#looking.set(place, looking);
    return looking;
  }

  /** What `start` would say now. Starts nothing. */
  async check(request: StartRequest): Promise<StartCheck> {
    try {
      checkRequest(request, this.#options.limits);
      const head = await this.#look(request);
      if (head === null) throw new MillraceError("workflow.not-found", "Workflow not found");
      const known = await this.#findKey(request, head);
      if (known !== null) return known;
      if (head.status !== "active") throw notActive(head);
      const { workflows } = this.#options;
      const compiled =
        workflows.loadedVersion(request.tenant, head.id, head.version) ??
        (await workflows.version(request.tenant, head.id, head.version));
      if (compiled === null) throw new MillraceError("workflow.not-found", "Workflow not found");
      const input = this.#checkInput(request, compiled);
      if (MillraceError.is(input)) throw input;
      return { kind: "startable" };
    } catch (error) {
      if (MillraceError.is(error)) return { kind: "rejected", error };
      throw error;
    }
  }

  /** With defaults, or what is wrong with it. */
  #checkInput({ input }: StartRequest, compiled: CompiledWorkflow): GoodInput | MillraceError {
    const checked = compiled.checkInput(input);
    if (!checked.ok) return invalidInput(checked.issues);
    if (checked.input === input) return checked;
    // Defaults make it larger than what was sent.
    const problem = inputTooLarge(checked.input, this.#options.limits.payloadBytes);
    return problem === undefined ? checked : new MillraceError("payload.too-large", problem);
  }

  /** A repeated call still finds its run after somebody paused the workflow or changed its schema. */
  async #replayOrRefuse(
    request: StartRequest,
    head: WorkflowHead,
    refusal: MillraceError,
  ): Promise<StartOutcome> {
    const known = await this.#findKey(request, head);
    if (known !== null) return known;
    throw refusal;
  }

  /** The run that the request's key has started; null: none, or one that may be replaced. */
  async #findKey(request: StartRequest, { id }: WorkflowHead): Promise<ExistingRun | null> {
    const { tenant, idempotencyKey: key, reuseAfterFailure = false } = request;
    if (key === undefined) return null;
    const found = await this.#options.storage.read({ kind: "key", tenant, scope: id, key });
    if (found === null) return null;
    const existing = await this.#existing(request, found.runId, found.payloadHash);
    return reuseAfterFailure && existing.status === "failed" ? null : existing;
  }

  async #submit(
    request: StartRequest,
    workflow: WorkflowHead,
    compiled: CompiledWorkflow,
    { input, stripped }: GoodInput,
  ): Promise<StartOutcome | typeof CHANGED> {
    const { log } = this.#options;
    if (request.name !== undefined) {
      // The name decides the shard, so the store itself would not find a run that the key started elsewhere.
      const known = await this.#findKey(request, workflow);
      if (known !== null) return known;
    }
    const unit = this.#unit(request, workflow, input, compiled);
    const created = (): StartOutcome => {
      logStripped(log, unit.run.id, stripped);
      return toCreated(unit, stripped);
    };
    const outcome = await commitStart(unit, compiled, this.#options);
    switch (outcome.kind) {
      case "done":
        return created();
      case "existing":
        // Its own first sending, whose answer was lost, and which others have taken up since.
        if (outcome.runId === unit.run.id) return created();
        return this.#existing(request, outcome.runId, outcome.payloadHash);
      case "named":
        if (request.onNameConflict === "existing")
          return this.#existing(request, outcome.runId, null);
        throw nameTaken(request.name, outcome.runId);
      case "fault":
        throw outcome.error;
      case "refused":
        return CHANGED;
      case "lost":
        throw lostStart();
    }
  }

  #unit(
    request: StartRequest,
    workflow: WorkflowHead,
    input: JsonText,
    compiled: CompiledWorkflow,
  ): StartUnit {
    const { now, random, placeNewRun } = this.#options;
    const at = now();
    const { idempotencyKey } = request;
    const dueAt = beginOf(request, at);
    // Uniqueness is local to a shard, so what must be unique decides it: the name before the key.
    const shard =
      request.name === undefined
        ? toShard(
            idempotencyKey === undefined
              ? random()
              : hashText(`${request.tenant}/${workflow.id}/${idempotencyKey}`),
          )
        : shardOfName(request.tenant, request.name);
    const run: RunHead = {
      id: newRunId(at, shard, random),
      shard,
      tenant: request.tenant,
      workspace: request.workspace ?? null,
      user: request.user ?? null,
      name: request.name ?? null,
      workflowId: workflow.id,
      workflowVersion: workflow.version,
      trigger: request.trigger ?? "api",
      priority: request.priority ?? DEFAULT_PRIORITY,
      input,
      metadata:
        request.metadata === undefined ? NO_METADATA : asJsonText(JSON.stringify(request.metadata)),
      parent: null,
      retryOf: null,
      depth: 0,
      caller: request.actor.key,
      createdAt: at,
      deadlineAt: deadlineOf(dueAt, compiled.timeoutMs, request.timeoutMs),
    };
    const key: StartKey | null =
      idempotencyKey === undefined
        ? null
        : {
            scope: workflow.id,
            key: idempotencyKey,
            // Of what was sent: a default that is changed later must not make a repeat another payload.
            payloadHash: hashPayload(request.input),
            expiresAt: after(at, IDEMPOTENCY_KEY_LIFETIME_MS),
            reusesAfterFailure: request.reuseAfterFailure ?? false,
          };
    return {
      kind: "start",
      run,
      ...placeNewRun(run, compiled, dueAt),
      key,
      workflowRevision: workflow.revision,
      entries: [],
      audit: null,
    };
  }

  async #existing(
    request: StartRequest,
    runId: RunId,
    payloadHash: string | null,
  ): Promise<ExistingRun> {
    const mismatch = payloadHash !== null && payloadHash !== hashPayload(request.input);
    return findExisting(this.#options.storage, request.tenant, runId, mismatch);
  }
}

/** When the run may begin. */
function beginOf({ delayMs = 0, startAt }: StartRequest, now: Timestamp): Timestamp {
  if (startAt !== undefined) return startAt > now ? startAt : now;
  return after(now, delayMs);
}

/** The earlier of the workflow's deadline and the start's own. */
function deadlineOf(
  beginsAt: Timestamp,
  workflowMs: number | null,
  ownMs: number | undefined,
): Timestamp | null {
  const limitMs = Math.min(workflowMs ?? Infinity, ownMs ?? Infinity);
  return limitMs === Infinity ? null : after(beginsAt, limitMs);
}

/** The run that a repeated start is answered with. @throws {MillraceError} run.pruned */
export async function findExisting(
  storage: Storage,
  tenant: TenantId,
  runId: RunId,
  mismatch: boolean,
): Promise<ExistingRun> {
  const found = await storage.read({ kind: "run", tenant, runId });
  // Keys live on their own: one may still say what it started, of which nothing else is known any more.
  if (found === null) {
    const message = `Run ${runId} was started by this key; it has ended and is kept no longer`;
    throw new MillraceError("run.pruned", message);
  }
  const { workflowId, workflowVersion, status } = "live" in found ? found.live : found.finished;
  return { kind: "existing", runId, workflowId, workflowVersion, status, mismatch };
}

/** Runs of one name share their shard. */
export const shardOfName = (tenant: TenantId, name: string): Shard =>
  toShard(hashText(`${tenant}/${name}`));

export const nameTaken = (name: string | null | undefined, runId: RunId): MillraceError =>
  new MillraceError(
    "run.exists",
    `Run ${runId} is named "${name ?? ""}" and has not ended; choose another name, or wait for its end`,
  );

const CHANGED = { kind: "changed" } as const;

export const notActive = ({ status }: WorkflowHead): MillraceError =>
  new MillraceError(
    "workflow.not-active",
    `Workflow must be active to run. Current status: ${status}`,
  );

const toCreated = ({ run }: StartUnit, stripped: GoodInput["stripped"]): StartOutcome => ({
  kind: "created",
  runId: run.id,
  workflowId: run.workflowId,
  workflowVersion: run.workflowVersion,
  warnings: toWarnings(stripped),
});

const NO_METADATA = asJsonText("{}");

export const hashPayload = (text: string): string =>
  createHash("sha256").update(text).digest("base64url");

function checkRequest(request: StartRequest, limits: Limits): void {
  const { idempotencyKey, input, metadata, workspace, user, name } = request;
  for (const [field, text] of Object.entries({ idempotencyKey, workspace, user, runId: name })) {
    if (text !== undefined) refuse(checkName(text), field);
  }
  // Whoever asks for a run by either could not tell them apart.
  if (name !== undefined && parseRunId(name) !== undefined)
    refuse("Must not look like the id of a run", "runId");
  checkTimes(request);
  const tooLarge = inputTooLarge(input, limits.payloadBytes);
  if (tooLarge !== undefined) throw new MillraceError("payload.too-large", tooLarge);
  const entries = Object.entries(metadata ?? {});
  if (entries.length > limits.metadataKeys) {
    refuse(`Must have at most ${limits.metadataKeys} keys, received ${entries.length}`, "metadata");
  }
  for (const [key, value] of entries) {
    refuse(checkName(key), "metadata", key);
    if (Buffer.byteLength(value) > limits.metadataValueBytes) {
      refuse(`Must be at most ${limits.metadataValueBytes} bytes`, "metadata", key);
    }
  }
}

function checkTimes({ delayMs, startAt, timeoutMs }: StartRequest): void {
  for (const [field, ms] of Object.entries({ delayMs, timeoutMs })) {
    const least = field === "timeoutMs" ? 1 : 0;
    if (ms === undefined || (Number.isSafeInteger(ms) && ms >= least && ms <= MAX_DURATION_MS)) {
      continue;
    }
    const range = `from ${least} to ${MAX_DURATION_MS} (100 years)`;
    refuse(`Must be a whole number of milliseconds ${range}, received ${ms}`, field);
  }
  if (startAt === undefined) return;
  if (delayMs !== undefined) refuse("Must not stand beside delayMs", "startAt");
  const isInstant = Number.isSafeInteger(startAt) && startAt >= 0 && startAt <= MAX_TIMESTAMP;
  if (!isInstant) refuse(`Must be an instant, received ${startAt}`, "startAt");
}

function refuse(problem: string | undefined, ...path: string[]): void {
  if (problem === undefined) return;
  throw new MillraceError("request.invalid", `${path.join(".")}: ${problem}`, {
    issues: [{ path, message: problem }],
  });
}
