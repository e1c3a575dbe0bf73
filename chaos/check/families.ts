// K6. A step that waits for a child has one child, which has that parent; and the parent was told of its end as it was.
import type { History, StoredRun } from "../history.ts";
import { shapeOf } from "../workflows.ts";
import { messageOf } from "./message.ts";
import type { Violation } from "./violation.ts";

export function checkFamilies({ runs }: History): readonly Violation[] {
  const byId = new Map(runs.map((run) => [run.id, run]));
  const children = Map.groupBy(runs, ({ parent }) => parent?.runId);
  return runs
    .flatMap((run) => [
      ...checkChild(run, byId),
      ...checkParent(run, children.get(run.id) ?? [], byId),
    ])
    .map((what) => ({ rule: "K6", what }));
}

function checkChild(
  { id, parent }: StoredRun,
  byId: ReadonlyMap<string, StoredRun>,
): readonly string[] {
  if (parent === null) return [];
  const own = byId.get(parent.runId);
  if (own === undefined) return [`the parent ${parent.runId} of ${id} is not in the store`];
  const waited = own.journal.some((entry) => {
    return entry.kind === "wait" && entry.key === parent.step && entry.body.includes(`"${id}"`);
  });
  return waited ? [] : [`${parent.runId} never waited for its child ${id}`];
}

function checkParent(
  run: StoredRun,
  children: readonly StoredRun[],
  byId: ReadonlyMap<string, StoredRun>,
): readonly string[] {
  const broken: string[] = [];
  const byStep = Map.groupBy(children, ({ parent }) => parent?.step ?? "");
  for (const [step, workflow] of Object.entries(shapeOf(run.workflow)?.children ?? {})) {
    const own = byStep.get(step) ?? [];
    const isRight = own.length === 1 && own[0]?.workflow === workflow;
    if (run.status === "completed" && !isRight) {
      broken.push(`${run.id} has ${own.length} children of ${step}, and needs one ${workflow}`);
    } else if (own.length > 1) broken.push(`${run.id} has ${own.length} children of ${step}`);
  }
  for (const entry of run.journal) {
    const body = messageOf(entry)?.body;
    if (body?.kind !== "child.finished") continue;
    const child = byId.get(body.childId ?? "");
    const { status, output } = body.outcome ?? {};
    if (child?.status !== status || (output !== undefined && output !== child?.result)) {
      broken.push(`${run.id} was told that ${body.childId} is ${status}; it is ${child?.status}`);
    }
  }
  return broken;
}
