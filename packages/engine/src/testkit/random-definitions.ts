// Random definitions in both shapes, with what their texts mean and what their bodies do.
import type { JsonValue } from "@millrace/protocol";
import * as fc from "fast-check";
import { withThen, type Fields } from "./graph-run.ts";
import type { Raw } from "./reference-graph.ts";
import type { Meanings, View } from "./reference-values.ts";

export interface Sample {
  readonly definition: Raw;
  readonly input: JsonValue;
  /** What bodies do, by a hash of their keys. */
  readonly deeds: readonly Deed[];
  /** Which of the open operations is next, and how much later. */
  readonly picks: readonly number[];
}

export interface Deed {
  readonly n: number;
  readonly does: "ok" | "retry" | "fail";
}

type Via = "next" | "else" | "error";

/** A step, of which each shape takes what it needs. Numbers are taken modulo whatever there is to choose from. */
interface Seed {
  readonly kind: "call" | "transform" | "fork" | "parallel" | "loop" | "wait" | "child";
  /** Of a graph: steps shortly before it that lead to it. */
  readonly links: readonly { readonly from: number; readonly via: Via }[];
  /** Of a graph: nothing leads to it. */
  readonly isLost: boolean;
  readonly place: number;
  /** What it reads, and how. */
  readonly reads: number;
  readonly form: number;
  readonly guard: number;
  readonly fallback: number;
  readonly retries: number;
  readonly isAny: boolean;
  readonly loop: LoopSeed;
  /** What a loop repeats; in a list also `then`, or the first branch. */
  readonly body: readonly Seed[];
  /** In a list: `else`, or the second branch. */
  readonly other: readonly Seed[];
  readonly handlers: readonly Seed[];
}

interface LoopSeed {
  readonly items: "literal" | "result" | "input" | "step" | "while";
  readonly limit: number;
  readonly concurrency: number;
  readonly continues: boolean;
  readonly collects: boolean;
  readonly fails: boolean;
  readonly isNamed: boolean;
}

const NO_SEEDS = fc.constant<readonly Seed[]>([]);

/** @param depth of bodies and branches in it */
function seedOf(depth: number): fc.Arbitrary<Seed> {
  const seeds = depth === 0 ? NO_SEEDS : fc.array(seedOf(depth - 1), { maxLength: 3 });
  return fc.record<Seed>({
    kind: fc.oneof(
      { weight: 6, arbitrary: fc.constant<Seed["kind"]>("call") },
      {
        weight: 8,
        arbitrary: fc.constantFrom<Seed["kind"]>(
          "transform",
          "fork",
          "parallel",
          "parallel",
          "loop",
          "loop",
        ),
      },
      { weight: 1, arbitrary: fc.constantFrom<Seed["kind"]>("wait", "child") },
    ),
    links: fc.array(
      fc.record({
        from: fc.nat(3),
        via: fc.constantFrom<Via>("next", "next", "else", "error"),
      }),
      { minLength: 1, maxLength: 3 },
    ),
    isLost: fc.nat(9).map((n) => n === 9),
    place: fc.nat(1_000),
    reads: fc.nat(50),
    form: fc.nat(5),
    guard: fc.nat(19),
    fallback: fc.nat(19),
    retries: fc.nat(1),
    isAny: fc.boolean(),
    loop: fc.record<LoopSeed>({
      items: fc.constantFrom("literal", "literal", "input", "result", "step", "while"),
      limit: fc.integer({ min: 1, max: 4 }),
      concurrency: fc.integer({ min: 1, max: 3 }),
      continues: fc.boolean(),
      collects: fc.boolean(),
      fails: fc.nat(4).map((n) => n === 4),
      isNamed: fc.boolean(),
    }),
    body: seeds,
    other: seeds,
    handlers: fc.nat(2).chain((n) => (n === 0 ? seeds : NO_SEEDS)),
  });
}

const deeds = fc.array(
  fc.record<Deed>({
    n: fc.nat(9),
    does: fc.oneof(
      { weight: 6, arbitrary: fc.constant<Deed["does"]>("ok") },
      { weight: 2, arbitrary: fc.constantFrom<Deed["does"]>("retry", "fail") },
    ),
  }),
  { minLength: 4, maxLength: 12 },
);

const sampleOf = (toDefinition: (seeds: readonly Seed[], all: string[]) => Raw[]) =>
  fc
    .record({
      seeds: fc.array(seedOf(2), { minLength: 1, maxLength: 8, size: "medium" }),
      deeds,
      picks: fc.array(fc.nat(1_000), { minLength: 5, maxLength: 20 }),
      hasOutput: fc.nat(3).map((n) => n === 3),
    })
    .map(({ seeds, hasOutput, ...rest }): Sample => {
      const ids: string[] = [];
      const steps = toDefinition(seeds, ids);
      const output = { last: "{{result}}", why: "{{error.stepId}}", first: "{{steps.s0.output}}" };
      const definition = { name: "a", steps, ...(hasOutput ? { output } : {}) };
      return { definition, input: { n: 4, list: [7, 2] }, ...rest };
    });

export const graphSamples: fc.Arbitrary<Sample> = sampleOf(toGraph);
export const listSamples: fc.Arbitrary<Sample> = sampleOf(toList);

interface Draft {
  readonly id: string;
  readonly seed: Seed;
  readonly next: string[];
  readonly otherwise: string[];
  readonly onError: string[];
  readonly body: string[];
}

function toGraph(seeds: readonly Seed[], ids: string[]): Raw[] {
  const drafts: Draft[] = [];
  const region = (list: readonly Seed[], isTop: boolean): Draft[] => {
    const own: Draft[] = [];
    for (const [i, seed] of list.entries()) {
      const id = `s${ids.length}`;
      ids.push(id);
      const draft: Draft = { id, seed, next: [], otherwise: [], onError: [], body: [] };
      drafts.push(draft);
      const isLost = isTop && i > 1 && seed.isLost;
      for (const [j, { from, via }] of seed.links.entries()) {
        const source = own[i - 1 - (from % i)];
        if (source === undefined || isLost) continue;
        // A `next` makes the definition a graph; and what follows errors only would run too rarely.
        const isMain = j === 0 && (i === 1 || via === "error");
        link(source, id, isMain ? "next" : via);
      }
      own.push(draft);
      // A loop needs a body.
      const body = seed.kind !== "loop" || seed.body.length > 0 ? seed.body : [PLAIN];
      if (seed.kind === "loop") {
        const inside = region(body, false);
        const first = inside.filter((one, k) => k === 0 || one.seed.isLost);
        draft.body.push(...first.map((one) => one.id));
      }
    }
    return own;
  };
  region(seeds, true);
  const [first, ...others] = drafts;
  const sorted = others.toSorted((a, b) => a.seed.place - b.seed.place);
  return [...(first === undefined ? [] : [first]), ...sorted].map((draft) =>
    toGraphStep(draft, ids),
  );
}

function link(source: Draft, to: string, via: Via): void {
  const isFork = source.seed.kind === "fork";
  const list = {
    next: source.next,
    else: isFork ? source.otherwise : source.next,
    error: source.onError,
  }[via];
  if (!list.includes(to)) list.push(to);
}

function toGraphStep(
  { id, seed, next, otherwise, onError, body }: Draft,
  ids: readonly string[],
): Raw {
  const { fields, config } = toStep(id, seed, ids);
  // In any of the places where they may stand.
  const isOdd = seed.place % 2 === 1;
  const text = (list: readonly string[]): JsonValue =>
    list.length === 1 && isOdd ? (list[0] ?? null) : list;
  const flow: Record<string, JsonValue> = {};
  const inConfig: Record<string, JsonValue> = {};
  const put = (name: string, list: readonly string[], isInConfig: boolean): void => {
    if (list.length > 0) (isInConfig ? inConfig : flow)[name] = text(list);
  };
  put("onError", onError, isOdd);
  if (seed.kind === "loop") {
    put("next", body, false);
    put("done", next, isOdd);
  } else if (seed.kind === "fork") {
    put("next", next.slice(0, 1), false);
    put("then", next.slice(1), isOdd);
    put("else", otherwise, isOdd);
  } else if (seed.kind === "parallel") {
    put("next", next.slice(0, 1), false);
    if (next.length > 1) inConfig["branches"] = next.slice(1);
  } else put("next", next, false);
  return { id, ...fields, ...flow, config: { ...config, ...inConfig } };
}

/** Claimed steps may stand anywhere in the list; the others keep their order. */
function toList(seeds: readonly Seed[], ids: string[]): Raw[] {
  const drafts: (Draft & { readonly isClaimed: boolean })[] = [];
  const line = (list: readonly Seed[], isClaimed: boolean): string[] =>
    list.map((seed) => {
      const id = `s${ids.length}`;
      ids.push(id);
      const { kind } = seed;
      const draft: Draft = { id, seed, next: [], otherwise: [], onError: [], body: [] };
      drafts.push({ ...draft, isClaimed });
      const body = kind === "loop" && seed.body.length === 0 ? [PLAIN] : seed.body;
      if (["fork", "parallel", "loop"].includes(kind)) draft.body.push(...line(body, true));
      if (["fork", "parallel"].includes(kind)) draft.otherwise.push(...line(seed.other, true));
      if (seed.form > 2) draft.onError.push(...line(seed.handlers, true));
      return id;
    });
  line(seeds, false);
  const order = drafts.filter((draft) => !draft.isClaimed);
  for (const draft of drafts) {
    if (draft.isClaimed) order.splice(draft.seed.place % (order.length + 1), 0, draft);
  }
  return order.map(({ id, seed, otherwise, onError, body }) => {
    const { fields, config } = toStep(id, seed, ids);
    const flow: Fields =
      seed.kind === "fork" ? withThen({ onError, else: otherwise }, body) : { onError };
    if (seed.kind === "loop") flow["steps"] = body;
    if (seed.kind === "parallel") flow["branches"] = [body, otherwise];
    return { id, ...fields, config: { ...config, ...flow } };
  });
}

function toStep(id: string, seed: Seed, ids: readonly string[]): { fields: Raw; config: Raw } {
  const other = ids[seed.reads % ids.length] ?? id;
  const isGuarded = seed.kind !== "fork" && seed.kind !== "loop" && seed.guard > 14;
  const guards = ["result.n > 4", "index < 1", "item > 3", `steps["${other}"].output.n > 5`];
  const fallbacks = [{}, { fallback: { n: 1 } }, { fallback: "{{result.n}}" }];
  const fields = {
    ...(isGuarded ? { condition: guards[seed.guard % guards.length] ?? "" } : {}),
    ...(seed.fallback > 14
      ? { errorHandling: { strategy: "continue", ...fallbacks[seed.fallback % fallbacks.length] } }
      : {}),
  };
  return {
    fields: { ...fields, ...ofKind(seed, other).fields },
    config: ofKind(seed, other).config,
  };
}

function ofKind(seed: Seed, other: string): { fields: Raw; config: Raw } {
  switch (seed.kind) {
    case "call":
      return {
        fields: { type: "function", function: "f", retries: seed.retries },
        config: inputOf(seed.form, other),
      };
    case "transform":
      return {
        fields: { type: "transform" },
        config: { mapping: { n: "{{result.n}}", items: [1, 2], of: `{{steps.${other}.output}}` } },
      };
    case "fork":
      return {
        fields: { type: "condition", condition: `result.n > ${seed.guard % 10}` },
        config: {},
      };
    case "parallel":
      return { fields: { type: "parallel" }, config: seed.isAny ? { waitFor: "any" } : {} };
    case "loop":
      return { fields: { type: "loop" }, config: toLoop(seed, other) };
    case "wait":
      return { fields: { type: "wait" }, config: { duration: seed.form } };
    case "child":
      return {
        fields: { type: "subworkflow" },
        config: { workflow: "w", ...inputOf(seed.form, other) },
      };
  }
}

function inputOf(form: number, other: string): Raw {
  const inputs: JsonValue[] = [
    `{{steps.${other}.output}}`,
    ["{{index}}", "{{item}}", "{{result.n}}", "{{i}}", "{{it}}"],
    { error: "{{error.stepId}}", at: "{{now}}", n: `{{steps.${other}.output.n}}` },
  ];
  const input = inputs[form];
  return input === undefined ? {} : { input };
}

function toLoop({ loop, guard, body, form }: Seed, other: string): Raw {
  const { items, limit, concurrency, continues, collects, fails, isNamed } = loop;
  const sources: Record<LoopSeed["items"], Raw> = {
    literal: { items: [3, 5, 8, 1].slice(0, guard % 5) },
    result: { items: form % 2 === 0 ? "result.items" : "{{result.items}}" },
    input: { items: "input.list" },
    step: { items: `{{steps.${other}.output.items}}` },
    while: { condition: body.length % 2 === 0 ? "index < 2" : "result.n > 3" },
  };
  return {
    ...sources[items],
    maxIterations: limit,
    ...(items === "while" ? {} : { concurrency }),
    ...(continues ? { continueOnError: true } : {}),
    ...(collects ? {} : { collect: false }),
    ...(fails ? { onLimit: "fail" } : {}),
    ...(isNamed ? { itemVariable: "it", indexVariable: "i" } : {}),
  };
}

const fieldOf = (value: JsonValue | undefined, name: string): JsonValue | undefined => {
  const isRaw = typeof value === "object" && value !== null && !Array.isArray(value);
  return isRaw ? (value as Raw)[name] : undefined;
};

const isAbove = (value: JsonValue | undefined, least: number): boolean =>
  typeof value === "number" && value > least;

/** What the texts of a random definition mean. */
export function meaningsOf(ids: Iterable<string>): Meanings {
  const variable = (name: string) => (view: View) =>
    view.variables.find((one) => one.name === name)?.value;
  const meanings = new Map<string, (view: View) => JsonValue | undefined>([
    ["{{result}}", (view) => view.result],
    ["{{result.n}}", (view) => fieldOf(view.result, "n")],
    ["{{result.items}}", (view) => fieldOf(view.result, "items")],
    ["result.items", (view) => fieldOf(view.result, "items")],
    ["input.list", (view) => fieldOf(view.input, "list")],
    ["{{error.stepId}}", (view) => fieldOf(view.error, "stepId")],
    ["{{now}}", (view) => new Date(view.now).toISOString()],
    ["index < 1", (view) => variable("index")(view) === 0],
    ["index < 2", (view) => Number(variable("index")(view) ?? 2) < 2],
    ["item > 3", (view) => isAbove(variable("item")(view), 3)],
  ]);
  for (const name of ["index", "item", "i", "it"]) meanings.set(`{{${name}}}`, variable(name));
  for (let n = 0; n < 10; n++) {
    meanings.set(`result.n > ${n}`, (view) => isAbove(fieldOf(view.result, "n"), n));
  }
  for (const id of ids) {
    const field = (name: string) => (view: View) => fieldOf(view.output(id), name);
    meanings.set(`{{steps.${id}.output}}`, (view) => view.output(id));
    meanings.set(`{{steps.${id}.output.n}}`, field("n"));
    meanings.set(`{{steps.${id}.output.items}}`, field("items"));
    meanings.set(`steps["${id}"].output.n > 5`, (view) => isAbove(field("n")(view), 5));
  }
  return meanings;
}

const PLAIN: Seed = {
  kind: "call",
  links: [{ from: 0, via: "next" }],
  isLost: false,
  place: 0,
  reads: 0,
  form: 5,
  guard: 0,
  fallback: 0,
  retries: 0,
  isAny: false,
  loop: {
    items: "literal",
    limit: 1,
    concurrency: 1,
    continues: false,
    collects: true,
    fails: false,
    isNamed: false,
  },
  body: [],
  other: [],
  handlers: [],
};
