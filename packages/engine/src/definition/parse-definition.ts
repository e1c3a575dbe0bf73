import { MillraceError, type Definition, type Issue, type JsonValue } from "@millrace/protocol";
import type { Plan } from "./plan.ts";
import { readDefinition } from "./read-definition.ts";
import { Report } from "./report.ts";
import type { StepKinds } from "./step-kind.ts";

export type ParsedDefinition =
  | {
      readonly ok: true;
      readonly definition: Definition;
      /** Nothing is wrong, but it may not do what its author thinks. */
      readonly warnings: readonly Issue[];
    }
  | {
      readonly ok: false;
      /** All mistakes, not just the first. */
      readonly issues: readonly Issue[];
    };

/** @param value as a door received it: a tree, at most `MAX_JSON_DEPTH` deep */
export function parseDefinition(value: JsonValue, kinds: StepKinds): ParsedDefinition {
  const report = new Report();
  const plan = readDefinition(value, kinds, report);
  return plan === null
    ? { ok: false, issues: report.errors }
    : { ok: true, definition: plan.definition, warnings: report.warnings };
}

/**
 * Makes the plan of a definition that `parseDefinition` has accepted; keep it, one a version.
 *
 * @throws {MillraceError} definition.invalid: a version that knows more than this one has accepted it
 */
export function compileDefinition(definition: Definition, kinds: StepKinds): Plan {
  const report = new Report();
  // A definition is JSON; an interface has no index signature to say so.
  const plan = readDefinition(definition as unknown as JsonValue, kinds, report);
  if (plan !== null) return plan;
  throw new MillraceError("definition.invalid", undefined, { issues: report.errors });
}
