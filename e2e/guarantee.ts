// What must hold after a crash, seen from outside: from the bodies that had begun and from what is durable.
//
//   C1. A body begins only when its run and the results of all steps before it are durable.
//   C2. A further attempt begins only when the failure of the one before is durable.
//   C3. A child's body begins only when its parent waits for that child.
//   C4. No step's body begins again in a process that found its result in the store.
//   C5. No attempt begins twice in one process.
import type { BodyLine } from "./body-log.ts";
import type { StoredRun } from "./stored-runs.ts";
import { workloadOf } from "./workload.ts";

/** Results and failures that were durable when a process started. */
export type Durable = ReadonlyMap<string, Pick<StoredRun, "results" | "failures">>;

/**
 * @param lines bodies of one process
 * @param before what it found when it started
 * @param get what it left behind
 * @returns a sentence for each line that breaks the guarantee
 */
export function findBroken(
  lines: readonly BodyLine[],
  before: Durable,
  get: (runId: string) => StoredRun | undefined,
): readonly string[] {
  const seen = new Set<string>();
  return lines.flatMap((line) => {
    const { runId, step, attempt } = line;
    const broken = [...checkCauses(line, get), ...checkRepeats(line, before.get(runId))];
    const name = `${runId} ${step} ${attempt}`;
    if (seen.has(name)) broken.push("C5: it has begun twice in this process");
    seen.add(name);
    return broken.map((what) => `body of ${step}, attempt ${attempt}, of run ${runId}: ${what}`);
  });
}

function checkCauses(
  { runId, step, attempt }: BodyLine,
  get: (runId: string) => StoredRun | undefined,
): readonly string[] {
  const run = get(runId);
  if (run === undefined) return ["C1: its run is not in the store"];
  const path = workloadOf(run.workflow).path(run.n);
  const at = path.indexOf(step);
  if (at < 0) return [`its way is ${path.join()}, so it must not run`];
  const broken = path
    .slice(0, at)
    .filter((key) => !run.results.includes(key))
    .map((key) => `C1: the result of ${key} is not in the store`);
  if (attempt > 1 && !run.failures.has(`${step}#${attempt - 1}`)) {
    broken.push(`C2: the failure of attempt ${attempt - 1} is not in the store`);
  }
  if (run.parent !== null && get(run.parent.runId)?.children.has(runId) !== true) {
    broken.push(`C3: its parent ${run.parent.runId} does not wait for it`);
  }
  return broken;
}

function checkRepeats(
  { step, attempt }: BodyLine,
  before: Pick<StoredRun, "results" | "failures"> | undefined,
): readonly string[] {
  if (before === undefined) return [];
  if (before.results.includes(step)) return ["C4: its result was in the store already"];
  if (before.failures.has(`${step}#${attempt}`))
    return ["C4: its failure was in the store already"];
  return [];
}
