// Bare names that look like a slip: fields of data that nobody knows yet cannot be wrong, but they may be a root misspelt.
import { didYouMean } from "./did-you-mean.ts";
import { ROOTS } from "./scope.ts";

/** What a template or an expression may begin with, beside the variables of loops. */
const FIRST_NAMES: readonly string[] = [...ROOTS, "steps", "now"];

/** People call their lists so. */
const PLURALS: ReadonlySet<string> = new Set(["errors", "events", "items", "runs", "workflows"]);

/**
 * Most slips leave the first letter alone, and `order` is no slip of `error`.
 *
 * @returns what was meant; undefined: there is nothing to doubt
 */
export function doubtOf(name: string): string | undefined {
  if (FIRST_NAMES.includes(name) || PLURALS.has(name)) return undefined;
  const first = name[0]?.toLowerCase();
  return didYouMean(
    name,
    FIRST_NAMES.filter((root) => root[0] === first),
  )();
}
