// An engine for the samples of seed 001, and the steps that its tests have in common.
import { createEngine, type Engine, type StepFunctions } from "@millrace/engine";
import { createSqliteStorage } from "@millrace/engine/sqlite";
import { DEFAULT_TENANT, type JsonValue } from "@millrace/protocol";
import {
  createFrom,
  readRun,
  toBusinessApi,
  type BusinessApi,
  type Created,
  type ExecutionStatus,
} from "./business-api.ts";

/** Longer than anything here takes; nothing waits for it in vain. */
export const PATIENCE_MS = 60_000;

export interface Business extends AsyncDisposable {
  readonly engine: Engine;
  readonly api: BusinessApi;
  /** Runs a sample that creates one workflow, and activates that. */
  create(code: string): Promise<Created>;
  /** Triggers, and waits for the end. */
  run(workflowId: string, input?: JsonValue): Promise<Ended>;
  /** Waits for the end. */
  end(executionId: string): Promise<Ended>;
  /** Reads the execution until the step has this status: each is stored on its own. */
  untilStep(executionId: string, step: string, status: string): Promise<void>;
}

export interface Ended extends ExecutionStatus {
  /** Status by key, in the order of the definition. */
  readonly steps: Readonly<Record<string, string>>;
}

/** @param path of the store's file; by default it is in memory */
export async function openBusiness(functions: StepFunctions, path?: string): Promise<Business> {
  const storage = await createSqliteStorage(path === undefined ? { memory: true } : { path });
  const engine = createEngine({ storage, functions });
  await engine.start();
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
    [Symbol.asyncDispose]: () => engine.stop({ graceMs: 0 }),
  };
}

/** @throws if it has not ended */
export async function readEnded(engine: Engine, executionId: string): Promise<Ended> {
  const { steps } = await readRun(engine, executionId);
  const status = await toBusinessApi(engine).workflows.status(executionId);
  if (status.status === "pending" || status.status === "running") {
    throw new Error(`execution ${executionId} has not ended`);
  }
  return { ...status, steps: Object.fromEntries(steps.map((it) => [it.key, it.status])) };
}
