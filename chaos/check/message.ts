import type { StoredEntry } from "../history.ts";

/** A message in a journal, as far as the checker reads it. */
export interface JournaledMessage {
  readonly id: string;
  readonly body: {
    readonly kind: string;
    readonly key?: string | null;
    readonly childId?: string;
    readonly outcome?: { readonly status: string; readonly output?: string };
    readonly name?: string;
    /** JSON. */
    readonly data?: string;
  };
}

/** undefined: it is another entry. */
export function messageOf({ kind, body }: StoredEntry): JournaledMessage | undefined {
  // The store's own text.
  return kind === "message" ? (JSON.parse(body) as JournaledMessage) : undefined;
}
