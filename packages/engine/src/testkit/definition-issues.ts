import type { Issue, JsonValue } from "@millrace/protocol";
import { compileDefinition, parseDefinition } from "../definition/parse-definition.ts";
import type { Plan } from "../definition/plan.ts";
import { STEP_KINDS } from "../steps/step-kinds.ts";

/** Of a definition that is accepted: none. */
export function issuesOf(definition: JsonValue): readonly Issue[] {
  const parsed = parseDefinition(definition, STEP_KINDS);
  return parsed.ok ? [] : parsed.issues;
}

/** @throws {Error} the definition has mistakes */
export function warningsOf(definition: JsonValue): readonly Issue[] {
  const parsed = parseDefinition(definition, STEP_KINDS);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return parsed.warnings;
}

/** `steps.0.next.1: <message>`, with the hint in brackets. */
export const tell = ({ path, message, hint }: Issue): string =>
  `${path.join(".")}: ${message}${hint === undefined ? "" : ` [${hint}]`}`;

/** @throws {Error} the definition has mistakes */
export function planOf(definition: JsonValue): Plan {
  const parsed = parseDefinition(definition, STEP_KINDS);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return compileDefinition(parsed.definition, STEP_KINDS);
}

/** The edges of each step that has any, `a: next b, c; error d`, in the order of the definition. */
export function sketch({ steps }: Plan): string[] {
  const names = (positions: readonly number[]): string =>
    positions.map((position) => steps[position]?.id).join(", ");
  return steps.flatMap(({ id, next, otherwise, body, onError }) => {
    const lists = Object.entries({ body, next, else: otherwise, error: onError });
    const edges = lists.flatMap(([reason, to]) => (to.length > 0 ? `${reason} ${names(to)}` : []));
    return edges.length === 0 ? [] : `${id}: ${edges.join("; ")}`;
  });
}
