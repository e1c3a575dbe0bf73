import type { StepKind, StepKinds } from "../definition/step-kind.ts";
import { actionKind } from "./action.ts";
import { conditionKind } from "./condition.ts";
import { emailKind } from "./email.ts";
import { functionKind } from "./function.ts";
import { httpKind } from "./http.ts";
import { LATER_KINDS } from "./later-kinds.ts";
import { loopKind } from "./loop.ts";
import { parallelKind } from "./parallel.ts";
import { subworkflowKind } from "./subworkflow.ts";
import { transformKind } from "./transform.ts";
import { waitKind } from "./wait.ts";

const ALL: readonly StepKind[] = [
  functionKind,
  actionKind,
  httpKind,
  emailKind,
  transformKind,
  conditionKind,
  parallelKind,
  loopKind,
  waitKind,
  subworkflowKind,
  ...LATER_KINDS,
];

/** Every kind of step that a definition may have, by its type. */
export const STEP_KINDS: StepKinds = new Map(ALL.map((kind) => [kind.type, kind]));
