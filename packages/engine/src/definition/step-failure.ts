import type { Failure } from "@millrace/protocol";
import type { OperationBody } from "../core/program.ts";
import type { PlanStep } from "./plan.ts";
import type { BadOutcome } from "./step-kind.ts";

/** A template, or a value that it gave, cannot be used as written. */
const TEMPLATE_FAILED = "template.failed";
/** The engine ended the operation of a step that has no words of its own for that. */
const STEP_CANCELLED = "step.cancelled";

/** Why a step, and with it its run, failed. Always names the step. */
export function toStepFailure({ id, work }: PlanStep, outcome: BadOutcome): Failure {
  return { ...(work.explain?.(outcome) ?? toFailure(outcome)), step: id };
}

function toFailure(outcome: BadOutcome): Failure {
  if (outcome.status === "failed") return outcome.failure;
  return { code: STEP_CANCELLED, message: "The step was cancelled", source: "code" };
}

/** @param step null: the run's output */
export function toTemplateFailure(step: string | null, problem: string): Failure {
  const failure = { code: TEMPLATE_FAILED, message: problem, source: "definition" } as const;
  return step === null ? failure : { ...failure, message: `Step "${step}": ${problem}`, step };
}

/** An operation that fails as soon as it begins, in place of one that cannot be asked for. */
export function toFailedBody(step: string, problem: string): OperationBody {
  return {
    kind: "value",
    outcome: { status: "failed", failure: toTemplateFailure(step, problem) },
  };
}
