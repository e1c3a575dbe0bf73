import type { Failure, JsonText, RunId, Timestamp } from "@millrace/protocol";
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

/** Which table the target of a call stands in; `code`: the run's own host has the body. */
export type CallExecutor = "function" | "action" | "code";

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
  | {
      readonly kind: "child";
      readonly workflow: string;
      readonly input: JsonText;
      /** JSON object of texts. Default: none. */
      readonly metadata?: JsonText;
      /** It goes on when this run ends first. Default: it is cancelled. */
      readonly isAbandoned?: boolean;
    }
  /** The next signal of that name, or `null` when the time is over. */
  | {
      readonly kind: "event";
      readonly event: string;
      /** null: for ever. */
      readonly timeoutMs: number | null;
      /** How long before the wait an event may have been published. */
      readonly lookbackMs: number;
    }
  /** A signal to one run, or an event to all who wait for it (`runId` null); stored with its entry. */
  | {
      readonly kind: "notify";
      readonly event: string;
      readonly data: JsonText;
      readonly runId: RunId | null;
    };

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
