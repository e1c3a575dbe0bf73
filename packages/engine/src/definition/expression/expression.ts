import type { JsonValue } from "@millrace/protocol";
import type { Scope } from "../scope.ts";

/** An expression of the author's, parsed once; immutable, shared by all runs. */
export interface Expression {
  readonly source: string;
  /**
   * @returns undefined: it leads nowhere, such as a field that is missing
   * @throws {TemplateError} it cannot be evaluated, or costs too much
   */
  evaluate(scope: Scope): JsonValue | undefined;
}
