import type { Failure } from "@millrace/protocol";
import type { Outcome } from "../core/entry.ts";
import type { Plan } from "./plan.ts";
import { render } from "./render.ts";
import { LazyJson, type Scope } from "./scope.ts";
import { pickOutput } from "./schema/schema.ts";
import { findProblem, toTemplateFailure } from "./step-failure.ts";

/** What a run gives that came to its end: its `output` template, or what its ends gave, checked against `outputSchema`. */
export function toRunOutcome(
  { output, outputSchema }: Plan,
  result: LazyJson,
  scope: Scope,
): Outcome {
  let text = result.text;
  const problem = findProblem(() => {
    if (output !== null) text = render(output, scope);
  });
  if (problem !== null) return { status: "failed", failure: toTemplateFailure(null, problem) };
  if (outputSchema === null) return { status: "completed", output: text };
  const { value } = new LazyJson(text);
  const checked = outputSchema.check(output === null ? pickOutput(outputSchema, value) : value);
  if (checked.ok) return { status: "completed", output: LazyJson.of(checked.value).text };
  const issues = checked.issues.map(({ path, message }) => ({ path, message }));
  const [first] = issues;
  const where =
    first === undefined ? "" : ` at ${["output", ...first.path].join(".")}: ${first.message}`;
  const failure: Failure = {
    code: "output.invalid",
    message: `The run's output does not fit outputSchema${where}`,
    source: "definition",
    details: { issues },
  };
  return { status: "failed", failure };
}
