// Engines for the samples of seed 001, and the steps that its tests have in common.
import type { StepFunctions } from "@millrace/engine";
import { DEFAULT_TENANT, type JsonValue } from "@millrace/protocol";
import {
  createFrom,
  readRun,
  toBusinessApi,
  type BusinessApi,
  type Created,
  type ExecutionStatus,
} from "./business-api.ts";
import { openNodes } from "./open-nodes.ts";
import type { NodeCommands } from "./sample-node.ts";

/** Longer than anything here takes; nothing waits for it in vain. */
export const PATIENCE_MS = 60_000;

export interface Business extends AsyncDisposable {
  readonly engine: NodeCommands;
  readonly api: BusinessApi;
  /** Runs a sample that creates one workflow, and activates that. */
  create(code: string): Promise<Created>;
  /** Triggers, and waits for the end. */
  run(workflowId: string, input?: JsonValue): Promise<Ended>;
  /** Waits for the end. */
  end(executionId: string): Promise<Ended>;
  /** Reads the execution until the step has this status: each is stored on its own. */
  untilStep(executionId: string, step: string, status: string): Promise<void>;
  /** Stops what runs it. What is stored stays, for those that open the same path. */
  stop(): Promise<void>;
}

export interface Ended extends ExecutionStatus {
  /** Status by key, in the order of the definition. */
  readonly steps: Readonly<Record<string, string>>;
}

/** @param path of a store that is opened again; by default it is gone with its engines */
export async function openBusiness(functions: StepFunctions, path?: string): Promise<Business> {
  const nodes = await openNodes({ functions }, path);
  const engine = nodes.commands;
  const api = toBusinessApi(engine);
  const end: Business["end"] = async (executionId) => {
    const { id } = await readRun(engine, executionId);
    await engine.waitForRun(DEFAULT_TENANT, id, { timeoutMs: PATIENCE_MS });
    return readEnded(engine, executionId);
  };
  return {
    engine,
    api,
    create: (code) => createFrom(api, code),
    run: async (workflowId, input) =>
      end((await api.workflows.trigger(workflowId, input)).executionId),
    end,
    untilStep: async (executionId, step, status) => {
      for (;;) {
        const { steps } = await readRun(engine, executionId);
        if (steps.some((it) => it.key === step && it.status === status)) return;
      }
    },
    stop: () => nodes.stop(),
    [Symbol.asyncDispose]: () => nodes.close(),
  };
}

/** @throws if it has not ended */
export async function readEnded(engine: NodeCommands, executionId: string): Promise<Ended> {
  const { steps } = await readRun(engine, executionId);
  const status = await toBusinessApi(engine).workflows.status(executionId);
  if (status.status === "pending" || status.status === "running") {
    throw new Error(`execution ${executionId} has not ended`);
  }
  return { ...status, steps: Object.fromEntries(steps.map((it) => [it.key, it.status])) };
}
