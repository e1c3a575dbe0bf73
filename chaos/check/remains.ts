// K8. Nothing is left of what has ended, no fence ever fell, and no process ended by itself.
import type { History } from "../history.ts";
import type { Violation } from "./violation.ts";

export function checkRemains(history: History): readonly Violation[] {
  const { leftovers, fallenFences, fences, runs, exits } = history;
  const left = Object.entries(leftovers).flatMap(([what, count]) =>
    count === 0 ? [] : [`${count} ${what} are left`],
  );
  const lower = runs.flatMap(({ id, fence }) => {
    const seen = fences.get(id) ?? 0;
    return fence >= seen ? [] : [`run ${id} ended under fence ${fence}, after ${seen}`];
  });
  return [...left, ...fallenFences, ...lower, ...exits].map((what) => ({ rule: "K8", what }));
}
