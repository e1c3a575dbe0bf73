import type { Engine, StartOutcome, StartRequest } from "@millrace/engine";
import { asJsonText, DEFAULT_TENANT, type JsonText, type RunId } from "@millrace/protocol";
import { IN_PROCESS } from "./open-engine.ts";

/** Longer than any run here takes, however slow the store. */
const LONGEST_RUN_MS = 120_000;

/** @param input a number stands for `{ "n": … }` */
export const toStart = (workflow: string, input: number | JsonText): StartRequest => ({
  tenant: DEFAULT_TENANT,
  workflow,
  input: typeof input === "number" ? asJsonText(`{"n":${input}}`) : input,
  actor: IN_PROCESS,
});

/** Starts one run and waits for its result, as a caller in the same process does. */
export async function startAndWait(
  engine: Engine,
  workflow: string,
  input: number | JsonText,
): Promise<void> {
  const [outcome] = await engine.startRuns([toStart(workflow, input)]);
  const runId = toRunId(outcome);
  const run = await engine.waitForRun(DEFAULT_TENANT, runId, { timeoutMs: LONGEST_RUN_MS });
  if (run?.status !== "completed") throw new Error(`run ${runId} is ${run?.status ?? "not there"}`);
}

export function toRunId(outcome: StartOutcome | undefined): RunId {
  if (outcome?.kind === "rejected") throw outcome.error;
  if (outcome === undefined) throw new Error("the engine gave no outcome for a start");
  return outcome.runId;
}
