// What several results become where they meet: an object by step id, written without reading them.
import { asJsonText } from "@millrace/protocol";
import { elementAt } from "./element-at.ts";
import type { Taken, Token } from "./pass.ts";
import type { Plan } from "./plan.ts";
import { LazyJson } from "./scope.ts";

/** @param taken at least one; each of another step */
export function joinTokens(taken: readonly Taken[], { steps }: Plan): Token {
  const [first] = taken;
  if (first !== undefined && taken.length === 1) return first.token;
  // In the order of the definition: which branch was first must not show.
  const sorted = taken.toSorted((a, b) => a.from - b.from);
  const fields = sorted.map(
    ({ from, token }) => `${JSON.stringify(elementAt(steps, from).id)}:${token.result.text}`,
  );
  return {
    result: new LazyJson(asJsonText(`{${fields.join(",")}}`)),
    error: sorted.find(({ token }) => token.error !== undefined)?.token.error,
  };
}
