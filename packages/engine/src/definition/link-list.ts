// The edges of a list: steps run in order, and those that another step names run only through it.
import { elementAt } from "./element-at.ts";
import { show } from "./json-shape.ts";
import { createEdges, type MutableEdges } from "./mutable-edges.ts";
import type { Flow, Target } from "./read-flow.ts";
import type { Report } from "./report.ts";
import type { StepFlow } from "./step-kind.ts";

/** Steps that run one after another, and what comes after the last of them; -1: nothing does. */
interface Sequence {
  readonly steps: readonly number[];
  readonly follow: number;
}

/**
 * @param flows by position
 * @param kinds by position
 * @param ids by position
 * @returns edges by position, a tree; steps in a circle of claims have none, which is reported
 */
export function linkList(
  flows: readonly Flow[],
  kinds: readonly (StepFlow | undefined)[],
  ids: readonly string[],
  report: Report,
): { readonly edges: readonly MutableEdges[]; readonly entry: number } {
  const edges = flows.map(createEdges);
  const claims = readClaims(flows, ids, report);
  const unclaimed = Array.from(flows.keys()).filter((position) => claims[position] === undefined);
  // Of two claims, which is a mistake, the first counts.
  const toSteps = (targets: readonly Target[]): number[] =>
    targets
      .filter((target) => elementAt(claims, target.position).target === target)
      .map(({ position }) => position);
  const reached = new Set<number>(unclaimed);
  // A stack of its own: conditions may nest as deep as there are steps.
  const stack: Sequence[] = [{ steps: unclaimed, follow: -1 }];
  for (let sequence = stack.pop(); sequence !== undefined; sequence = stack.pop()) {
    for (const [i, position] of sequence.steps.entries()) {
      const flow = elementAt(flows, position);
      const own = elementAt(edges, position);
      const follow = sequence.steps[i + 1] ?? sequence.follow;
      const begin = (targets: readonly Target[], then: number): number[] => {
        const steps = toSteps(targets);
        for (const step of steps) reached.add(step);
        if (steps.length > 0) stack.push({ steps, follow: then });
        const first = steps[0] ?? then;
        return first < 0 ? [] : [first];
      };
      const branches = flow.branches.filter((branch) => branch.length > 0);
      own.next =
        branches.length > 0
          ? branches.flatMap((branch) => begin(branch, follow))
          : begin([...flow.whenTrue, ...flow.done], follow);
      if (kinds[position] === "condition") own.otherwise = begin(flow.whenFalse, follow);
      own.onError = begin(flow.onError, -1);
      own.body = begin(flow.body, -1);
    }
  }
  if (reached.size < flows.length) refuseCircles(claims, reached, ids, report);
  return { edges, entry: unclaimed[0] ?? 0 };
}

interface Claim {
  /** Position of the step that names it. */
  readonly by: number;
  readonly target: Target;
  readonly field: string;
}

/** By position of the step that is claimed; undefined: nobody claims it. */
function readClaims(
  flows: readonly Flow[],
  ids: readonly string[],
  report: Report,
): readonly (Claim | undefined)[] {
  const claims = flows.map((): Claim | undefined => undefined);
  for (const [by, flow] of flows.entries()) {
    for (const { field, targets } of claimsOf(flow)) {
      for (const target of targets) {
        const earlier = claims[target.position];
        if (earlier === undefined) {
          claims[target.position] = { by, target, field };
          continue;
        }
        const owner = show(elementAt(ids, earlier.by));
        report.error(
          target.at,
          `Step ${show(target.id)} is run by \`${earlier.field}\` of ${owner} already`,
          "in a list, a step is named once; write `next` on the steps to join branches",
        );
      }
    }
  }
  return claims;
}

const claimsOf = (
  flow: Flow,
): readonly { readonly field: string; readonly targets: readonly Target[] }[] => [
  { field: "then", targets: flow.whenTrue },
  { field: "else", targets: flow.whenFalse },
  { field: "branches", targets: flow.branches.flat() },
  { field: "steps", targets: flow.body },
  { field: "done", targets: flow.done },
  { field: "onError", targets: flow.onError },
];

const MOST_SHOWN = 10;

/** What cannot be reached from the steps that nobody claims is claimed in a circle, or below one. */
function refuseCircles(
  claims: readonly (Claim | undefined)[],
  reached: ReadonlySet<number>,
  ids: readonly string[],
  report: Report,
): void {
  const seen = new Set<number>(reached);
  for (const start of ids.keys()) {
    const walk: number[] = [];
    let at = start;
    for (; !seen.has(at); at = elementAt(claims, at).by) {
      seen.add(at);
      walk.push(at);
    }
    const from = walk.indexOf(at);
    if (from < 0) continue;
    const circle = walk.slice(from).toReversed();
    const shown = circle.slice(0, MOST_SHOWN).map((position) => show(elementAt(ids, position)));
    const more = circle.length > MOST_SHOWN ? `, … (${circle.length} in all)` : "";
    report.error(
      elementAt(claims, at).target.at,
      `Steps run each other in a circle: ${shown.join(", ")}${more}`,
      "a step may name only steps that come after it",
    );
  }
}
