// What all connectors do with errors of the far side and of its SDK.
import { ActionError } from "@millrace/protocol";

/** The text without the secrets: the far side may repeat what it was sent. */
export function hideSecrets(text: string, secrets: readonly string[]): string {
  let shown = text;
  for (const secret of secrets) if (secret !== "") shown = shown.replaceAll(secret, "[hidden]");
  return shown;
}

/** A chain of causes may bite its tail. */
const DEEPEST = 8;

/** Inside of what SDKs wrap around it: the guard has said already what went wrong. */
export function findActionError(error: unknown, depth = 0): ActionError | undefined {
  if (ActionError.is(error)) return error;
  if (!(error instanceof Error) || depth === DEEPEST) return undefined;
  for (const name of ["detail", "exception", "original", "cause"]) {
    const found = findActionError(Reflect.get(error, name), depth + 1);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A word of the far side's choice as a part of a code of ours: `card_declined` → `card-declined`. */
export function toWord(text: string): string {
  const word = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return /^-?([a-z][a-z0-9-]{0,63})/.exec(word)?.[1] ?? "error";
}

/** What went wrong at the bottom: `fetch failed` says nothing. */
export function innermost(error: unknown): string | undefined {
  let message: string | undefined;
  let at = error;
  for (let depth = 0; at instanceof Error && depth < DEEPEST; depth++) {
    if (at.message !== "") ({ message } = at);
    at = at.cause;
  }
  return message;
}
