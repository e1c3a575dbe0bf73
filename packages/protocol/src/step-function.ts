import type { RunId } from "./ids.ts";
import type { JsonValue } from "./json.ts";

/** What a step's function may know about the attempt it is. */
export interface StepContext {
  readonly runId: RunId;
  readonly step: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /**
   * The same for every attempt of this step of this run: hand it to the far side (an idempotency key, a header,
   * a message id), so that what is done twice counts once.
   */
  readonly idempotencyKey: string;
  /** Aborts when the attempt overruns its time, the run is cancelled, or whoever executes it loses the run. */
  readonly signal: AbortSignal;
  /** What the run was started with. */
  readonly input: JsonValue;
}

/**
 * The body of a `function` step, registered by name. May run more than once; its result counts once.
 * Throw anything to fail the attempt, `TerminalError` to fail the step at once, `RetryAfterError` to try later.
 */
export type StepFunction<Input = JsonValue> = (input: Input, context: StepContext) => unknown;

/** `never` lets each function declare the input that it expects; what it gets is what the definition sends. */
export type StepFunctions = Readonly<Record<string, StepFunction<never>>>;
