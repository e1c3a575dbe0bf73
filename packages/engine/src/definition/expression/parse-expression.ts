// Expressions: what an author writes where a value is computed and not only looked up, in a condition, a guard, the
// items of a loop. The words are JavaScript's, the meaning is our own: read once, never run as code.
//
//   E1. Total: a source is refused with a reason, or evaluates to JSON, to nothing, or to a TemplateError.
//   E2. Bounded: by the source when it is read, by MAX_STEPS when it is evaluated. No stack, text or list outgrows it.
//   E3. It sees own properties of JSON and what `Scope` offers. It changes nothing.
import { parseExpressionAt } from "acorn";
import { doubtOf } from "../doubt.ts";
import type { IssuePath } from "../report.ts";
import type { Scope } from "../scope.ts";
import type { TemplateListener } from "../template.ts";
import { buildTree, type BuiltTree } from "./build-tree.ts";
import { compileTree, type Run } from "./compile-tree.ts";
import { Evaluation, type Value } from "./evaluation.ts";
import type { Expression } from "./expression.ts";
import { DIALECT, scanSource, toProblem, unreadable, type Problem } from "./scan-source.ts";
import { shorten } from "./shorten.ts";

export const MAX_SOURCE_LENGTH = 10_000;

/**
 * A source as an expression. The ids of steps that it reads go to `listener.reference`, whether there are such
 * steps or not.
 *
 * @param source may stand in one pair of `{{ }}`, since people write templates in such places
 * @returns undefined: it has a mistake, which the listener has heard
 */
export function parseExpression(
  source: string,
  at: IssuePath,
  listener: TemplateListener,
): Expression | undefined {
  const text = unwrap(source.trim());
  const read = readSource(text);
  if (!read.ok) {
    const { message, hint } = read.problem;
    const subject = text === "" ? "The expression" : `The expression ${shorten(text)}`;
    listener.problem([...at], `${subject} ${message}`, hint);
    return undefined;
  }
  const { root, steps, names } = read.tree;
  for (const step of steps) listener.reference([...at], step);
  for (const name of names) warnOfSlip(name, at, listener);
  return new CompiledExpression(text, compileTree(root));
}

/** `{{ x }}` as `x`; what has more braces than that is left alone. */
function unwrap(source: string): string {
  const inside = source.startsWith("{{") && source.endsWith("}}") ? source.slice(2, -2) : undefined;
  return inside === undefined || /\{\{|\}\}/.test(inside) ? source : inside.trim();
}

type Reading =
  | { readonly ok: true; readonly tree: BuiltTree }
  | { readonly ok: false; readonly problem: Problem };

function readSource(source: string): Reading {
  const problem = checkLength(source) ?? scanSource(source);
  if (problem !== undefined) return { ok: false, problem };
  try {
    const parsed = parseExpressionAt(source, 0, {
      ...DIALECT,
      // In a module names such as `package` would be reserved.
      sourceType: "script",
      // Else the end of `(a)` would be that of `a`.
      preserveParens: true,
    });
    // It reads one expression, and leaves what stands behind it.
    const isWhole = source.slice(parsed.end).trim() === "";
    if (!isWhole) return { ok: false, problem: unreadable(source, parsed.end) };
    const tree = buildTree(source, parsed);
    return tree.problem === undefined ? { ok: true, tree } : { ok: false, problem: tree.problem };
  } catch (error) {
    return { ok: false, problem: toProblem(error, source) };
  }
}

function checkLength({ length }: string): Problem | undefined {
  if (length === 0) return { message: "is empty", hint: "such as result.total > 100" };
  if (length <= MAX_SOURCE_LENGTH) return undefined;
  return { message: `has ${length} characters, more than ${MAX_SOURCE_LENGTH}` };
}

/** A bare name is a field of data that nobody knows yet, so it cannot be wrong; but it may be a root misspelt. */
function warnOfSlip(name: string, at: IssuePath, listener: TemplateListener): void {
  const hint = doubtOf(name);
  if (hint === undefined) return;
  const message = `The name ${name} is read as a field of the result, the input or the event's data`;
  listener.warning([...at], message, hint);
}

class CompiledExpression implements Expression {
  readonly source: string;
  readonly #run: Run;

  constructor(source: string, run: Run) {
    this.source = source;
    this.#run = run;
  }

  evaluate(scope: Scope): Value {
    const evaluation = new Evaluation(scope, this.source);
    return evaluation.finish(this.#run(evaluation));
  }
}
