import type { Failure, JsonText, Timestamp } from "@millrace/protocol";
import type { Outcome } from "./entry.ts";

/** How often and how soon a failed attempt is tried again. */
export interface RetryPolicy {
  /** Further attempts after the first, of failures whose source is `code`. */
  readonly retries: number;
  /** Before the second attempt. Each later delay is the one before times `factor`, up to `maxDelayMs`. */
  readonly initialDelayMs: number;
  readonly maxDelayMs: number;
  readonly factor: number;
}

/** Which table the target of a call stands in. */
export type CallExecutor = "function" | "action";

/** What an operation is, as far as the core must know. */
export type OperationBody =
  /** Work for an executor: its body runs outside the transaction, perhaps more than once. */
  | {
      readonly kind: "call";
      /** `function`: one that the author registered or stored; `action`: a connector's. */
      readonly executor: CallExecutor;
      readonly target: string;
      readonly input: JsonText;
      readonly retry: RetryPolicy;
      /** Of one attempt. */
      readonly timeoutMs: number;
    }
  /** The program knew the answer at once (a transform, a condition); journaled so that readers see it. */
  | { readonly kind: "value"; readonly outcome: ValueOutcome }
  | { readonly kind: "timer"; readonly due: { readonly afterMs: number } | { readonly at: number } }
  /** Another workflow, by id or slug; its version is fixed when the operation starts. */
  | { readonly kind: "child"; readonly workflow: string; readonly input: JsonText };

export type ValueOutcome =
  | { readonly status: "completed"; readonly output: JsonText }
  | { readonly status: "failed"; readonly failure: Failure };

/** What a program asks of the engine. */
export type Request =
  | { readonly kind: "operation"; readonly key: string; readonly body: OperationBody }
  | { readonly kind: "end"; readonly outcome: Outcome };

/**
 * Decides what comes next in one run. Holds the run's cursor, so it is made anew for each residence, and is
 * fed the same settlements in the same order in life and in replay; it must then ask for the same things.
 */
export interface Program {
  /** What the run asks for first. */
  begin(): readonly Request[];
  /**
   * Operation `key` has settled.
   *
   * @param at when, as the journal has it: the only clock that a program may read
   * @returns what may begin now; empty while others are awaited
   */
  settled(key: string, outcome: Outcome, at: Timestamp): readonly Request[];
}
