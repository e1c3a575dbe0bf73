import { engineFailure, toJsonText, type JsonText } from "@millrace/protocol";
import { StepError } from "./durable-errors.ts";

/** @throws {StepError} input.invalid */
export function toStoredJson(step: string, what: string, value: unknown): JsonText {
  const json = toJsonText(value);
  if (json.ok) return json.text;
  const message = `${what} cannot be stored as JSON: ${json.problem}`;
  throw new StepError(engineFailure("input.invalid", message, "definition", { step }));
}
