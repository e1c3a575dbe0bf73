import type { CodeRequest, CodeTask, JsonText, Outcome, Timestamp } from "@millrace/protocol";
import type { CompensationStep } from "./compensation.ts";
import type { DurablePromise } from "./durable-promise.ts";
import type { StepBody } from "./workflow-context.ts";
import type { AnyWorkflow } from "./workflow.ts";

export type OperationRequest = Exclude<CodeRequest, { kind: "end" }>;

/** What the function asks for, before it has its key. */
export interface Ask<T> {
  /** The key is this, and its occurrence. */
  readonly name: string;
  readonly toRequest: (key: string) => OperationRequest;
  /** What the function gets of it. Throws what it shall throw. */
  readonly read: (outcome: Outcome, key: string) => T | Promise<T>;
  /** Of a `run`. */
  readonly body?: StepBody;
  /** Nobody need wait for it. */
  readonly isNote?: boolean;
}

/** A session, as a function's context sees it. */
export interface Asker {
  readonly task: CodeTask;
  readonly workflow: AnyWorkflow;
  /** The function's clock. */
  readonly at: Timestamp;
  readonly signal: AbortSignal;
  /** The function has asked for all that the journal has; settlements may still be to come. */
  readonly isJournalMet: boolean;
  /**
   * @throws {StepError} run.too-many-operations: thrown, not rejected, since who does not await would not notice
   */
  ask<T>(ask: Ask<T>): DurablePromise<T>;
  /** @returns a promise that somebody must wait for before the function ends */
  track<T>(key: string, source: Promise<T>): DurablePromise<T>;
  /** `name`, `name#2`, … */
  toKey(name: string): string;
  /** The journal has it, and nobody has asked for it. */
  isJournaled(key: string): boolean;
  addRollback(step: CompensationStep): void;
  /** @throws {StepError} step.nested */
  assertOutside(what: string): void;
}

/** A line for readers. */
export const toNote = (key: string, output: JsonText): OperationRequest => ({
  kind: "note",
  key,
  output,
});
