// The mix of workflows that the crash test loads a server with, and what must come of each.

export interface Definition {
  readonly id: string;
  readonly name: string;
  readonly trigger: { readonly type: "api" };
  readonly steps: readonly object[];
}

export interface Workload {
  readonly definition: Definition;
  /** Steps that get a result, in order. */
  path(n: number): readonly string[];
  output(n: number): { readonly n: number };
  /** The workflow that one of its steps starts. */
  readonly child?: string;
}

/** A step that calls a function. */
export const fn = (id: string, name: string, more: object = {}): object => ({
  id,
  type: "function",
  function: name,
  ...more,
});

export const define = (id: string, steps: readonly object[]): Definition => ({
  id,
  name: id,
  trigger: { type: "api" },
  steps,
});

/** Three functions in a row. */
const chain: Workload = {
  definition: define("wf_chain", [fn("a", "addOne"), fn("b", "double"), fn("c", "square")]),
  path: () => ["a", "b", "c"],
  output: (n) => ({ n: ((n + 1) * 2) ** 2 }),
};

/** Transforms around a function. */
const shape: Workload = {
  definition: define("wf_shape", [
    { id: "in", type: "transform", config: { mapping: { n: "{{input.n}}" } } },
    fn("a", "double"),
    { id: "out", type: "transform", config: { mapping: { n: "{{steps.a.output.n}}" } } },
    fn("b", "addOne"),
  ]),
  path: () => ["in", "a", "out", "b"],
  output: (n) => ({ n: n * 2 + 1 }),
};

/** Most waits are short enough to stay in memory; every fifth run is parked in the store. */
const pause: Workload = {
  definition: define("wf_pause", [
    fn("a", "addOne"),
    { id: "rest", type: "wait", config: { duration: "{{input.pauseMs}}" } },
    fn("b", "double", { config: { input: "{{steps.a.output}}" } }),
  ]),
  path: () => ["a", "rest", "b"],
  output: (n) => ({ n: (n + 1) * 2 }),
};

export const pauseMsOf = (n: number): number => (n % 5 === 0 ? 1_200 : 30);

// Not written out below, where a linter takes the object for a promise.
const THEN_LARGE = JSON.parse('{"then":["large"]}') as object;

const choice: Workload = {
  definition: define("wf_choice", [
    fn("a", "addOne"),
    {
      id: "is-large",
      type: "condition",
      config: {
        conditions: { left: "{{input.n}}", operator: "gte", right: 500 },
        ...THEN_LARGE,
        else: ["small"],
      },
    },
    fn("large", "double"),
    fn("small", "square"),
    fn("b", "addOne"),
  ]),
  path: (n) => ["a", "is-large", n >= 500 ? "large" : "small", "b"],
  output: (n) => ({ n: (n >= 500 ? (n + 1) * 2 : (n + 1) ** 2) + 1 }),
};

const parent: Workload = {
  definition: define("wf_parent", [
    fn("a", "addOne"),
    { id: "child", type: "subworkflow", config: { workflow: "wf_child" } },
    fn("b", "addOne"),
  ]),
  path: () => ["a", "child", "b"],
  output: (n) => ({ n: (n + 1) * 4 + 1 }),
  child: "wf_child",
};

const child: Workload = {
  definition: define("wf_child", [fn("a", "double"), fn("b", "double")]),
  path: () => ["a", "b"],
  output: (n) => ({ n: n * 4 }),
};

/** An attempt that fails, a pause, and one that does not. */
const retry: Workload = {
  definition: define("wf_retry", [
    fn("a", "addOne"),
    fn("b", "addTenAtSecond", { retryConfig: { retries: 1, initialDelayMs: 20 } }),
    fn("c", "double"),
  ]),
  path: () => ["a", "b", "c"],
  output: (n) => ({ n: (n + 11) * 2 }),
};

/** In the order in which they can be installed. */
export const WORKLOADS: readonly Workload[] = [child, chain, shape, pause, choice, parent, retry];
/** Those that are started from outside; messages between runs have the most places to be lost. */
export const STARTED: readonly [Workload, ...Workload[]] = [
  chain,
  shape,
  pause,
  choice,
  parent,
  parent,
  retry,
];

const byId = new Map(WORKLOADS.map((workload) => [workload.definition.id, workload]));

export function workloadOf(workflow: string): Workload {
  const workload = byId.get(workflow);
  if (workload === undefined) throw new Error(`there is no workload ${workflow}`);
  return workload;
}
