import { asJsonText, type Failure, type JsonText, type JsonValue } from "@millrace/protocol";
import type { OperationBody } from "../core/program.ts";
import type { Token } from "./pass.ts";
import type { PlanStep } from "./plan.ts";
import { TemplateError } from "./render.ts";
import { LazyJson } from "./scope.ts";
import type { BadOutcome } from "./step-kind.ts";

/** A template, or a value that it gave, cannot be used as written. */
const TEMPLATE_FAILED = "template.failed";
/** The engine ended the operation of a step that has no words of its own for that. */
const STEP_CANCELLED = "step.cancelled";

/** Why a step failed. Always names it. @param key of its operation */
export function toStepFailure({ work }: PlanStep, key: string, outcome: BadOutcome): Failure {
  return { ...(work.explain?.(outcome) ?? toFailure(outcome)), step: key };
}

function toFailure(outcome: BadOutcome): Failure {
  if (outcome.status === "failed") return outcome.failure;
  return { code: STEP_CANCELLED, message: "The step was cancelled", source: "code" };
}

/** @returns why a template or an expression cannot be used; null: it can. Other errors are mistakes of ours */
export function findProblem(use: () => void): string | null {
  try {
    use();
    return null;
  } catch (error) {
    if (error instanceof TemplateError) return error.message;
    throw error;
  }
}

/** @param step its key; null: the run's output */
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

/** A failure as the definition's handlers see it. */
export function showError(failure: Failure): JsonValue {
  const { message, code, step = null, attempt = 1, details } = failure;
  const shown = { message, code, stepId: step, attempts: attempt };
  return details === undefined ? shown : { ...shown, details };
}

/** What an error edge carries. @param input the result that the failed step saw */
export function toErrorToken(failure: Failure, input: LazyJson): Token {
  const error = LazyJson.of(showError(failure));
  const text: JsonText = asJsonText(`{"error":${error.text},"input":${input.text}}`);
  return { result: new LazyJson(text), error };
}
