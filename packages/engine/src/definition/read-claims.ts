import { show } from "./json-shape.ts";
import { didYouMean } from "./did-you-mean.ts";
import type { ReadStep } from "./read-steps.ts";
import type { IssuePath, Report } from "./report.ts";
import type { BranchTarget } from "./step-kind.ts";

/** A step that runs only if a condition chooses its branch. */
export interface Claim {
  /** Id of the condition. */
  readonly by: string;
  /** Nothing of the branch comes after it. */
  readonly isLast: boolean;
  readonly at: IssuePath;
}

/** By the id of the step that is claimed: at most one condition each, and never in a circle. */
export type Claims = ReadonlyMap<string, Claim>;

export function readClaims(
  steps: readonly ReadStep[],
  ids: ReadonlyMap<string, number>,
  report: Report,
): Claims {
  const claims = new Map<string, Claim>();
  const claim = (by: string, branch: readonly BranchTarget[]): void => {
    for (const [i, { id, at }] of branch.entries()) {
      const earlier = claims.get(id);
      if (!ids.has(id)) {
        report.error(at, `Unknown step ${show(id)}`, didYouMean(id, ids.keys()));
      } else if (id === by) {
        report.error(at, `The condition ${show(by)} cannot run itself`);
      } else if (earlier !== undefined) {
        report.error(at, `Step ${show(id)} is run by ${describeClaim(earlier)} already`);
      } else {
        claims.set(id, { by, isLast: i === branch.length - 1, at });
      }
    }
  };
  for (const { id, work } of steps) {
    if (work.branches === undefined) continue;
    claim(id, work.branches.whenTrue);
    claim(id, work.branches.whenFalse);
  }
  refuseCircles(claims, report);
  return claims;
}

const describeClaim = ({ by, at }: Claim): string => {
  const branch = at.findLast((part) => part === "then" || part === "else");
  return `\`${branch}\` of the condition ${show(by)}`;
};

const MOST_SHOWN = 10;

/** Walks up from every claimed step, over each of them once. */
function refuseCircles(claims: Claims, report: Report): void {
  const seen = new Set<string>();
  for (const start of claims.keys()) {
    const walk = new Set<string>();
    let id: string | undefined = start;
    while (id !== undefined && !seen.has(id)) {
      seen.add(id);
      walk.add(id);
      id = claims.get(id)?.by;
    }
    if (id === undefined || !walk.has(id)) continue;
    const circle = Array.from(walk).slice(Array.from(walk).indexOf(id)).toReversed();
    const shown = circle.slice(0, MOST_SHOWN).map(show).join(", ");
    const more = circle.length > MOST_SHOWN ? `, … (${circle.length} in all)` : "";
    report.error(
      claims.get(id)?.at ?? [],
      `Conditions run each other in a circle: ${shown}${more}`,
      "a condition may claim only steps that come after it",
    );
  }
}
