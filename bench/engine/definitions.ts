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

export const FOUR_STEPS: ChosenWorkflow = {
  id: "wf_four_steps",
  definition: {
    name: "Four steps",
    trigger: { type: "api" },
    steps: [
      { id: "one", type: "function", function: "stepOne" },
      { id: "two", type: "function", function: "stepTwo" },
      { id: "three", type: "function", function: "stepThree" },
      { id: "four", type: "function", function: "stepOne" },
    ],
  },
};

/** The function `hold` is the node's own: it never ends, or at once. */
export const HOLD: ChosenWorkflow = {
  id: "wf_hold",
  definition: {
    name: "Hold",
    trigger: { type: "api" },
    steps: [
      { id: "one", type: "function", function: "stepOne" },
      { id: "two", type: "function", function: "hold" },
    ],
  },
};

/** The same steps; each start is checked against a schema. */
export const CHECKED_STEPS: ChosenWorkflow = {
  id: "wf_checked_steps",
  definition: {
    ...THREE_STEPS.definition,
    name: "Checked steps",
    inputSchema: {
      type: "object",
      required: ["n", "customer", "items"],
      additionalProperties: false,
      properties: {
        n: { type: "integer", minimum: 0 },
        customer: {
          type: "object",
          required: ["email"],
          properties: { email: { type: "string", format: "email" } },
        },
        items: {
          type: "array",
          minItems: 1,
          items: {
            type: "object",
            required: ["sku", "quantity"],
            properties: {
              sku: { type: "string", pattern: "^[A-Z]{2}-\\d+$" },
              quantity: { type: "integer", minimum: 1 },
            },
          },
        },
      },
    },
  },
};

/** What `CHECKED_STEPS` takes. */
export const toCheckedInput = (n: number): JsonValue => ({
  n,
  customer: { email: "ada@example.com" },
  items: [
    { sku: "AB-1", quantity: 2 },
    { sku: "CD-22", quantity: 1 },
  ],
});

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

/** Conditions that each choose one of two transforms, which meet again: no step of it needs a function. */
export function toLadder(count: number): ChosenWorkflow["definition"] {
  const rungs = Math.floor(count / 4);
  const steps = Array.from({ length: rungs }, (_, i): readonly JsonValue[] => [
    {
      id: `c${i}`,
      type: "condition",
      condition: "input.n > 0",
      next: `y${i}`,
      config: { else: `n${i}` },
    },
    { id: `y${i}`, type: "transform", next: `j${i}`, config: { mapping: { n: "{{input.n}}" } } },
    { id: `n${i}`, type: "transform", next: `j${i}`, config: { mapping: { n: 0 } } },
    {
      id: `j${i}`,
      type: "transform",
      config: { mapping: { n: "{{result.n}}" } },
      ...(i + 1 < rungs ? { next: `c${i + 1}` } : {}),
    },
  ]).flat();
  return { name: "Ladder", trigger: { type: "api" }, steps };
}

/** A loop over `input.items` that calls the function `same` for each. */
export function toLoop(concurrency: number): ChosenWorkflow {
  return {
    id: "wf_loop",
    definition: {
      name: "Loop",
      trigger: { type: "api" },
      steps: [
        {
          id: "all",
          type: "loop",
          config: {
            items: "input.items",
            maxIterations: 100_000,
            concurrency,
            collect: false,
            steps: ["one"],
          },
        },
        { id: "one", type: "function", function: "same" },
      ],
    },
  };
}
