// K4. The result of a step is what one of its bodies gave, of that attempt; all attempts of a step have one key; and no
// body begins of what is no step of a run.
import type { BodyLine } from "../body-log.ts";
import type { History, StoredRun } from "../history.ts";
import { shapeOf } from "../workflows.ts";
import type { Violation } from "./violation.ts";

export function checkBodies({ runs, bodies }: History): readonly Violation[] {
  const byRun = Map.groupBy(bodies, ({ runId }) => runId);
  const ids = new Set(runs.map(({ id }) => id));
  const strays = [...byRun.keys()].filter((id) => !ids.has(id));
  return [
    ...strays.map((id) => `a body began of run ${id}, which is not in the store`),
    ...runs.flatMap((run) => checkRun(run, byRun.get(run.id) ?? [])),
  ].map((what) => ({ rule: "K4", what }));
}

function checkRun(run: StoredRun, bodies: readonly BodyLine[]): readonly string[] {
  const shape = shapeOf(run.workflow);
  if (shape === undefined) return [];
  const broken: string[] = [];
  for (const { kind, key, attempt, body } of run.journal) {
    if (kind !== "result" || key === null || !shape.tokens.includes(key)) continue;
    const token = tokenOf(body);
    const own = bodies.some(
      (line) => line.step === key && line.attempt === attempt && line.token === token,
    );
    if (!own)
      broken.push(`run ${run.id}: no body of ${key}, attempt ${attempt}, gave ${String(token)}`);
  }
  for (const [step, lines] of Map.groupBy(bodies, (line) => line.step)) {
    if (!shape.tokens.includes(step)) broken.push(`run ${run.id}: a body of ${step} began`);
    const keys = new Set(lines.map(({ key }) => key));
    if (keys.size > 1) broken.push(`run ${run.id}: ${step} has the keys ${[...keys].join()}`);
  }
  return broken;
}

/** A function gives `{ token }`, a code step the token itself. */
function tokenOf(output: string): unknown {
  const value: unknown = JSON.parse(output);
  return typeof value === "object" && value !== null && "token" in value ? value.token : value;
}
