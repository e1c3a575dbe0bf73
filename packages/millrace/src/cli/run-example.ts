import type { Engine } from "@millrace/engine";
import { DEFAULT_TENANT, isFinished, toJsonText } from "@millrace/protocol";
import { createHash } from "node:crypto";
import { toRunView, type RunView } from "../doors/rest/run-view.ts";
import type { Example, ExampleWorkflow } from "./examples.ts";

export interface ShownExample {
  readonly name: string;
  readonly workflow: ExampleWorkflow;
  readonly run: RunView;
  /** It ran at an earlier start. */
  readonly isRepeated: boolean;
}

/** The sample takes a second or two; longer, and the screen shows how far it has come. */
const WAIT_MS = 15_000;

/** Shows most of what a run can be; the others are there to be read and run. */
const SHOWN = "order";

/** Runs one example that has an input, once for each input. null: there is none. */
export async function runExample(
  engine: Engine,
  examples: readonly Example[],
): Promise<ShownExample | null> {
  const runnable = examples.filter(({ input }) => input !== null);
  const example = runnable.find(({ name }) => name === SHOWN) ?? runnable[0];
  const [workflow] = example?.workflows ?? [];
  if (example === undefined || workflow === undefined) return null;
  const input = toJsonText(example.input);
  if (!input.ok) throw new Error(`the input of the example ${example.name}: ${input.problem}`);
  const digest = createHash("sha256").update(input.text).digest("hex").slice(0, 12);
  const [outcome] = await engine.startRuns([
    {
      tenant: DEFAULT_TENANT,
      workflow: workflow.id,
      input: input.text,
      actor: { key: null, address: null },
      trigger: "manual",
      idempotencyKey: `example-${example.name}-${digest}`,
    },
  ]);
  if (outcome === undefined || outcome.kind === "rejected") {
    throw outcome?.error ?? new Error("the engine gave no outcome for a start");
  }
  const run = await engine.waitForRun(DEFAULT_TENANT, outcome.runId, { timeoutMs: WAIT_MS });
  if (run === null) return null;
  const isRepeated = outcome.kind === "existing" && isFinished(run);
  return { name: example.name, workflow, run: toRunView(run), isRepeated };
}
