// What the load starts: JSON workflows whose steps are functions of the nodes, and code workflows of the workers. Each
// says what its journal must hold in the end.
import { CODE } from "./code-names.ts";

export interface Shape {
  readonly workflow: string;
  /** Steps whose results are tokens of their bodies. */
  readonly tokens: readonly string[];
  /** Other steps that have a result. */
  readonly others: readonly string[];
  /** Steps that start a run and wait for its end, with its workflow. */
  readonly children: Readonly<Record<string, string>>;
}

interface Definition {
  readonly id: string;
  readonly name: string;
  readonly trigger: { readonly type: "api" };
  readonly steps: readonly object[];
}

const HOUR_MS = 3_600_000;
/** How many items an inbox and a listener collect, and how many children a family has. */
export const ITEMS = 4;
export const CHILDREN = 3;

const token = (id: string, more: object = {}): object => ({
  id,
  type: "function",
  function: "leaveToken",
  ...more,
});

const define = (id: string, steps: readonly object[]): Definition => ({
  id,
  name: id,
  trigger: { type: "api" },
  steps,
});

const wait = (id: string, duration: number | string): object => ({
  id,
  type: "wait",
  config: { duration },
});

/** In the order in which they can be installed. */
export const DEFINITIONS: readonly Definition[] = [
  define("wf_chain", [token("a"), token("b"), token("c")]),
  define("wf_nap", [token("a"), wait("rest", "{{input.pauseMs}}"), token("b")]),
  define("wf_retry", [
    token("a"),
    token("b", { function: "failFirst", retryConfig: { retries: 3, initialDelayMs: 50 } }),
    token("c"),
  ]),
  define("wf_child", [token("a"), token("b")]),
  define("wf_parent", [
    token("a"),
    { id: "child", type: "subworkflow", config: { workflow: "wf_child" } },
    token("b"),
  ]),
  define("wf_long", [token("a"), wait("rest", HOUR_MS)]),
  define("wf_busy", [
    token("a", { function: "compute", config: { input: { ms: "{{input.ms}}" } } }),
  ]),
];

const shape = (
  workflow: string,
  tokens: readonly string[],
  more: Partial<Omit<Shape, "workflow" | "tokens">> = {},
): Shape => ({ workflow, tokens, others: [], children: {}, ...more });

const SHAPES: readonly Shape[] = [
  shape("wf_chain", ["a", "b", "c"]),
  shape("wf_nap", ["a", "b"], { others: ["rest"] }),
  shape("wf_retry", ["a", "b", "c"]),
  shape("wf_child", ["a", "b"]),
  shape("wf_parent", ["a", "b"], { children: { child: "wf_child" } }),
  shape("wf_long", ["a"], { others: ["rest"] }),
  shape("wf_busy", ["a"]),
  shape(CODE.triple, ["first", "left", "right"], { others: ["pause"] }),
  shape(CODE.inbox, ["open", "close"]),
  shape(CODE.listener, ["open", "close"]),
  shape(CODE.family, ["open"], {
    children: Object.fromEntries(
      Array.from({ length: CHILDREN }, (_, n) => [`each[${n}]`, CODE.triple]),
    ),
  }),
];

const byWorkflow = new Map(SHAPES.map((shape) => [shape.workflow, shape]));

/** undefined: the load starts no such thing. */
export const shapeOf = (workflow: string): Shape | undefined => byWorkflow.get(workflow);
