// A definition, ready to run: immutable, made once a version, shared by all its runs.
//
//   L1. Positions are indexes of `steps`, in the order of the definition.
//   L2. Edges lead from positions to positions and never in a circle, so a run ends.
//   L3. Every edge stays in its region, but those of a loop to the steps that its body begins with.
import type { Definition } from "@millrace/protocol";
import type { Expression } from "./expression/expression.ts";
import type { Schema } from "./schema/schema.ts";
import type { LoopWork, StepWork } from "./step-kind.ts";
import type { Template } from "./template.ts";

export interface Plan {
  readonly definition: Definition;
  readonly steps: readonly PlanStep[];
  /** By step id. */
  readonly positions: ReadonlyMap<string, number>;
  /** Position of the step that a run begins with. */
  readonly entry: number;
  /** Of the run's output; null: the result of its ends. */
  readonly output: Template | null;
  /** null: any input will do. */
  readonly inputSchema: Schema | null;
  readonly outputSchema: Schema | null;
}

/** A step as it was read; used only if the report stayed clean. */
export interface ReadStep {
  readonly id: string;
  /** As people see it: the id, if the author gave none. */
  readonly name: string;
  readonly type: string;
  readonly work: StepWork;
  /** False: the step is skipped, and what it got goes on. null: it always runs. */
  readonly guard: Expression | null;
  /** What counts as the output when the step fails. null: a failure is a failure. */
  readonly fallback: Template | null;
}

export interface PlanStep extends ReadStep, Edges {
  readonly position: number;
  /** Whose body it is part of: position of the loop; -1: of none. */
  readonly region: number;
  /** Edges that lead here and may be taken. 0: it never runs, unless it is the entry. */
  readonly incoming: number;
  /** The first taken edge is enough. */
  readonly isAnyJoin: boolean;
  /** null: it is no loop. */
  readonly loop: LoopWork | null;
}

/** Where the flow goes from a step. */
export interface Edges {
  /** When the step is done; of a condition, when it is true; of a loop, after the last pass. */
  readonly next: readonly number[];
  /** Of a condition, when it is false. */
  readonly otherwise: readonly number[];
  /** When the step has failed for good. */
  readonly onError: readonly number[];
  /** Of a loop: what each pass begins with. */
  readonly body: readonly number[];
}
