// Knows, in a process that executes users' code, on whose behalf code runs: what ends the process can then be told
// of the step that did it, and of no other.
import { engineFailure, fromThrown, type HostCommand, type HostReport } from "@millrace/protocol";
import { AsyncLocalStorage } from "node:async_hooks";

type Begin = Extract<HostCommand, { type: "open" | "attempt" | "call" }>;

/** How a body came to be a danger to others. */
export type Misdeed =
  | { readonly kind: "exit"; readonly code: number }
  | { readonly kind: "exception"; readonly thrown: unknown }
  | { readonly kind: "rejection"; readonly thrown: unknown };

export class Culprits {
  readonly #current = new AsyncLocalStorage<Begin>();

  /** Whatever `command` sets off, now or later, is done on its behalf. */
  run(command: HostCommand, handle: () => void): void {
    if (command.type === "open" || command.type === "attempt" || command.type === "call")
      this.#current.run(command, handle);
    else handle();
  }

  /** On whose behalf the caller runs. undefined: nobody's, as far as can be told. */
  get current(): Begin | undefined {
    return this.#current.getStore();
  }

  /** @returns what to say of the body on whose behalf the caller runs; null: it runs for none */
  accuse(misdeed: Misdeed): HostReport | null {
    const command = this.current;
    if (command === undefined || command.type === "open") return null;
    if (command.type === "call") {
      const { step, attempt } = command.task;
      return { type: "called", call: command.call, result: toResult(misdeed, step, attempt) };
    }
    const { session, key, attempt } = command;
    return { type: "attempted", session, key, attempt, result: toResult(misdeed, key, attempt) };
  }
}

type Result = Extract<HostReport, { type: "called" }>["result"];

function toResult(misdeed: Misdeed, step: string, attempt: number): Result {
  if (misdeed.kind === "rejection")
    return { ok: false, ...fromThrown(misdeed.thrown, step, attempt) };
  const how =
    misdeed.kind === "exit"
      ? `with exit code ${misdeed.code}`
      : `by an error that nobody caught: ${fromThrown(misdeed.thrown, step, attempt).failure.message}`;
  const message = `Step ${step} ended the process that it ran in, ${how}`;
  const failure = engineFailure("step.process-ended", message, "code", { step, attempt });
  return { ok: false, failure, retryAfterMs: null, terminal: false };
}
