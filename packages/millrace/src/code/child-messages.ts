// What a server and the processes that execute code for it say to each other, as JSON.
import type { HostCommand, HostReport, SessionId, WorkflowOffer } from "@millrace/protocol";
import type { Origin } from "./load-code.ts";

export type ToChild =
  | { readonly type: "load"; readonly files: readonly string[] }
  | { readonly type: "commands"; readonly commands: readonly HostCommand[] }
  | { readonly type: "ping" }
  /** Finish what runs, for a while, and end. */
  | { readonly type: "close" };

export type FromChild =
  | ({ readonly type: "ready" } & ChildCode)
  /** What it was told to load cannot be. */
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "reports"; readonly reports: readonly HostReport[] }
  | { readonly type: "pong" }
  /** It is about to end, because of this session's function; null: because of a body, of which a report has told. */
  | { readonly type: "blame"; readonly session: SessionId | null }
  /** For the log. */
  | { readonly type: "stray"; readonly message: string };

/** What a child has loaded. */
export interface ChildCode {
  readonly workflows: readonly WorkflowOffer[];
  /** Of the workflow of the same place. */
  readonly origins: readonly Origin[];
  readonly functions: readonly string[];
  readonly warnings: readonly string[];
}

export interface Batcher<T> {
  readonly add: (items: readonly T[]) => void;
  /** Now. */
  readonly flush: () => void;
}

/** Gathers what comes in one turn of the event loop: a message costs more than what is in it. */
export function createBatcher<T>(send: (items: readonly T[]) => void): Batcher<T> {
  let waiting: T[] = [];
  const flush = (): void => {
    const items = waiting;
    waiting = [];
    if (items.length > 0) send(items);
  };
  return {
    add: (items) => {
      if (waiting.length === 0) setImmediate(flush);
      waiting.push(...items);
    },
    flush,
  };
}
