// The edges of a graph: each step says what comes next.
import { createEdges, type MutableEdges } from "./mutable-edges.ts";
import type { Flow, Target } from "./read-flow.ts";
import type { Report } from "./report.ts";
import type { StepFlow } from "./step-kind.ts";

/**
 * @param flows by position
 * @param kinds by position
 */
export function linkGraph(
  flows: readonly Flow[],
  kinds: readonly (StepFlow | undefined)[],
  report: Report,
): readonly MutableEdges[] {
  const toPositions = (...lists: (readonly Target[])[]): number[] => [
    ...new Set(lists.flat().map(({ position }) => position)),
  ];
  return flows.map((flow, position) => {
    const edges = createEdges();
    edges.onError = toPositions(flow.onError);
    edges.otherwise = toPositions(flow.whenFalse);
    if (kinds[position] !== "loop") {
      edges.next = toPositions(flow.next, flow.whenTrue, flow.branches.flat());
      return edges;
    }
    const [first] = flow.body;
    if (flow.next.length > 0 && first !== undefined) {
      const message = "Stands beside `next`, which says what a loop repeats";
      report.error(first.at, message, "keep one of them");
    }
    edges.body = toPositions(flow.next, flow.body);
    edges.next = toPositions(flow.done);
    return edges;
  });
}
