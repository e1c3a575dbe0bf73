// From how an operation ended to what the function gets. Each reads the text anew, so nobody sees what another changed.
import {
  engineFailure,
  fromJsonText,
  type JsonValue,
  type Outcome,
  type StandardSchema,
} from "@millrace/protocol";
import { StepError } from "./durable-errors.ts";
import { checkValue, summarizeIssues, toIssueDetails, type Checked } from "./schema.ts";

/** @throws {StepError} */
export function readOutput(outcome: Outcome, key: string): JsonValue {
  if (outcome.status === "completed") return fromJsonText(outcome.output);
  if (outcome.status === "failed") throw new StepError({ step: key, ...outcome.failure });
  throw new StepError(
    engineFailure("step.cancelled", `Step ${key} was cancelled`, "code", { step: key }),
  );
}

/** @throws {StepError} */
export function readNothing(outcome: Outcome, key: string): void {
  readOutput(outcome, key);
}

/** @throws {StepError} event.invalid */
export function readEvent<T>(
  outcome: Outcome,
  key: string,
  schema: StandardSchema<unknown, T> | undefined,
): T | null | Promise<T | null> {
  const data = readOutput(outcome, key);
  // Without a schema the author says what it is.
  if (data === null || schema === undefined) return data as T | null;
  const checked = checkValue(schema, data);
  return checked instanceof Promise ? checked.then((it) => accept(it, key)) : accept(checked, key);
}

function accept<T>(checked: Checked<T>, key: string): T {
  if (checked.ok) return checked.value;
  const message = `The event that ${key} waited for does not fit its schema: ${summarizeIssues(checked.issues, "data")}`;
  const details = toIssueDetails(checked.issues);
  throw new StepError(
    engineFailure("event.invalid", message, "definition", { step: key, details }),
  );
}
