// What the samples of seed 001 call, on the engine itself: the part of its `api` that creates, triggers and reads.
import type { Actor } from "@millrace/engine";
import {
  asJsonText,
  DEFAULT_TENANT,
  parseRunId,
  type Definition,
  type JsonValue,
  type Run,
} from "@millrace/protocol";
import type { NodeCommands } from "./sample-node.ts";
import { evaluate, recordConsole } from "./sample.ts";

/** The four statuses of the seed, and its two optional fields. */
export interface ExecutionStatus {
  readonly status: "pending" | "running" | "completed" | "failed";
  readonly result?: JsonValue;
  readonly error?: string;
}

export interface BusinessWorkflow extends Definition {
  readonly id: string;
}

export interface BusinessApi {
  readonly workflows: {
    create(workflow: unknown): Promise<BusinessWorkflow>;
    trigger(workflowId: string, input?: JsonValue): Promise<{ readonly executionId: string }>;
    status(executionId: string): Promise<ExecutionStatus>;
  };
}

const ACTOR: Actor = { key: null, address: null };

export function toBusinessApi(engine: NodeCommands): BusinessApi {
  return {
    workflows: {
      create: async (workflow) => {
        // As it would cross the wire.
        const definition = JSON.parse(JSON.stringify(workflow)) as JsonValue;
        const request = { tenant: DEFAULT_TENANT, definition, id: null, actor: ACTOR };
        const { id } = (await engine.createWorkflow(request)).workflow;
        const active = await engine.activateWorkflow(DEFAULT_TENANT, id, ACTOR);
        return { ...active.definition, id };
      },
      trigger: async (workflow, input = {}) => {
        const text = asJsonText(JSON.stringify(input));
        const request = { tenant: DEFAULT_TENANT, workflow, input: text, actor: ACTOR };
        const [outcome] = await engine.startRuns([request]);
        if (outcome?.kind === "created") return { executionId: outcome.runId };
        throw new Error(`not started: ${JSON.stringify(outcome)}`);
      },
      status: async (executionId) => toStatus(await readRun(engine, executionId)),
    },
  };
}

export async function readRun(engine: NodeCommands, executionId: string): Promise<Run> {
  const runId = parseRunId(executionId);
  const run = runId === undefined ? null : await engine.getRun(DEFAULT_TENANT, runId);
  if (run === null) throw new Error(`there is no execution ${executionId}`);
  return run;
}

function toStatus(run: Run): ExecutionStatus {
  switch (run.status) {
    case "completed":
      return { status: "completed", result: run.output };
    case "failed":
      return { status: "failed", error: run.failure.message };
    case "cancelled":
      return { status: "failed", error: "Execution cancelled" };
    default:
      return { status: run.status };
  }
}

export interface Created {
  readonly workflow: BusinessWorkflow;
  /** What the sample printed. */
  readonly lines: readonly (readonly unknown[])[];
}

/** Runs a sample that creates one workflow. */
export async function createFrom(api: BusinessApi, code: string): Promise<Created> {
  const created: BusinessWorkflow[] = [];
  const create: BusinessApi["workflows"]["create"] = async (definition) => {
    const workflow = await api.workflows.create(definition);
    created.push(workflow);
    return workflow;
  };
  const console = recordConsole();
  await evaluate(code, { api: { workflows: { ...api.workflows, create } }, console });
  const [workflow] = created;
  if (workflow === undefined || created.length > 1) throw new Error("created not one workflow");
  return { workflow, lines: console.lines };
}
