// Random definitions with random outcomes, through the core, against a model that is written the other way
// round: it walks the tree that the definition was made from, and has no positions, ranges or jumps.
import {
  asJsonText,
  DEFAULT_TENANT,
  newRunId,
  shardOf,
  toShard,
  toTimestamp,
  type Failure,
  type JsonValue,
  type Timestamp,
} from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { begin, createPass, drive, replay, resume } from "../core/drive.ts";
import type { Entry, Outcome } from "../core/entry.ts";
import type { Effect, Fact } from "../core/fact.ts";
import type { RunHead } from "../core/run-head.ts";
import { createRunState, type Operation, type RunState } from "../core/state.ts";
import { STEP_KINDS } from "../steps/step-kinds.ts";
import { describeSteps } from "./describe-steps.ts";
import { createListProgram } from "./list-program.ts";
import { compileDefinition, parseDefinition } from "./parse-definition.ts";
import type { Plan } from "./plan.ts";

type Json = Record<string, JsonValue>;

/** Which other step a step reads: a number, taken modulo the number of steps. */
interface Leaf {
  readonly kind: "pass" | "take" | "status" | "transform" | "wait" | "child";
  readonly reads: number;
  /** What its body does: gives an object with `n`, fails once, fails for good, or (a child) is cancelled. */
  readonly does: "ok" | "retry" | "fail" | "cancel";
  readonly n: number;
}
interface Fork {
  readonly kind: "fork";
  readonly above: number;
  readonly yes: readonly Node[];
  readonly no: readonly Node[];
}
type Node = Leaf | Fork;

const { nodes } = fc.letrec<{ node: Node; nodes: Node[] }>((tie) => ({
  node: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    fc.record<Leaf>({
      kind: fc.constantFrom("pass", "take", "status", "transform", "wait", "child"),
      reads: fc.nat(20),
      does: fc.oneof(
        { weight: 8, arbitrary: fc.constant("ok" as const) },
        {
          weight: 1,
          arbitrary: fc.constantFrom("retry" as const, "fail" as const, "cancel" as const),
        },
      ),
      n: fc.integer({ min: 0, max: 9 }),
    }),
    fc.record<Fork>({
      kind: fc.constant("fork"),
      above: fc.integer({ min: 0, max: 9 }),
      yes: tie("nodes"),
      no: tie("nodes"),
    }),
  ),
  nodes: fc.array(tie("node"), { maxLength: 4 }),
}));

/** The tree with ids, as the definition, the model and the outcomes need it. */
interface Named {
  readonly id: string;
  readonly node: Node;
  readonly yes: readonly Named[];
  readonly no: readonly Named[];
}

function nameAll(list: readonly Node[], all: Named[]): readonly Named[] {
  return list.map((node) => {
    const isFork = node.kind === "fork";
    const id = `s${all.length}`;
    // Its place is taken before its branches take theirs.
    const at = all.push({ id, node, yes: [], no: [] }) - 1;
    const yes = isFork ? nameAll(node.yes, all) : [];
    const no = isFork ? nameAll(node.no, all) : [];
    return (all[at] = { id, node, yes, no });
  });
}

interface Sample {
  readonly main: readonly Named[];
  readonly all: readonly Named[];
  readonly definition: Json;
}

const samples = fc
  .record({
    list: fc.array(nodes, { minLength: 1, maxLength: 3 }).map((lists) => lists.flat()),
    shuffle: fc.array(fc.nat(), { minLength: 30, maxLength: 30 }),
    hasOutput: fc.boolean(),
  })
  .filter(({ list }) => list.length > 0)
  .map(({ list, shuffle, hasOutput }): Sample => {
    const all: Named[] = [];
    const main = nameAll(list, all);
    // Claimed steps may stand anywhere in the list; the others keep their order.
    const order = main.map((named) => named.id);
    for (const [i, { id }] of all.entries()) {
      if (order.includes(id)) continue;
      order.splice((shuffle[i % shuffle.length] ?? 0) % (order.length + 1), 0, id);
    }
    const byId = new Map(all.map((named) => [named.id, named]));
    const steps = order.flatMap((id) => byId.get(id) ?? []).map((named) => toStep(named, all));
    const output = { last: "{{result}}", first: "{{steps.s0.output}}" };
    return { main, all, definition: { name: "a", steps, ...(hasOutput ? { output } : {}) } };
  });

const readBy = ({ node }: Named, all: readonly Named[]): string =>
  all[node.kind === "fork" ? 0 : node.reads % all.length]?.id ?? "";

function toStep(named: Named, all: readonly Named[]): Json {
  const { id, node } = named;
  const other = readBy(named, all);
  switch (node.kind) {
    case "fork": {
      const branches = JSON.stringify({
        yes: named.yes.map((one) => one.id),
        no: named.no.map((one) => one.id),
      });
      const conditions = { left: "{{result.n}}", operator: "gt", right: node.above };
      const config = JSON.parse(
        branches.replace('"yes"', '"then"').replace('"no"', '"else"'),
      ) as Json;
      return { id, type: "condition", config: { conditions, ...config } };
    }
    case "pass":
      return { id, type: "function", function: "f", retries: 1 };
    case "take":
      return {
        id,
        type: "function",
        function: "f",
        retries: 1,
        config: { input: `{{steps.${other}.output}}` },
      };
    case "status":
      return {
        id,
        type: "function",
        function: "f",
        retries: 1,
        config: { input: [`{{steps.${other}.status}}`, "{{result.n}}"] },
      };
    case "transform":
      return {
        id,
        type: "transform",
        config: { mapping: { n: "{{result.n}}", of: "<{{result.n}}>" } },
      };
    case "wait":
      return { id, type: "wait", config: { duration: node.n } };
    case "child":
      return { id, type: "subworkflow", config: { workflow: "w" } };
  }
}

const toFailure = (id: string): Failure => ({
  code: "step.failed",
  message: `${id} failed`,
  source: "code",
});

/** What the run must have done. */
interface Expected {
  /** `id` and the input of its body; a transform, a wait and a condition have none. */
  readonly asked: [id: string, input: JsonValue | undefined][];
  readonly statuses: Map<string, string>;
  readonly end:
    | { readonly status: "completed"; readonly output: JsonValue }
    | {
        readonly status: "failed";
        readonly code: string | undefined;
        readonly step: string | undefined;
      };
}

/** The model: recursive, over the tree. */
function interpret({ main, all, definition }: Sample, input: JsonValue): Expected {
  const asked: Expected["asked"] = [];
  const outputs = new Map<string, JsonValue>();
  const statuses = new Map(all.map((named) => [named.id, "pending"]));
  let result = input;
  let failed: { code: string; step: string } | undefined;

  const nOf = (value: JsonValue): JsonValue | undefined =>
    typeof value === "object" && value !== null && "n" in value ? value.n : undefined;
  const skip = (list: readonly Named[]): void => {
    for (const { id, yes, no } of list) {
      statuses.set(id, "skipped");
      skip(yes);
      skip(no);
    }
  };
  const runAll = (list: readonly Named[]): void => {
    for (const named of list) if (failed === undefined) runOne(named);
  };
  const finish = (id: string, output: JsonValue): void => {
    outputs.set(id, output);
    statuses.set(id, "completed");
    result = output;
  };
  const runOne = (named: Named): void => {
    const { id, node, yes, no } = named;
    const other = readBy(named, all);
    const n = nOf(result);
    if (node.kind === "fork") {
      asked.push([id, undefined]);
      const isTrue = typeof n === "number" && n > node.above;
      const before = result;
      finish(id, { result: isTrue });
      result = before;
      skip(isTrue ? no : yes);
      runAll(isTrue ? yes : no);
      return;
    }
    if (node.kind === "wait") {
      asked.push([id, undefined]);
      finish(id, { waited: node.n });
      return;
    }
    if (node.kind === "transform") {
      asked.push([id, undefined]);
      finish(id, {
        ...(n === undefined ? {} : { n }),
        of: `<${typeof n === "number" ? n : ""}>`,
      });
      return;
    }
    const inputs = {
      pass: result,
      child: result,
      take: outputs.get(other) ?? null,
      status: [statuses.get(other) ?? "", n ?? null],
    };
    asked.push([id, inputs[node.kind]]);
    const isBad = node.does === "fail" || (node.kind === "child" && node.does !== "ok");
    if (!isBad && !(node.kind !== "child" && node.does === "cancel")) {
      finish(id, { n: node.n, by: id });
      return;
    }
    statuses.set(id, "failed");
    const childCode = node.does === "cancel" ? "child.cancelled" : "child.failed";
    failed = { code: node.kind === "child" ? childCode : "step.failed", step: id };
  };

  runAll(main);
  for (const [id, status] of statuses) if (status === "pending") statuses.set(id, "skipped");
  if (failed !== undefined) return { asked, statuses, end: { status: "failed", ...failed } };
  const first = outputs.get("s0");
  const output =
    definition["output"] === undefined
      ? result
      : { last: result, ...(first === undefined ? {} : { first }) };
  return { asked, statuses, end: { status: "completed", output } };
}

function aHead(): RunHead {
  const id = newRunId(toTimestamp(1), toShard(1), () => 1);
  return {
    id,
    shard: shardOf(id),
    tenant: DEFAULT_TENANT,
    workspace: null,
    user: null,
    // A brand only.
    workflowId: "wf_a" as never,
    workflowVersion: 1,
    trigger: "api",
    priority: 1,
    input: asJsonText('{"n":4}'),
    metadata: asJsonText("{}"),
    parent: null,
    depth: 0,
    caller: null,
    createdAt: toTimestamp(1),
    deadlineAt: null,
  };
}

/** Plays the runtime: answers every effect at once, as the sample says. */
function play(
  run: RunState,
  sample: Sample,
  program: ReturnType<typeof createListProgram>,
  isNew: boolean,
): void {
  let now = toTimestamp(1_000);
  const pass = createPass();
  if (isNew) begin(run, program, now, pass);
  else resume(run, program, now, pass);
  while (run.ended === null) {
    const effect = pass.effects.shift();
    const fact = effect === undefined ? answerOf(run, sample, now) : factOf(effect, sample, now);
    now = fact.at;
    drive(run, program, fact, pass);
  }
}

function leafOf(sample: Sample, key: string): Leaf {
  const node = sample.all.find((named) => named.id === key)?.node;
  if (node === undefined || node.kind === "fork") throw new Error(`no body of ${key}`);
  return node;
}

function factOf(effect: Effect, sample: Sample, at: Timestamp): Fact {
  if (effect.type === "set.timer") return { type: "timer.fired", key: effect.key, at: effect.at };
  if (effect.type === "prepare.child") {
    return { type: "child.prepared", key: effect.key, child: aHead(), at };
  }
  if (effect.type === "stop.bodies") return { type: "bodies.abandoned", at };
  const { key, attempt } = effect;
  const { does, n } = leafOf(sample, key);
  // A function's own cancel means nothing but failure; `retry` fails the first attempt only.
  if (does !== "ok" && (does !== "retry" || attempt === 1)) {
    const failure = toFailure(key);
    return {
      type: "attempt.failed",
      key,
      attempt,
      failure,
      retryAfterMs: null,
      terminal: false,
      startedAt: at,
      at,
    };
  }
  const output = asJsonText(JSON.stringify({ n, by: key }));
  return { type: "attempt.completed", key, attempt, output, startedAt: at, at };
}

/** Nothing is left to do, so a child is awaited. */
function answerOf(run: RunState, sample: Sample, at: Timestamp): Fact {
  const [waiting] = run.open;
  if (waiting?.wait?.kind !== "child") throw new Error("the run stands still");
  const { key, wait } = waiting;
  const { does, n } = leafOf(sample, key);
  const outcomes: Record<Leaf["does"], Outcome> = {
    ok: { status: "completed", output: asJsonText(JSON.stringify({ n, by: key })) },
    retry: { status: "failed", failure: toFailure("inside") },
    fail: { status: "failed", failure: toFailure("inside") },
    cancel: { status: "cancelled" },
  };
  const body = {
    kind: "child.finished",
    key,
    childId: wait.childId,
    outcome: outcomes[does],
  } as const;
  return { type: "message.received", message: { id: `${key}/finished`, body }, at };
}

function planOf({ definition }: Sample): Plan {
  const parsed = parseDefinition(definition, STEP_KINDS);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return compileDefinition(parsed.definition, STEP_KINDS);
}

function runOnce(sample: Sample, plan: Plan): RunState {
  const run = createRunState(aHead());
  play(run, sample, createListProgram(plan, run.head), true);
  return run;
}

const requestOf = ({ key, body, position }: Operation): unknown => ({ key, body, position });

function inputOf({ body }: Operation): JsonValue | undefined {
  const hasInput = body.kind === "call" || body.kind === "child";
  return hasInput ? (JSON.parse(body.input) as JsonValue) : undefined;
}

function endOf({ ended }: RunState): Expected["end"] {
  if (ended?.status === "completed") {
    return { status: "completed", output: JSON.parse(ended.output) as JsonValue };
  }
  const failure = ended?.status === "failed" ? ended.failure : undefined;
  return { status: "failed", code: failure?.code, step: failure?.step };
}

const RUNS = { numRuns: 400 };

describe("a list program", () => {
  test("asks for the steps that the model runs, in its order, with its inputs, and ends as it does", () => {
    fc.assert(
      fc.property(samples, (sample) => {
        const run = runOnce(sample, planOf(sample));
        const expected = interpret(sample, { n: 4 });
        const asked = Array.from(run.operations.values(), (one) => [one.key, inputOf(one)]);
        expect(asked).toEqual(expected.asked);
        expect(endOf(run)).toEqual(expected.end);
      }),
      RUNS,
    );
  });

  test("shows exactly what the model runs as run, and everything else as skipped", () => {
    fc.assert(
      fc.property(samples, (sample) => {
        const plan = planOf(sample);
        const steps = describeSteps(plan, runOnce(sample, plan));
        const { statuses } = interpret(sample, { n: 4 });
        expect(steps.map((step) => step.key)).toEqual(plan.definition.steps.map((step) => step.id));
        for (const step of steps) expect(step.status).toBe(statuses.get(step.key));
      }),
      RUNS,
    );
  });

  test("asks for the same again when any prefix of its journal is replayed", () => {
    fc.assert(
      fc.property(samples, (sample) => {
        const plan = planOf(sample);
        const run = runOnce(sample, plan);
        const all = Array.from(run.operations.values());
        for (let length = 0; length <= run.journal.length; length++) {
          const again = replayed(plan, run.journal.slice(0, length));
          const expected = all.filter((operation) => operation.position <= length);
          expect(Array.from(again.operations.values(), requestOf)).toEqual(expected.map(requestOf));
        }
      }),
      RUNS,
    );
  });

  test("ends the same wherever it was interrupted", () => {
    fc.assert(
      fc.property(samples, fc.nat(), (sample, at) => {
        const plan = planOf(sample);
        const whole = runOnce(sample, plan);
        const journal = whole.journal.slice(0, at % (whole.journal.length + 1));
        const again = createRunState(aHead());
        const program = createListProgram(plan, again.head);
        expect(replay(again, program, journal)).toBeNull();
        play(again, sample, program, false);
        expect(again.ended).toEqual(whole.ended);
        expect(Array.from(again.operations.keys())).toEqual(Array.from(whole.operations.keys()));
      }),
      RUNS,
    );
  });

  function replayed(plan: Plan, journal: readonly Entry[]): RunState {
    const run = createRunState(aHead());
    expect(replay(run, createListProgram(plan, run.head), journal)).toBeNull();
    return run;
  }
});
