// Runs as the API shows them: the row, and what the journal says when the program is told it again.
import {
  fromJsonText,
  type Failure,
  type JsonValue,
  type NodeId,
  type Run,
  type RunId,
  type Step,
  type TenantId,
  type Timestamp,
  type WaitingOn,
} from "@millrace/protocol";
import { rebuild, replay } from "../core/drive.ts";
import type { Entry } from "../core/entry.ts";
import type { RunHead } from "../core/run-head.ts";
import { createRunState, type Operation, type RunState } from "../core/state.ts";
import { waitingOn } from "../core/waiting-on.ts";
import type { HistoryRow, RunRow, Storage } from "../storage/storage.ts";
import type { Workflows } from "./workflows.ts";

/** When the attempts of a run began that run on this node now, by step. */
export type Progress = (runId: RunId) => ReadonlyMap<string, Timestamp>;

export interface ReadRun {
  readonly run: Run;
  /** Who moves it. null: nobody does now. */
  readonly owner: NodeId | null;
  readonly journal: readonly Entry[];
}

export class RunReader {
  readonly #storage: Storage;
  readonly #workflows: Workflows;
  readonly #progress: Progress;

  constructor(storage: Storage, workflows: Workflows, progress: Progress) {
    this.#storage = storage;
    this.#workflows = workflows;
    this.#progress = progress;
  }

  async get(tenant: TenantId, runId: RunId): Promise<Run | null> {
    return (await this.read(tenant, runId))?.run ?? null;
  }

  /** With the journal that it was read with. */
  async read(tenant: TenantId, runId: RunId): Promise<ReadRun | null> {
    const found = await this.#storage.read({ kind: "run", tenant, runId });
    if (found === null) return null;
    const row = "live" in found ? found.live : found.finished;
    const { state, steps } = await this.#replay(
      row,
      found.journal,
      "live" in found ? null : found.finished,
    );
    const run =
      "live" in found ? showLive(found.live, state, steps) : showFinished(found.finished, steps);
    return { run, owner: "live" in found ? found.live.owner : null, journal: found.journal };
  }

  /** A finished run whose rows are at hand. */
  async show(row: HistoryRow, journal: readonly Entry[]): Promise<Run> {
    const { steps } = await this.#replay(row, journal, row);
    return showFinished(row, steps);
  }

  async #replay(
    head: RunHead,
    journal: readonly Entry[],
    finished: HistoryRow | null,
  ): Promise<{ state: RunState | null; steps: readonly Step[] }> {
    const workflow = await this.#workflows.version(
      head.tenant,
      head.workflowId,
      head.workflowVersion,
    );
    if (workflow === null) return { state: null, steps: [] };
    const isHosted = workflow.code !== undefined;
    const state = createRunState(head, undefined, isHosted);
    const program = workflow.create(head);
    if (isHosted) rebuild(state, journal);
    // A difference shows the steps up to it, which is what a reader wants to see.
    else replay(state, program, journal);
    if (finished !== null) state.ended = outcomeOf(finished);
    else this.#overlay(state);
    return { state, steps: program.describe(state) };
  }

  /** What the journal cannot know: which bodies run, and since when. */
  #overlay(state: RunState): void {
    for (const [key, begunAt] of this.#progress(state.head.id)) {
      const operation = state.operations.get(key) ?? addFirst(state, key);
      if (operation === null || operation.phase === "settled") continue;
      operation.phase = "running";
      operation.begunAt = begunAt;
    }
  }
}

/**
 * What a code run asks for is journaled when it has come to something, so a body that runs for the first time is known
 * to its owner alone. Other programs are asked again, so theirs are there.
 */
function addFirst(state: RunState, key: string): Operation | null {
  if (!state.isHosted) return null;
  const operation: Operation = {
    key,
    body: null,
    position: state.journal.length,
    phase: "running",
    attempt: 1,
    wait: null,
    begunAt: null,
    waitingSince: null,
    dueAt: null,
    outcome: null,
  };
  state.operations.set(key, operation);
  state.open.add(operation);
  return operation;
}

function outcomeOf(row: HistoryRow): RunState["ended"] {
  switch (row.status) {
    case "completed":
      return row.result === null ? null : { status: "completed", output: row.result };
    case "failed":
      return { status: "failed", failure: failureOf(row) };
    case "cancelled":
      return { status: "cancelled" };
  }
}

function showLive(row: RunRow, state: RunState | null, steps: readonly Step[]): Run {
  return { ...base(row, steps), status: row.status, waitingOn: waitingNow(row, state) };
}

/** A run that moves may not have said so yet; one that was set aside has. */
function waitingNow(row: RunRow, state: RunState | null): WaitingOn | null {
  const stored = row.waitingOn;
  if (stored?.kind === "quarantine" || stored?.kind === "divergence" || stored?.kind === "worker")
    return row.owner === null ? stored : null;
  return state === null ? stored : waitingOn(state);
}

function showFinished(row: HistoryRow, steps: readonly Step[]): Run {
  const finished = { ...base(row, steps), finishedAt: row.finishedAt };
  switch (row.status) {
    case "completed":
      return {
        ...finished,
        status: "completed",
        output: row.result === null ? null : fromJsonText(row.result),
      };
    case "failed":
      return { ...finished, status: "failed", failure: failureOf(row) };
    case "cancelled":
      return { ...finished, status: "cancelled" };
  }
}

/** Written by this engine as a `Failure`. */
export const failureOf = (row: HistoryRow): Failure =>
  row.result === null
    ? { code: "internal.error", message: "The failure was not stored", source: "definition" }
    : (fromJsonText(row.result) as unknown as Failure);

function base(
  row: RunRow | HistoryRow,
  steps: readonly Step[],
): Omit<Extract<Run, { status: "pending" }>, "status" | "waitingOn"> {
  const metadata: JsonValue = fromJsonText(row.metadata);
  return {
    id: row.id,
    tenant: row.tenant,
    workspace: row.workspace,
    user: row.user,
    name: row.name,
    workflowId: row.workflowId,
    workflowVersion: row.workflowVersion,
    trigger: row.trigger,
    input: fromJsonText(row.input),
    // Checked to be an object of texts when the run was started.
    metadata: metadata as Readonly<Record<string, string>>,
    parent: row.parent,
    retryOf: row.retryOf,
    createdAt: row.createdAt,
    startedAt: row.startedAt,
    steps,
    cancelRequestedAt: row.cancelRequestedAt,
  };
}
