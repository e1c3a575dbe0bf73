import { nearName } from "@millrace/protocol";

/**
 * A hint for an unknown name; computed only if it is shown.
 *
 * @returns `did you mean "retries"?`, or undefined if no candidate is near
 */
export const didYouMean =
  (name: string, candidates: Iterable<string>) => (): string | undefined => {
    const near = nearName(name, candidates);
    return near === undefined ? undefined : `did you mean ${JSON.stringify(near)}?`;
  };
