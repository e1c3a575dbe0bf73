import type { Expression } from "../definition/expression/expression.ts";
import { parseExpression } from "../definition/expression/parse-expression.ts";
import type { Hint } from "../definition/report.ts";

/** What came of a source: an expression, or problems with their hints. */
export interface HeardExpression {
  readonly expression: Expression | undefined;
  readonly problems: readonly string[];
  readonly hints: readonly (string | undefined)[];
  readonly warnings: readonly string[];
  readonly references: readonly string[];
}

export function hearExpression(source: string): HeardExpression {
  const problems: string[] = [];
  const hints: (string | undefined)[] = [];
  const warnings: string[] = [];
  const references: string[] = [];
  const expression = parseExpression(source, ["at"], {
    problem(_, message, hint) {
      problems.push(message);
      hints.push(toText(hint));
    },
    warning: (_, message, hint) => warnings.push(`${message}: ${toText(hint) ?? ""}`),
    reference: (_, step) => references.push(step),
  });
  return { expression, problems, hints, warnings, references };
}

const toText = (hint: Hint): string | undefined => (typeof hint === "function" ? hint() : hint);

/** @throws {Error} the source has a mistake */
export function anExpression(source: string): Expression {
  const { expression, problems } = hearExpression(source);
  if (expression === undefined) throw new Error(problems.join("; "));
  return expression;
}
