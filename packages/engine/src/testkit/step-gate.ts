// A step's function that ends when a test says so.
import type { JsonValue } from "@millrace/protocol";
import type { StepContext, StepFunction } from "../runtime/step-function.ts";

export interface StepGate {
  readonly work: StepFunction;
  /** Of every body that has begun, in that order. */
  readonly begun: StepContext[];
  /** The next body that waits returns this. */
  open(value?: JsonValue): void;
  /** The next body that waits throws this. */
  fail(error: unknown): void;
}

export function createStepGate(): StepGate {
  const begun: StepContext[] = [];
  const waiting: PromiseWithResolvers<JsonValue>[] = [];
  return {
    begun,
    work: (_, context) => {
      const gate = Promise.withResolvers<JsonValue>();
      begun.push(context);
      waiting.push(gate);
      return gate.promise;
    },
    open: (value = null) => waiting.shift()?.resolve(value),
    fail: (error) => waiting.shift()?.reject(error),
  };
}
