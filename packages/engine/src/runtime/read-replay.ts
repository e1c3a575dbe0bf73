// A run of a code workflow as a check replays it elsewhere: what its host would be given, and how it ended.
import {
  fromJsonText,
  MillraceError,
  REPLAY_FORMAT,
  toIso,
  type Failure,
  type Outcome,
  type ReplayOutcome,
  type ReplayRecord,
  type RunId,
  type Settlement,
  type StopNotice,
  type TenantId,
} from "@millrace/protocol";
import { rebuild } from "../core/drive.ts";
import { createRunState } from "../core/state.ts";
import type { HistoryRow, Storage } from "../storage/storage.ts";
import { listOpen } from "./code-task.ts";
import { failureOf } from "./run-reader.ts";
import type { Workflows } from "./workflows.ts";

/** @throws {MillraceError} run.not-code, version.not-found */
export async function readReplay(
  storage: Pick<Storage, "read">,
  workflows: Pick<Workflows, "version">,
  tenant: TenantId,
  runId: RunId,
): Promise<ReplayRecord | null> {
  const found = await storage.read({ kind: "run", tenant, runId });
  if (found === null) return null;
  const head = "live" in found ? found.live : found.finished;
  const { workflowId, workflowVersion } = head;
  const workflow = await workflows.version(tenant, workflowId, workflowVersion);
  if (workflow === null) {
    const message = `Workflow ${workflowId} has no version ${workflowVersion}`;
    throw new MillraceError("version.not-found", message);
  }
  if (workflow.code === undefined) throw new MillraceError("run.not-code");
  const state = createRunState(head, undefined, true);
  const settled = rebuild(state, found.journal);
  return {
    format: REPLAY_FORMAT,
    detail: "whole",
    runId,
    workflow: workflow.code.name,
    version: workflow.code.version,
    input: fromJsonText(head.input),
    // Checked to be an object of texts when the run was started.
    metadata: fromJsonText(head.metadata) as Readonly<Record<string, string>>,
    workspace: head.workspace,
    user: head.user,
    createdAt: toIso(head.createdAt),
    settled: settled.map(toSettlement),
    open: listOpen(state),
    stop: state.stop === null ? null : toStop(state.stop),
    end: "live" in found ? null : toEnd(found.finished),
  };
}

const toSettlement = ({ at, outcome, ...rest }: Settlement): ReplayRecord["settled"][number] => ({
  ...rest,
  outcome: toOutcome(outcome),
  at: toIso(at),
});

const toStop = ({ sequence, outcome, at }: StopNotice): ReplayRecord["stop"] => ({
  sequence,
  outcome: toOutcome(outcome),
  at: toIso(at),
});

function toOutcome(outcome: Outcome): ReplayOutcome {
  switch (outcome.status) {
    case "completed":
      return { status: "completed", output: fromJsonText(outcome.output) };
    case "failed":
      return { status: "failed", failure: withoutStack(outcome.failure) };
    case "cancelled":
      return outcome;
  }
}

function toEnd(row: HistoryRow): ReplayOutcome {
  switch (row.status) {
    case "completed":
      return { status: "completed", output: row.result === null ? null : fromJsonText(row.result) };
    case "failed":
      return { status: "failed", failure: withoutStack(failureOf(row)) };
    case "cancelled":
      return { status: "cancelled" };
  }
}

/** The function may look at a cause, but nobody branches on a stack. */
function withoutStack(failure: Failure): Failure {
  const { stack: _, cause, ...rest } = failure;
  return cause === undefined ? rest : { ...rest, cause: withoutStack(cause) };
}
