import type { Issue } from "@millrace/protocol";

export type IssuePath = Issue["path"];
/** What to do about a mistake; a function is called only if the hint is shown. */
export type Hint = string | (() => string | undefined) | undefined;

/** Further mistakes are counted, not listed: nobody reads them, and the answer stays small. */
export const MAX_ISSUES = 200;

/** Collects all that is wrong with a definition, in the order in which it is found. */
export class Report {
  readonly #errors: Issue[] = [];
  readonly #warnings: Issue[] = [];
  #errorCount = 0;

  error(path: IssuePath, message: string, hint?: Hint): void {
    this.#errorCount++;
    if (this.#errors.length < MAX_ISSUES) this.#errors.push(toIssue(path, message, hint));
  }

  /** Nothing is wrong, but it may not do what its author thinks. */
  warn(path: IssuePath, message: string, hint?: Hint): void {
    if (this.#warnings.length < MAX_ISSUES) this.#warnings.push(toIssue(path, message, hint));
  }

  get isClean(): boolean {
    return this.#errorCount === 0;
  }

  get errors(): readonly Issue[] {
    const unlisted = this.#errorCount - this.#errors.length;
    if (unlisted === 0) return this.#errors;
    return [...this.#errors, { path: [], message: `${unlisted} more mistakes are not listed` }];
  }

  get warnings(): readonly Issue[] {
    return this.#warnings;
  }
}

function toIssue(path: IssuePath, message: string, hint: Hint): Issue {
  const text = typeof hint === "function" ? hint() : hint;
  return text === undefined ? { path, message } : { path, message, hint: text };
}
