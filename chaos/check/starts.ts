// K1. Every acknowledged start is one run, the same in all answers, and its key stands for it.
// K2. Nobody has a run that was not asked for, and nothing that was asked for has two.
import type { History, StartRecord, StoredRun } from "../history.ts";
import type { Violation } from "./violation.ts";

export function checkStarts({ starts, runs, keys }: History): readonly Violation[] {
  const roots = runs.filter(({ parent }) => parent === null);
  const byIntent = Map.groupBy(roots, ({ intent }) => intent);
  const runOfKey = new Map(keys.map(({ key, runId }) => [key, runId]));
  const known = new Set<string | null>(starts.map(({ intent }) => intent));
  const acknowledged = starts.flatMap((start) => {
    const found = byIntent.get(start.intent) ?? [];
    return checkAnswers(start, found, runOfKey.get(start.intent)).map(toK1);
  });
  const doubled = [...byIntent].flatMap(([intent, all]): readonly Violation[] => {
    const ids = all.map(({ id }) => id).join(", ");
    if (!known.has(intent)) return [{ rule: "K2", what: `nobody asked for ${ids} (${intent})` }];
    return all.length === 1 ? [] : [{ rule: "K2", what: `${intent} has the runs ${ids}` }];
  });
  return [...acknowledged, ...doubled];
}

const toK1 = (what: string): Violation => ({ rule: "K1", what });

function checkAnswers(
  { intent, workflow, answers, newCount }: StartRecord,
  found: readonly StoredRun[],
  keyed: string | undefined,
): readonly string[] {
  const [answered, ...others] = new Set(answers);
  if (answered === undefined) return [];
  const run = found.find(({ id }) => id === answered);
  const broken: string[] = [];
  if (others.length > 0)
    broken.push(`${intent} was acknowledged as ${[...new Set(answers)].join()}`);
  if (newCount > 1) broken.push(`${intent} was acknowledged as new ${newCount} times`);
  if (run === undefined) broken.push(`${intent}, acknowledged as ${answered}, is not in the store`);
  else if (run.workflow !== workflow) broken.push(`${answered} is a ${run.workflow}`);
  if (keyed !== answered) broken.push(`the key ${intent} stands for ${keyed}, not for ${answered}`);
  return broken;
}
