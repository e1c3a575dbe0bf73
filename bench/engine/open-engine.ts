import { createEngine, type Engine, type StepFunctions } from "@millrace/engine";
import { DEFAULT_TENANT, MillraceError, type Actions } from "@millrace/protocol";
import type { ChosenWorkflow } from "./definitions.ts";
import { createSlowStorage } from "./slow-storage.ts";
import { openStorage, type Place } from "./store.ts";

export interface OpenEngineOptions {
  readonly place: Place;
  readonly functions?: StepFunctions;
  /** Default: none. */
  readonly actions?: Actions;
  /** Default: the engine's. */
  readonly maxResidentRuns?: number;
  /** Added to each commit. Default 0. */
  readonly commitDelayMs?: number;
}

export interface OpenedEngine extends AsyncDisposable {
  readonly engine: Engine;
}

/** An engine that runs until it is disposed. */
export async function openEngine(options: OpenEngineOptions): Promise<OpenedEngine> {
  const { place, functions = {}, actions = {}, commitDelayMs = 0, maxResidentRuns } = options;
  const bare = await openStorage(place);
  const storage = commitDelayMs === 0 ? bare : createSlowStorage(bare, commitDelayMs);
  const most = maxResidentRuns === undefined ? {} : { maxResidentRuns };
  const engine = createEngine({ storage, functions, actions, ...most });
  await engine.start();
  return { engine, [Symbol.asyncDispose]: () => engine.stop() };
}

export const IN_PROCESS = { key: null, address: null } as const;

/** Active from now on; one that is there already stays as it is. */
export async function installWorkflow(
  engine: Engine,
  { id, definition }: ChosenWorkflow,
): Promise<void> {
  const tenant = DEFAULT_TENANT;
  try {
    await engine.createWorkflow({ tenant, id, definition, actor: IN_PROCESS });
  } catch (error) {
    if (!MillraceError.is(error) || error.code !== "workflow.exists") throw error;
  }
  await engine.activateWorkflow(tenant, id, IN_PROCESS);
}
