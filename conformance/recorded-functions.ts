// Functions for steps, which note how they are called.
import type { StepContext, StepFunctions } from "@millrace/engine";
import type { JsonValue } from "@millrace/protocol";

export interface RecordedCall {
  readonly name: string;
  readonly input: JsonValue;
  readonly context: StepContext;
  /** Functions whose calls had ended when this one began, in that order. */
  readonly after: readonly string[];
}

export interface RecordedFunctions {
  readonly functions: StepFunctions;
  /** In the order in which they began. */
  readonly calls: readonly RecordedCall[];
  /** Of `calls`. */
  readonly names: readonly string[];
  /** The calls of one function. */
  of(name: string): readonly RecordedCall[];
}

/** `never`: each says what it expects. */
type Answer = (input: never, context: StepContext) => unknown;

export function recordCalls(answers: Readonly<Record<string, Answer>>): RecordedFunctions {
  const calls: RecordedCall[] = [];
  const ended: string[] = [];
  const functions: Record<string, (input: JsonValue, context: StepContext) => unknown> = {};
  for (const [name, answer] of Object.entries(answers)) {
    functions[name] = async (input, context) => {
      calls.push({ name, input, context, after: [...ended] });
      try {
        // What a step sends is what the test has made it send.
        return await (answer as (input: JsonValue, context: StepContext) => unknown)(
          input,
          context,
        );
      } finally {
        ended.push(name);
      }
    };
  }
  return {
    functions,
    calls,
    get names() {
      return calls.map(({ name }) => name);
    },
    of: (wanted) => calls.filter(({ name }) => name === wanted),
  };
}

/** Lets its callers go on when `count` of them have come: if they came one after the other, none ever would. */
export function createMeeting(count: number): () => Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let come = 0;
  return () => {
    come += 1;
    if (come === count) resolve();
    return promise;
  };
}
