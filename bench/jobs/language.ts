import { asJsonText, newRunId, toShard, toTimestamp, type JsonValue } from "@millrace/protocol";
import { begin, createPass } from "../../packages/engine/src/core/drive.ts";
import { createRunState } from "../../packages/engine/src/core/state.ts";
import { parseExpression } from "../../packages/engine/src/definition/expression/parse-expression.ts";
import { render } from "../../packages/engine/src/definition/render.ts";
import {
  parseTemplate,
  type TemplateListener,
} from "../../packages/engine/src/definition/template.ts";
import { graphPrograms } from "../../packages/engine/src/steps/graph-programs.ts";
import { aScope } from "../../packages/engine/src/testkit/a-scope.ts";
import { medianOf } from "../median.ts";
import { toLadder } from "../engine/definitions.ts";

export interface LanguageOrder {
  readonly stepCount: number;
  readonly rounds: number;
  readonly windowMs: number;
}

export interface LanguageCost {
  /** Check and compile a graph. */
  readonly compileMs: number;
  /** Run it in memory, without a store: what the planner costs. */
  readonly planMs: number;
  readonly renders: readonly RenderCost[];
}

export interface RenderCost {
  readonly source: string;
  readonly kind: "template" | "expression";
  readonly us: number;
}

const ITEMS = [
  { productId: "a", quantity: 2, price: 1999 },
  { productId: "b", quantity: 1, price: 450 },
];
const SCOPE = aScope({
  input: { items: ITEMS, customer: { email: "ada@example.com" } },
  result: { status: "succeeded", total: 4317.84 },
});
const TEMPLATES = [
  "{{input.customer.email}}",
  "Order for {{input.items.0.productId}}, {{input.items.0.quantity}} of them",
  "{{input.items | map: 'quantity * price' | sum | times: 1.08}}",
];
const EXPRESSIONS = [
  "result.total > 10000",
  'result.status === "succeeded" && input.items.length > 1',
];

const STRICT: TemplateListener = {
  problem(_, message) {
    throw new Error(message);
  },
  warning() {},
  reference() {},
};

export async function language(
  order: LanguageOrder,
  tell: (text: string) => void,
): Promise<LanguageCost> {
  const definition = toLadder(order.stepCount);
  const compiles: number[] = [];
  const plans: number[] = [];
  for (let round = 0; round < order.rounds; round++) {
    const from = performance.now();
    const workflow = compile(definition);
    compiles.push(performance.now() - from);
    plans.push(planMs(workflow));
    tell(`graph ${round + 1} of ${order.rounds}`);
  }
  return {
    compileMs: medianOf(compiles),
    planMs: medianOf(plans),
    renders: [
      ...TEMPLATES.map((source) => timeTemplate(source, order.windowMs)),
      ...EXPRESSIONS.map((source) => timeExpression(source, order.windowMs)),
    ],
  };
}

function compile(definition: JsonValue): ReturnType<typeof graphPrograms.compile> {
  const parsed = graphPrograms.parse(definition);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return graphPrograms.compile(parsed.definition);
}

/** Conditions and transforms only, so one pass runs all of it. */
function planMs(workflow: ReturnType<typeof compile>): number {
  const id = newRunId(toTimestamp(1), toShard(1), () => 1);
  const run = createRunState({
    id,
    shard: toShard(1),
    tenant: "default" as never,
    workspace: null,
    user: null,
    name: null,
    workflowId: "wf_ladder" as never,
    workflowVersion: 1,
    trigger: "api",
    priority: 1,
    input: asJsonText('{"n":1}'),
    metadata: asJsonText("{}"),
    parent: null,
    retryOf: null,
    depth: 0,
    caller: null,
    createdAt: toTimestamp(1),
    deadlineAt: null,
  });
  const from = performance.now();
  begin(run, workflow.create(run.head), toTimestamp(1), createPass());
  const took = performance.now() - from;
  if (run.ended?.status !== "completed") throw new Error(JSON.stringify(run.ended));
  return took;
}

function timeTemplate(source: string, windowMs: number): RenderCost {
  const template = { where: "bench", root: parseTemplate(source, [], STRICT) };
  return { source, kind: "template", us: timeUs(() => void render(template, SCOPE), windowMs) };
}

function timeExpression(source: string, windowMs: number): RenderCost {
  const expression = parseExpression(source, [], STRICT);
  if (expression === undefined) throw new Error(source);
  return {
    source,
    kind: "expression",
    us: timeUs(() => void expression.evaluate(SCOPE), windowMs),
  };
}

/** The second half of the window counts: the first warms up. */
function timeUs(call: () => void, windowMs: number): number {
  let us = 0;
  for (let half = 0; half < 2; half++) {
    const from = performance.now();
    let calls = 0;
    while (performance.now() - from < windowMs / 2) {
      for (let i = 0; i < 100; i++) call();
      calls += 100;
    }
    us = ((performance.now() - from) * 1_000) / calls;
  }
  return us;
}
