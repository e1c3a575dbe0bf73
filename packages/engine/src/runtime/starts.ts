// Starts runs: checks, finds the workflow, and hands one unit a run to group commit.
import { createHash } from "node:crypto";
import {
  after,
  asJsonText,
  checkName,
  DEFAULT_PRIORITY,
  hashText,
  IDEMPOTENCY_KEY_LIFETIME_MS,
  MillraceError,
  newRunId,
  toShard,
  type JsonText,
  type Limits,
  type NodeId,
  type RandomSource,
  type Timestamp,
} from "@millrace/protocol";
import type { RunHead, RunRef } from "../core/run-head.ts";
import type { StartKey, StartUnit, Storage } from "../storage/storage.ts";
import type { StartOutcome, StartRequest } from "./commands.ts";
import type { GroupCommit, Settled } from "./group-commit.ts";
import { inputTooLarge, invalidInput, logStripped, toWarnings } from "./input-check.ts";
import type { Log } from "./log.ts";
import type { Metrics } from "./metrics.ts";
import type { CheckedInput, CompiledWorkflow } from "./program-kind.ts";
import type { Runner } from "./runner.ts";
import type { WorkflowHead, Workflows } from "./workflows.ts";

export interface StartsOptions {
  readonly storage: Storage;
  readonly workflows: Workflows;
  readonly runner: Runner;
  readonly commitFor: (ref: RunRef) => GroupCommit;
  /** The node that may own a new run; null: none has room, so the run waits in the store. */
  readonly ownerOfNew: () => NodeId | null;
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

  constructor(options: StartsOptions) {
    this.#options = options;
  }

  async start(request: StartRequest): Promise<StartOutcome> {
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
      const head = await workflows.reload(request.tenant, request.workflow);
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
    const key = request.idempotencyKey;
    const found =
      key === undefined
        ? null
        : await this.#options.storage.read({
            kind: "key",
            tenant: request.tenant,
            scope: head.id,
            key,
          });
    if (found !== null) return this.#existing(request, found.runId, found.payloadHash);
    throw refusal;
  }

  async #submit(
    request: StartRequest,
    workflow: WorkflowHead,
    compiled: CompiledWorkflow,
    { input, stripped }: GoodInput,
  ): Promise<StartOutcome | typeof CHANGED> {
    const { runner, metrics, log } = this.#options;
    const unit = this.#unit(request, workflow, input, compiled.timeoutMs);
    const created = (): StartOutcome => {
      logStripped(log, unit.run.id, stripped);
      return toCreated(unit, stripped);
    };
    const outcome = await this.#commit(unit, () => {
      // In the turn in which it became durable, so that nobody sees a run that its owner does not know.
      metrics.counters.runsStarted += 1;
      if (unit.owner !== null) runner.adopt(unit.run, unit.owner, compiled);
    });
    switch (outcome.kind) {
      case "done":
        return created();
      case "existing":
        // Its own first sending, whose answer was lost, and which others have taken up since.
        if (outcome.runId === unit.run.id) return created();
        return this.#existing(request, outcome.runId, outcome.payloadHash);
      case "fault":
        throw outcome.error;
      case "refused":
        return CHANGED;
      case "lost":
        throw new MillraceError(
          "storage.unavailable",
          "The node lost its place while it started the run; repeat",
        );
    }
  }

  #unit(
    request: StartRequest,
    workflow: WorkflowHead,
    input: JsonText,
    timeoutMs: number | null,
  ): StartUnit {
    const { now, random, ownerOfNew } = this.#options;
    const at = now();
    const { idempotencyKey } = request;
    // Uniqueness is local to a shard, so the key decides it.
    const shard = toShard(
      idempotencyKey === undefined
        ? random()
        : hashText(`${request.tenant}/${workflow.id}/${idempotencyKey}`),
    );
    const run: RunHead = {
      id: newRunId(at, shard, random),
      shard,
      tenant: request.tenant,
      workspace: null,
      user: null,
      workflowId: workflow.id,
      workflowVersion: workflow.version,
      trigger: request.trigger ?? "api",
      priority: request.priority ?? DEFAULT_PRIORITY,
      input,
      metadata:
        request.metadata === undefined ? NO_METADATA : asJsonText(JSON.stringify(request.metadata)),
      parent: null,
      depth: 0,
      caller: request.actor.key,
      createdAt: at,
      deadlineAt: timeoutMs === null ? null : after(at, timeoutMs),
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
          };
    return {
      kind: "start",
      run,
      owner: ownerOfNew(),
      dueAt: at,
      key,
      workflowRevision: workflow.revision,
    };
  }

  #commit(unit: StartUnit, onDone: () => void): Promise<Settled> {
    const { id: runId, tenant, shard } = unit.run;
    return new Promise((resolve) => {
      this.#options.commitFor({ tenant, shard, runId }).submit({
        unit,
        refusable: true,
        settle: (outcome) => {
          if (outcome.kind === "done") onDone();
          resolve(outcome);
        },
        unknown: () =>
          resolve({ kind: "fault", error: new MillraceError("storage.outcome-unknown") }),
      });
    });
  }

  async #existing(
    request: StartRequest,
    runId: RunRef["runId"],
    payloadHash: string | null,
  ): Promise<StartOutcome> {
    const found = await this.#options.storage.read({ kind: "run", tenant: request.tenant, runId });
    if (found === null) throw new MillraceError("run.not-found", "Run not found");
    const run = "live" in found ? found.live : found.finished;
    return {
      kind: "existing",
      runId,
      workflowId: run.workflowId,
      workflowVersion: run.workflowVersion,
      status: run.status,
      mismatch: payloadHash !== null && payloadHash !== hashPayload(request.input),
    };
  }
}

const CHANGED = { kind: "changed" } as const;

const notActive = ({ status }: WorkflowHead): MillraceError =>
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

const hashPayload = (text: string): string => createHash("sha256").update(text).digest("base64url");

function checkRequest({ idempotencyKey, input, metadata }: StartRequest, limits: Limits): void {
  if (idempotencyKey !== undefined) refuse(checkName(idempotencyKey), "idempotencyKey");
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

function refuse(problem: string | undefined, ...path: string[]): void {
  if (problem === undefined) return;
  throw new MillraceError("request.invalid", `${path.join(".")}: ${problem}`, {
    issues: [{ path, message: problem }],
  });
}
