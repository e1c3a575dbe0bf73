import type { Failure } from "@millrace/protocol";
import type { LaterNames } from "../definition/field-reader.ts";
import { render } from "../definition/render.ts";
import type { BadOutcome, StepKind } from "../definition/step-kind.ts";
import { withCause } from "./failure-cause.ts";

/** The child run failed, or could not be started. */
const CHILD_FAILED = "child.failed";
/** Somebody cancelled the child run. */
const CHILD_CANCELLED = "child.cancelled";

const HINT = "a subworkflow runs once, however long that takes; its own steps may have it";
const LATER_FIELDS: LaterNames = new Map([
  ["retries", HINT],
  ["retryConfig", HINT],
  ["timeoutMs", HINT],
]);
const LATER_CONFIG: LaterNames = new Map([
  ["retries", HINT],
  ["timeout", HINT],
]);

/** `{ "type": "subworkflow", "config": { "workflow": "send-invoice", "input": { "id": "{{result.id}}" } } }` */
export const subworkflowKind: StepKind = {
  type: "subworkflow",
  compile(step) {
    const { config, fields } = step;
    fields.refuseLater(LATER_FIELDS);
    config.refuseLater(LATER_CONFIG);
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
        input: input === undefined ? scope.result.text : render(input, scope),
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
  // Runs that fail through each other would tell the same at every level: the first cause is what a reader needs.
  const { message } = rootOf(failure);
  return withCause(
    { code: CHILD_FAILED, message: `${name} failed: ${message}`, source: failure.source },
    failure,
  );
}

const rootOf = (failure: Failure): Failure =>
  failure.code === CHILD_FAILED && failure.cause !== undefined ? rootOf(failure.cause) : failure;
