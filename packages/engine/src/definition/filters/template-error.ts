import type { Hint } from "../report.ts";

/**
 * A template or a value that it gave cannot be used. Thrown by what fills templates, and caught in one place,
 * where a program asks a step for its request; there it becomes the step's failure.
 */
export class TemplateError extends Error {
  override readonly name = "TemplateError";
}

/** An argument of a filter that no value of its kind can be. Found at create if the argument is a literal. */
export class ArgumentError extends TemplateError {
  readonly hint: Hint;

  constructor(message: string, hint?: Hint) {
    super(message);
    this.hint = hint;
  }
}

/** A filter of a template failed; the message begins with its name. */
export class FilterError extends TemplateError {}
