// Two nodes' views of the workflows in one store, each with a cache of its own.
import {
  asJsonText,
  DEFAULT_TENANT,
  MillraceError,
  toTimestamp,
  type JsonValue,
  type StoredFunction,
  type Timestamp,
  type WorkflowStatus,
} from "@millrace/protocol";
import type { CreateWorkflowRequest } from "../runtime/commands.ts";
import { WorkflowEditor } from "../runtime/workflow-editor.ts";
import { Workflows } from "../runtime/workflows.ts";
import { graphPrograms } from "../steps/graph-programs.ts";
import { createMemoryStorage, type MemoryStorage } from "../storage/memory/memory-storage.ts";
import { ACTOR } from "./node-world.ts";

export const BENCH_START: Timestamp = toTimestamp(1_800_000_000_000);

export interface WorkflowNode {
  readonly workflows: Workflows;
  readonly editor: WorkflowEditor;
}

export interface WorkflowBench extends WorkflowNode {
  readonly store: MemoryStorage;
  readonly others: WorkflowNode;
  /** The store's time, which a test may set. */
  readonly clock: { now: Timestamp };
}

let drawn = 0;

/** @param stored functions that the store has, by name */
export function aWorkflowBench(
  stored: Readonly<Record<string, StoredFunction>> = {},
): WorkflowBench {
  const clock = { now: BENCH_START };
  const store = createMemoryStorage({ now: () => clock.now });
  const open = (): WorkflowNode => {
    const workflows = new Workflows({ catalog: store.catalog, kind: graphPrograms });
    const editor = new WorkflowEditor({
      catalog: store.catalog,
      kind: graphPrograms,
      workflows,
      names: {
        functions: new Set(["a", "ship"]),
        actions: new Set(["shop.order"]),
        findStored: (_, name) => Promise.resolve(stored[name] ?? null),
        isOffered: () => Promise.resolve(false),
      },
      now: () => clock.now,
      random: () => ++drawn,
    });
    return { workflows, editor };
  };
  return { store, ...open(), others: open(), clock };
}

/** One step that calls the function `a`. */
export const A_STEPS: JsonValue = [{ id: "a", type: "function", function: "a" }];

export const aCreateRequest = (
  more: Partial<CreateWorkflowRequest> = {},
): CreateWorkflowRequest => ({
  tenant: DEFAULT_TENANT,
  definition: { name: "Charge Card", steps: A_STEPS },
  id: null,
  actor: ACTOR,
  ...more,
});

/** @returns the code of the fault, or "none" */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const outcome = await promise.then(
    () => "none",
    (error: unknown) => error,
  );
  return MillraceError.is(outcome) ? outcome.code : String(outcome);
}

/** What another node, or a later release, does to a workflow behind everybody's back. */
export async function setStatus(
  store: MemoryStorage,
  id: string,
  status: WorkflowStatus,
): Promise<void> {
  const record = await store.catalog.get(DEFAULT_TENANT, "workflow", id);
  if (record === null) throw new Error(`no workflow ${id}`);
  const { version } = JSON.parse(record.body) as { version: number };
  const body = asJsonText(JSON.stringify({ status, version }));
  const { revision, ...rest } = record;
  await store.catalog.put([{ ...rest, expectedRevision: revision, body }], null);
}
