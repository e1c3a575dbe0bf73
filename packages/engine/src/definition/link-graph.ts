// The edges of a graph: each step says what comes next.
import { createEdges, type MutableEdges } from "./mutable-edges.ts";
import type { Flow, Target } from "./read-flow.ts";
import type { Report } from "./report.ts";
import type { StepFlow } from "./step-kind.ts";

/**
 * @param flows by position
 * @param kinds by position
 * @param positions by step id
 */
export function linkGraph(
  flows: readonly Flow[],
  kinds: readonly (StepFlow | undefined)[],
  positions: ReadonlyMap<string, number>,
  report: Report,
): readonly MutableEdges[] {
  const toPositions = (...lists: (readonly Target[])[]): number[] => [
    ...new Set(lists.flat().flatMap(({ id }) => positions.get(id) ?? [])),
  ];
  return flows.map((flow, position) => {
    const edges = createEdges();
    edges.onError = toPositions(flow.onError);
    edges.otherwise = toPositions(flow.whenFalse);
    if (kinds[position] !== "loop") {
      edges.next = toPositions(flow.next, flow.whenTrue, flow.branches.flat());
      return edges;
    }
    if (flow.next.length > 0 && flow.body.length > 0) {
      const at = flow.body[0]?.at.slice(0, -1) ?? [];
      report.error(at, "Stands beside `next`, which says what a loop repeats", "keep one of them");
    }
    edges.body = toPositions(flow.next, flow.body);
    edges.next = toPositions(flow.done);
    return edges;
  });
}
