import type { Failure } from "@millrace/protocol";
import { render } from "../definition/render.ts";
import { resultOf } from "../definition/scope.ts";
import type { BadOutcome, StepKind } from "../definition/step-kind.ts";
import { withCause } from "./failure-cause.ts";

/** The child run failed, or could not be started. */
const CHILD_FAILED = "child.failed";
/** The input does not fit the child's schema, so there is no child run. */
const INPUT_INVALID = "input.invalid";
/** Somebody cancelled the child run. */
const CHILD_CANCELLED = "child.cancelled";

const ONCE = "A subworkflow runs once, however long that takes";
const HINT = "its own steps may have it";

/** `{ "type": "subworkflow", "config": { "workflow": "send-invoice", "input": { "id": "{{result.id}}" } } }` */
export const subworkflowKind: StepKind = {
  type: "subworkflow",
  compile(step) {
    const { config, fields } = step;
    for (const name of ["retries", "retryConfig", "timeoutMs"]) {
      if (fields.has(name)) fields.error(name, ONCE, HINT);
    }
    for (const name of ["retries", "timeout"]) {
      if (config.has(name)) config.error(name, ONCE, HINT);
    }
    config.require("workflow", "id or slug of a workflow");
    const workflow = config.name("workflow");
    const input = step.template(config, "input");
    if (workflow?.includes("{{") === true) {
      config.error("workflow", "Is a fixed id or slug; a template is not read here");
    }
    if (workflow === undefined) return null;
    return {
      request: (scope) => ({
        kind: "child",
        workflow,
        input: input === undefined ? resultOf(scope).text : render(input, scope),
      }),
      explain: (outcome) => explain(workflow, outcome),
    };
  },
};

function explain(workflow: string, outcome: BadOutcome): Failure {
  const name = `Subworkflow ${JSON.stringify(workflow)}`;
  if (outcome.status === "cancelled") {
    return { code: CHILD_CANCELLED, message: `${name} was cancelled`, source: "code" };
  }
  const { failure } = outcome;
  // The child was never there: what is wrong is what this step wanted to give it.
  if (failure.code === INPUT_INVALID && failure.source === "definition") return failure;
  // Runs that fail through each other would tell the same at every level: the first cause is what a reader needs.
  const { message } = rootOf(failure);
  return withCause(
    { code: CHILD_FAILED, message: `${name} failed: ${message}`, source: failure.source },
    failure,
  );
}

const rootOf = (failure: Failure): Failure =>
  failure.code === CHILD_FAILED && failure.cause !== undefined ? rootOf(failure.cause) : failure;
