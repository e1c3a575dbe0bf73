import type { StepKind, StepKinds } from "../definition/step-kind.ts";
import { conditionKind } from "./condition.ts";
import { functionKind } from "./function.ts";
import { subworkflowKind } from "./subworkflow.ts";
import { transformKind } from "./transform.ts";
import { waitKind } from "./wait.ts";

const ALL: readonly StepKind[] = [
  functionKind,
  transformKind,
  waitKind,
  conditionKind,
  subworkflowKind,
];

/** Every kind of step that a definition may have, by its type. */
export const STEP_KINDS: StepKinds = new Map(ALL.map((kind) => [kind.type, kind]));
