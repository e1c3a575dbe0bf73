import type { Hints } from "./storage.ts";

/** Of a store that only one node has open. */
export const NO_HINTS: Hints = {
  // To nobody, since there is nobody else.
  travels: true,
  tell: () => undefined,
  listen: () => () => undefined,
};
