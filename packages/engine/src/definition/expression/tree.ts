// What an expression is, once it was read. Deep only where the author nested: a chain such as `a.b + c + d` is
// flat, so that neither reading nor evaluating a long one takes more of the stack.
import type { JsonValue } from "@millrace/protocol";
import type { FunctionName, MethodName } from "./calls.ts";
import type { OperatorName } from "./operators.ts";

export type Tree =
  /** undefined: the word itself. */
  | { readonly kind: "literal"; readonly value: JsonValue | undefined }
  | { readonly kind: "list"; readonly items: readonly Tree[] }
  /** A first name: a root, a loop's variable, or a bare name. */
  | { readonly kind: "name"; readonly name: string }
  /** `steps.id`, or one of its fields; null: all of them, as an object. */
  | { readonly kind: "step"; readonly id: Tree; readonly field: StepField | null }
  | { readonly kind: "prefix"; readonly operator: PrefixName; readonly operand: Tree }
  | { readonly kind: "choice"; readonly test: Tree; readonly yes: Tree; readonly no: Tree }
  | { readonly kind: "call"; readonly name: FunctionName; readonly argument: Tree | null }
  | { readonly kind: "chain"; readonly first: Tree; readonly links: readonly Link[] };

/** What happens next to the value on the left. */
export type Link =
  | { readonly kind: "key"; readonly key: Tree }
  | { readonly kind: "method"; readonly name: MethodName; readonly argument: Tree | null }
  | { readonly kind: "operator"; readonly name: OperatorName; readonly right: Tree }
  /** The right side is looked at only if the left one does not decide. */
  | { readonly kind: "logical"; readonly name: LogicalName; readonly right: Tree };

export const STEP_FIELDS = ["result", "output", "status"] as const;
export type StepField = (typeof STEP_FIELDS)[number];

export const isStepField = (name: string): name is StepField =>
  (STEP_FIELDS as readonly string[]).includes(name);

export type PrefixName = "!" | "-" | "+";

export const isPrefix = (name: string): name is PrefixName =>
  name === "!" || name === "-" || name === "+";

export type LogicalName = "&&" | "||" | "??";
