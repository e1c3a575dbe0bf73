import type { JsonText } from "@millrace/protocol";
import type { OperationBody } from "../core/program.ts";
import type { FieldReader } from "../definition/field-reader.ts";
import type { JsonObject } from "../definition/json-shape.ts";
import type { Scope } from "../definition/scope.ts";
import type { StepReader, StepWork } from "../definition/step-kind.ts";
import { readCallPolicy } from "./call-policy.ts";

/** A step that calls an action of a connector. The policy's own fields of `config` must not be its input. */
export function toActionWork(
  step: StepReader,
  target: string,
  toInput: (scope: Scope) => JsonText,
): StepWork {
  const { retry, timeoutMs } = readCallPolicy(step);
  return {
    request: (scope): OperationBody => ({
      kind: "call",
      executor: "action",
      target,
      input: toInput(scope),
      retry,
      timeoutMs,
    }),
  };
}

/** The fields of config that are the action's own. `description` is one here: invoices have them. */
export function takeActionFields(config: FieldReader): JsonObject {
  const description = config.value("description");
  const others = config.takeOthers();
  return description === undefined ? others : { description, ...others };
}
