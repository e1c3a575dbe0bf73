// From a task's input to a run's outcome: checks, the function, checks.
import {
  engineFailure,
  fromJsonText,
  fromThrownByRun,
  toJsonText,
  type JsonText,
  type Outcome,
} from "@millrace/protocol";
import { checkValue, summarizeIssues, toIssueDetails } from "./schema.ts";
import type { WorkflowContext } from "./workflow-context.ts";
import type { AnyWorkflow } from "./workflow.ts";

/** @param onInput hears what the function gets, before it does */
export async function execute(
  { name, input: inputSchema, output: outputSchema, fn }: AnyWorkflow,
  input: JsonText,
  ctx: WorkflowContext,
  onInput: (input: unknown) => void,
): Promise<Outcome> {
  try {
    let value: unknown = fromJsonText(input);
    if (inputSchema !== undefined) {
      const result = checkValue(inputSchema, value);
      const checked = result instanceof Promise ? await result : result;
      if (!checked.ok) {
        const what = `The input does not fit the schema of ${name}: ${summarizeIssues(checked.issues, "input")}`;
        const details = toIssueDetails(checked.issues);
        return failed("input.invalid", what, details);
      }
      ({ value } = checked);
    }
    onInput(value);
    // `workflow` and `implement` have matched the function with its schema.
    const returned = await fn(ctx, value as never);
    if (outputSchema === undefined) return toOutcome(returned, name);
    const result = checkValue(outputSchema, returned);
    const checked = result instanceof Promise ? await result : result;
    if (checked.ok) return toOutcome(checked.value, name);
    const what = `The output does not fit the schema of ${name}: ${summarizeIssues(checked.issues, "output")}`;
    return failed("output.invalid", what, toIssueDetails(checked.issues));
  } catch (thrown) {
    return { status: "failed", failure: fromThrownByRun(thrown) };
  }
}

function toOutcome(value: unknown, name: string): Outcome {
  const json = toJsonText(value);
  if (json.ok) return { status: "completed", output: json.text };
  return failed("output.invalid", `${name} returned what cannot be stored: ${json.problem}`);
}

function failed(
  code: string,
  message: string,
  details?: ReturnType<typeof toIssueDetails>,
): Outcome {
  const more = details === undefined ? {} : { details };
  return { status: "failed", failure: engineFailure(code, message, "definition", more) };
}
