import { nearName } from "@millrace/protocol";

/** `Did you mean "x"?`, or undefined: no candidate is near. */
export function suggest(name: string, candidates: Iterable<string>): string | undefined {
  const near = nearName(name, candidates);
  return near === undefined ? undefined : `Did you mean "${near}"?`;
}
