// The thread's end of the wire: runs batches of calls in the order of their arrival, and answers a
// batch at once.
import type { MessagePort } from "node:worker_threads";
import { toFault, type Fault } from "./errors.ts";

/** Functions by name. What they take and give crosses the border by structured clone. */
export type Verbs<T> = { readonly [K in keyof T]: (...args: never[]) => unknown };

export type Call = readonly [id: number, verb: string, args: readonly unknown[]];
export type Reply =
  | readonly [id: number, ok: true, value: unknown]
  | readonly [id: number, ok: false, fault: SentFault];

export interface SentFault {
  readonly code: Fault["code"];
  readonly message: string;
  readonly cause: string | null;
}

/**
 * @param open makes the verbs; if it throws, every call is answered with that fault
 * @returns answers one batch. After a verb met `storage.failed`, every call but `close` is answered
 * with that
 */
export function createAnswerer<T extends Verbs<T>>(
  open: () => T,
): (batch: readonly Call[]) => Reply[] {
  let failed: Fault | undefined;
  let verbs: ReadonlyMap<string, unknown> = new Map();
  try {
    verbs = new Map(Object.entries(open()));
  } catch (error) {
    failed = toFault(error, "open");
  }
  const answer = ([id, name, args]: Call): Reply => {
    if (failed !== undefined && name !== "close") return [id, false, toSent(failed)];
    try {
      // `Thread.call` has checked name and arguments against the same type.
      const verb = verbs.get(name) as ((...args: readonly unknown[]) => unknown) | undefined;
      return [id, true, verb?.(...args)];
    } catch (error) {
      const fault = toFault(error, "read");
      if (fault.code === "storage.failed") failed = fault;
      return [id, false, toSent(fault)];
    }
  };
  return (batch) => batch.map(answer);
}

function toSent({ code, message, cause }: Fault): SentFault {
  return { code, message, cause: cause instanceof Error ? cause.message : null };
}

/**
 * Answers the batches that come from the main thread.
 *
 * @param port null: this is the main thread itself
 */
export function serve(port: MessagePort | null, answer: (batch: readonly Call[]) => Reply[]): void {
  if (port === null) throw new Error("this file is the entry of a thread");
  port.on("message", (batch: readonly Call[]) => {
    port.postMessage(answer(batch));
    // Nothing is left to wait for, so the thread ends.
    if (batch.some(([, name]) => name === "close")) port.close();
  });
}
