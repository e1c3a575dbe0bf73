// A definition, ready to run: immutable, made once a version, shared by all its runs.
//
//   L1. Steps stand in program order: a condition, all of its `then` branch, all of its `else` branch, what
//       follows it; branches nest likewise. So a branch is a range, and what comes next is known beforehand.
//   L2. Every step stands there once, and every jump leads forward: a run ends after at most all of them.
import type { Definition } from "@millrace/protocol";
import type { Claims } from "./read-claims.ts";
import type { ReadStep } from "./read-steps.ts";
import type { StepWork } from "./step-kind.ts";
import type { Template } from "./template.ts";

export interface Plan {
  readonly definition: Definition;
  /** In program order. A position is an index of this list; its length is the end of the run. */
  readonly steps: readonly PlanStep[];
  /** By step id. */
  readonly positions: ReadonlyMap<string, number>;
  /** Of the run's output; null: the last result. */
  readonly output: Template | null;
}

export interface PlanStep extends ReadStep {
  readonly position: number;
  /** Position of what comes next; for a condition, of what comes after its branches. */
  readonly next: number;
  /** null: it has no branches. */
  readonly fork: Fork | null;
}

/** The two branches of a step, as ranges of positions; an empty one has equal ends. */
export interface Fork {
  readonly whenTrue: Range;
  readonly whenFalse: Range;
  readonly isTrue: NonNullable<StepWork["branches"]>["isTrue"];
}

export interface Range {
  readonly from: number;
  /** Not in it. */
  readonly to: number;
}

/** Puts steps in program order. Linear in their number, whatever the nesting. */
export function arrange(steps: readonly ReadStep[], claims: Claims): readonly PlanStep[] {
  const order = toProgramOrder(steps, claims);
  const positions = toPositions(order);
  const parentOf = (step: ReadStep): number => {
    const claim = claims.get(step.id);
    return (claim && positions.get(claim.by)) ?? -1;
  };
  const sizes = toSizes(order, parentOf);
  const placed: PlanStep[] = [];
  for (const [position, step] of order.entries()) {
    const to = position + (sizes[position] ?? 1);
    const parent = placed[parentOf(step)];
    // The last step of a branch leads to what follows the condition, which stands before it in the list.
    const next = claims.get(step.id)?.isLast === true && parent !== undefined ? parent.next : to;
    placed.push({ ...step, position, next, fork: toFork(step, position, to, positions) });
  }
  return placed;
}

export const toPositions = (order: readonly ReadStep[]): ReadonlyMap<string, number> =>
  new Map(order.map((step, position) => [step.id, position]));

/** With a stack of its own: conditions may nest as deep as there are steps. */
function toProgramOrder(steps: readonly ReadStep[], claims: Claims): readonly ReadStep[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const order: ReadStep[] = [];
  const stack = steps.filter((step) => !claims.has(step.id)).toReversed();
  for (let step = stack.pop(); step !== undefined; step = stack.pop()) {
    order.push(step);
    const { branches } = step.work;
    if (branches === undefined) continue;
    for (const target of [...branches.whenTrue, ...branches.whenFalse].toReversed()) {
      const claimed = byId.get(target.id);
      if (claimed !== undefined) stack.push(claimed);
    }
  }
  return order;
}

/** How many steps each one takes up with all of its branches. */
function toSizes(order: readonly ReadStep[], parentOf: (step: ReadStep) => number): number[] {
  const sizes = order.map(() => 1);
  for (let position = order.length - 1; position >= 0; position--) {
    const step = order[position];
    const parent = step === undefined ? -1 : parentOf(step);
    if (parent >= 0) sizes[parent] = (sizes[parent] ?? 0) + (sizes[position] ?? 0);
  }
  return sizes;
}

/** @param to position after all branches */
function toFork(
  { work }: ReadStep,
  position: number,
  to: number,
  positions: ReadonlyMap<string, number>,
): Fork | null {
  const { branches } = work;
  if (branches === undefined) return null;
  const [first] = branches.whenFalse;
  const middle = (first && positions.get(first.id)) ?? to;
  return {
    whenTrue: { from: position + 1, to: middle },
    whenFalse: { from: middle, to },
    isTrue: (output) => branches.isTrue(output),
  };
}
