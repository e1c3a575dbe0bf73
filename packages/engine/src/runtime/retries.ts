// Starts a run anew that failed or was cancelled: with the results that it had.
import {
  after,
  checkName,
  hashText,
  IDEMPOTENCY_KEY_LIFETIME_MS,
  MillraceError,
  newRunId,
  toShard,
} from "@millrace/protocol";
import { carryOverCode } from "../core/carry-over-code.ts";
import { carryOver } from "../core/carry-over.ts";
import { isDeadlineFailure } from "../core/deadline.ts";
import type { Entry } from "../core/entry.ts";
import type { RunHead } from "../core/run-head.ts";
import type { HistoryRow, StartKey, StartUnit } from "../storage/storage.ts";
import { toAudit } from "./audit.ts";
import { commitStart, lostStart } from "./commit-start.ts";
import type { StartOutcome } from "./commands.ts";
import type { CompiledWorkflow } from "./program-kind.ts";
import type { RetryRequest } from "./run-commands.ts";
import { failureOf } from "./run-reader.ts";
import {
  findExisting,
  hashPayload,
  nameTaken,
  notActive,
  shardOfName,
  type StartsOptions,
} from "./starts.ts";

type RetriesOptions = Pick<
  StartsOptions,
  "storage" | "workflows" | "runner" | "commitFor" | "placeNewRun" | "now" | "random" | "metrics"
>;

interface Failed {
  readonly row: HistoryRow;
  readonly journal: readonly Entry[];
}

/** How often a retry looks again at a workflow that changed under it. */
const WORKFLOW_TRIES = 5;

export async function retryRun(
  request: RetryRequest,
  options: RetriesOptions,
): Promise<StartOutcome> {
  try {
    checkKey(request.idempotencyKey);
    const failed = await findFailed(request, options);
    for (let n = 0; n < WORKFLOW_TRIES; n++) {
      const outcome = await tryRetry(request, failed, options);
      if (outcome !== null) return outcome;
    }
    const message = "The workflow changes too often at this moment; repeat";
    throw new MillraceError("workflow.changed", message);
  } catch (error) {
    if (MillraceError.is(error)) return { kind: "rejected", error };
    throw error;
  }
}

function checkKey(key: string | undefined): void {
  const problem = key === undefined ? undefined : checkName(key);
  if (problem === undefined) return;
  const issues = [{ path: ["idempotencyKey"], message: problem }];
  throw new MillraceError("request.invalid", `idempotencyKey: ${problem}`, { issues });
}

async function findFailed(
  { tenant, runId }: RetryRequest,
  { storage }: RetriesOptions,
): Promise<Failed> {
  const found = await storage.read({ kind: "run", tenant, runId });
  if (found === null) throw new MillraceError("run.not-found", "Run not found");
  const status = "live" in found ? found.live.status : found.finished.status;
  if ("finished" in found && status !== "completed") {
    return { row: found.finished, journal: found.journal };
  }
  const message = `Only a failed or cancelled run can be retried. Current status: ${status}`;
  throw new MillraceError("run.not-failed", message);
}

/** @returns null: the workflow changed meanwhile */
async function tryRetry(
  request: RetryRequest,
  { row, journal }: Failed,
  options: RetriesOptions,
): Promise<StartOutcome | null> {
  const { storage, workflows } = options;
  const { tenant, runId, idempotencyKey } = request;
  if (idempotencyKey !== undefined) {
    const known = await storage.read({ kind: "key", tenant, scope: runId, key: idempotencyKey });
    if (known !== null) return findExisting(storage, tenant, known.runId, false);
  }
  const workflow = await workflows.find(tenant, row.workflowId);
  if (workflow.status !== "active") throw notActive(workflow);
  const compiled = await workflows.version(tenant, row.workflowId, row.workflowVersion);
  if (compiled === null) {
    const message = `The workflow has no version ${row.workflowVersion} any more`;
    throw new MillraceError("version.not-found", message);
  }
  const head = toHead(request, row, compiled, options);
  const stoppedAt =
    row.status === "failed" && isDeadlineFailure(failureOf(row)) ? row.deadlineAt : null;
  const unit: StartUnit = {
    kind: "start",
    run: head,
    ...options.placeNewRun(head, compiled, head.createdAt),
    key: toKey(request, head),
    workflowRevision: workflow.revision,
    entries:
      compiled.code === undefined
        ? carryOver({ head: row, journal, stoppedAt }, (it) => compiled.create(it), head)
        : carryOverCode(row, journal, row.status === "failed" ? failureOf(row) : null),
    audit: toAudit(head.createdAt, { ...request, action: "run.retry", target: runId }),
  };
  const outcome = await commitStart(unit, compiled, options);
  switch (outcome.kind) {
    case "done":
      return toCreated(head);
    case "existing":
      return outcome.runId === head.id
        ? toCreated(head)
        : findExisting(storage, tenant, outcome.runId, false);
    case "named":
      throw nameTaken(row.name, outcome.runId);
    case "refused":
      return null;
    case "fault":
      throw outcome.error;
    case "lost":
      throw lostStart();
  }
}

function toHead(
  { tenant, runId, idempotencyKey, actor }: RetryRequest,
  { workspace, user, name, workflowId, workflowVersion, priority, input, metadata }: HistoryRow,
  { timeoutMs }: CompiledWorkflow,
  { now, random }: RetriesOptions,
): RunHead {
  const at = now();
  // Uniqueness is local to a shard, so the key decides it.
  const shard =
    name === null
      ? toShard(
          idempotencyKey === undefined
            ? random()
            : hashText(`${tenant}/${runId}/${idempotencyKey}`),
        )
      : shardOfName(tenant, name);
  return {
    id: newRunId(at, shard, random),
    shard,
    tenant,
    workspace,
    user,
    name,
    workflowId,
    workflowVersion,
    trigger: "manual",
    priority,
    input,
    metadata,
    // A parent has heard of the end of the old run, and does not wait for this one.
    parent: null,
    retryOf: runId,
    depth: 0,
    caller: actor.key,
    createdAt: at,
    deadlineAt: timeoutMs === null ? null : after(at, timeoutMs),
  };
}

const toKey = ({ runId, idempotencyKey }: RetryRequest, head: RunHead): StartKey | null =>
  idempotencyKey === undefined
    ? null
    : {
        scope: runId,
        key: idempotencyKey,
        payloadHash: hashPayload(runId),
        expiresAt: after(head.createdAt, IDEMPOTENCY_KEY_LIFETIME_MS),
        reusesAfterFailure: false,
      };

const toCreated = ({ id, workflowId, workflowVersion }: RunHead): StartOutcome => ({
  kind: "created",
  runId: id,
  workflowId,
  workflowVersion,
  warnings: [],
});
