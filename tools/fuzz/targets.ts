// What is fuzzed, and what must hold: whatever comes in, out comes a result or an error that has words for it.
import { MillraceError, toTimestamp, type JsonValue } from "@millrace/protocol";
import { readFileSync, globSync } from "node:fs";
import { join } from "node:path";
import { begin, createPass, drive } from "../../packages/engine/src/core/drive.ts";
import { createRunState, type RunState } from "../../packages/engine/src/core/state.ts";
import type { GraphProgram } from "../../packages/engine/src/definition/graph-program.ts";
import { evaluate, render, TemplateError } from "../../packages/engine/src/definition/render.ts";
import type { Random } from "../../packages/engine/src/simulation/random.ts";
import { graphPrograms } from "../../packages/engine/src/steps/graph-programs.ts";
import { aScope } from "../../packages/engine/src/testkit/a-scope.ts";
import { readTemplate } from "../../packages/engine/src/testkit/a-template.ts";
import { hearExpression } from "../../packages/engine/src/testkit/an-expression.ts";
import { aHead, json } from "../../packages/engine/src/testkit/builders.ts";
import { readFences, readPages } from "../testkit/read-docs.ts";
import { ROOT } from "../workspace.ts";
import { mutateJson, mutateText } from "./mutate.ts";
import { REST_TARGET } from "./rest.ts";

export interface FuzzTarget {
  readonly name: string;
  /** One case. @returns how it ended, for the count; @throws {Error} what must not happen */
  readonly play: (random: Random) => string | Promise<string>;
  /** Ends what the cases share; the next case begins anew. */
  readonly close?: () => Promise<void>;
}

const SCOPE = aScope({
  input: {
    items: [{ quantity: 2, price: 1999, tags: ["a"] }, { quantity: 1 }],
    customer: { email: "ada@example.com", name: "<Ada>" },
    n: 3,
    text: "2026-03-29T01:30:00Z",
  },
  result: { status: "succeeded", total: 4317.84, list: [3, 1, 2] },
  outputs: { "calculate-total": { total: 4317.84 }, a: [1, null, "x"] },
  roots: { item: { n: 1 }, index: 0 },
});

/** Definitions that are right: the examples, the samples and the pages. */
const DEFINITIONS: readonly JsonValue[] = [
  ...globSync(["examples/*/*workflow.json", "conformance/samples/004/*.json"], { cwd: ROOT }).map(
    (file) => readFileSync(join(ROOT, file), "utf8"),
  ),
  ...readPages()
    .flatMap(readFences)
    .filter(({ language }) => language === "json")
    .map(({ text }) => text),
].flatMap((text) => {
  const value = tryParse(text);
  return typeof value === "object" && value !== null && "steps" in value ? [value] : [];
});

function tryParse(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // Samples with dots in place of steps.
    return null;
  }
}

const TEXTS = collectTexts(DEFINITIONS);
const TEMPLATES = atLeastOne(
  TEXTS.filter((text) => text.includes("{{")),
  "{{input}}",
);
const EXPRESSIONS = atLeastOne(
  TEXTS.filter((text) => /[=<>]|\w\.\w/.test(text) && !text.includes("{{")),
  "result.total > 10",
);

export const TARGETS: readonly FuzzTarget[] = [
  { name: "expressions", play: playExpression },
  { name: "templates", play: playTemplate },
  { name: "definitions", play: playDefinition },
  REST_TARGET,
];

function playExpression(random: Random): string {
  const source = mutateText(random, random.pick(EXPRESSIONS), EXPRESSIONS);
  const { expression, problems } = hearExpression(source);
  if (expression === undefined) {
    if (problems.length === 0) throw new Error(`no expression and no problem: ${source}`);
    return "refused";
  }
  return expectTemplateError(() => JSON.stringify(expression.evaluate(SCOPE)));
}

function playTemplate(random: Random): string {
  const source = mutateText(random, random.pick(TEMPLATES), TEMPLATES);
  const { template, problems } = readTemplate(source, random.chance(0.3) ? { escape: "html" } : {});
  if (problems.length > 0) return "refused";
  return expectTemplateError(() => {
    JSON.parse(render(template, SCOPE));
    JSON.stringify(evaluate(template, SCOPE));
  });
}

function expectTemplateError(work: () => unknown): string {
  try {
    work();
    return "evaluated";
  } catch (error) {
    if (error instanceof TemplateError) return "failed as it may";
    throw error;
  }
}

/** Checks a damaged definition; if it is accepted, runs it with random outcomes. */
function playDefinition(random: Random): string {
  const base = DEFINITIONS[random.next() % DEFINITIONS.length] ?? null;
  const definition = mutateJson(random, base, TEXTS, random.pick([0.01, 0.03, 0.1]));
  const parsed = graphPrograms.parse(definition);
  if (!parsed.ok) {
    if (parsed.issues.length === 0) throw new Error("refused without a word");
    JSON.stringify(parsed.issues);
    return "refused";
  }
  const workflow = compileAgain(parsed.definition);
  const input = mutateJson(random, { items: [{ quantity: 1, price: 2 }], n: 1 }, TEXTS, 0.1);
  const checked = workflow.checkInput(json(input));
  if (!checked.ok) return "input refused";
  const run = createRunState(aHead({ input: checked.input }));
  const program = workflow.create(run.head);
  playRun(random, run, program);
  JSON.stringify(program.describe(run));
  return run.ended === null ? "still running" : run.ended.status;
}

function compileAgain(definition: Parameters<typeof graphPrograms.compile>[0]) {
  try {
    return graphPrograms.compile(definition);
  } catch (error) {
    if (MillraceError.is(error)) throw new Error("accepted, but not compiled", { cause: error });
    throw error;
  }
}

const MOST_FACTS = 300;

function playRun(random: Random, run: RunState, program: GraphProgram): void {
  const pass = createPass();
  let at = toTimestamp(1_000);
  begin(run, program, at, pass);
  for (let n = 0; n < MOST_FACTS && run.ended === null; n++) {
    const open = Array.from(run.open).filter(({ phase }) => phase !== "requested");
    const operation = open[random.next() % Math.max(1, open.length)];
    if (operation === undefined) return;
    const { key, attempt, dueAt } = operation;
    at = toTimestamp(Math.max(at + 1, Math.min(dueAt ?? 0, 1e15)));
    const base = { key, attempt, startedAt: at, at };
    if (dueAt !== null) drive(run, program, { type: "timer.fired", key, at }, pass);
    else if (random.chance(0.8)) {
      const output = json(
        mutateJson(random, { status: "succeeded", total: 5, items: [1, 2] }, TEXTS, 0.1),
      );
      drive(run, program, { ...base, type: "attempt.completed", output }, pass);
    } else {
      const failure = { code: "step.failed", message: "boom", source: "code" } as const;
      const failed = { failure, retryAfterMs: null, terminal: random.chance(0.5) };
      drive(run, program, { ...base, type: "attempt.failed", ...failed }, pass);
    }
  }
}

function collectTexts(values: readonly JsonValue[]): readonly [string, ...string[]] {
  const texts = new Set<string>();
  const walk = (value: JsonValue): void => {
    if (typeof value === "string") texts.add(value);
    else if (typeof value === "object" && value !== null) Object.values(value).forEach(walk);
  };
  values.forEach(walk);
  return atLeastOne([...texts], "a");
}

function atLeastOne(texts: readonly string[], otherwise: string): readonly [string, ...string[]] {
  const [first = otherwise, ...rest] = texts;
  return [first, ...rest];
}
