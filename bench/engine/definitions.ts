import type { JsonValue } from "@millrace/protocol";

export interface ChosenWorkflow {
  readonly id: string;
  readonly definition: { readonly [key: string]: JsonValue };
}

/** Each step gets the result of the one before, the first the run's input `{ "n": … }`. */
export const THREE_STEPS: ChosenWorkflow = {
  id: "wf_three_steps",
  definition: {
    name: "Three steps",
    trigger: { type: "api" },
    steps: [
      { id: "one", type: "function", function: "stepOne" },
      { id: "two", type: "function", function: "stepTwo" },
      { id: "three", type: "function", function: "stepThree" },
    ],
  },
};

/** Longer than any benchmark. */
const DAY_MS = 24 * 60 * 60 * 1_000;

export const SLEEP: ChosenWorkflow = {
  id: "wf_sleep",
  definition: {
    name: "Sleep",
    trigger: { type: "api" },
    steps: [{ id: "sleep", type: "wait", config: { duration: DAY_MS } }],
  },
};

/** `count` steps in a row, each of which calls the function `mark`. */
export function toLongList(count: number): ChosenWorkflow {
  return {
    id: "wf_long_list",
    definition: {
      name: "Long list",
      trigger: { type: "api" },
      steps: Array.from({ length: count }, (_, i) => ({
        id: `s${i + 1}`,
        type: "function",
        function: "mark",
      })),
    },
  };
}
