// A run of a JSON workflow through the core, whose bodies end when a test says so.
import {
  toTimestamp,
  type Failure,
  type JsonValue,
  type Step,
  type Timestamp,
} from "@millrace/protocol";
import { begin, createPass, drive, replay, resume } from "../core/drive.ts";
import type { Entry, Outcome } from "../core/entry.ts";
import type { Effect, Fact } from "../core/fact.ts";
import type { OperationBody, Program, Request } from "../core/program.ts";
import type { RunHead } from "../core/run-head.ts";
import { createRunState, type RunState } from "../core/state.ts";
import type { GraphProgram } from "../definition/graph-program.ts";
import { graphPrograms, type GraphWorkflow } from "../steps/graph-programs.ts";
import { aHead, json } from "./builders.ts";

export type Fields = Record<string, JsonValue>;

/** A definition with these steps: a graph if any has `next`. */
export const withSteps = (...steps: readonly JsonValue[]): Fields => ({ name: "a", steps });

/** A step whose body a test ends. */
export const call = (id: string, fields: Fields = {}): Fields => ({
  id,
  type: "function",
  function: "f",
  ...fields,
});

export const condition = (id: string, source: string, fields: Fields = {}): Fields => ({
  id,
  type: "condition",
  condition: source,
  ...fields,
});

/** With a field whose name a linter takes for that of a promise, written out. */
const withField = (fields: Fields, name: string, value: JsonValue): Fields => ({
  ...fields,
  [name]: value,
});

export const withThen = (fields: Fields, to: JsonValue): Fields => withField(fields, "then", to);

/** A condition with branches, as lists have them. */
export const fork = (
  id: string,
  { yes, no }: { readonly yes: JsonValue; readonly no?: JsonValue },
  source = "input.x",
): Fields => withThen(condition(id, source, no === undefined ? {} : { else: no }), yes);

export const parallel = (id: string, fields: Fields = {}): Fields => ({
  id,
  type: "parallel",
  ...fields,
});

export const loop = (id: string, config: Fields, fields: Fields = {}): Fields => ({
  id,
  type: "loop",
  config,
  ...fields,
});

/** @throws {Error} with all issues: the definition has a mistake */
export function compileWorkflow(definition: JsonValue): GraphWorkflow {
  const parsed = graphPrograms.parse(definition);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.issues));
  return graphPrograms.compile(parsed.definition);
}

/** What a program was told, and what it asked for then. */
export interface Exchange {
  /** null: the run began. */
  readonly told: { readonly key: string; readonly outcome: Outcome; readonly at: Timestamp } | null;
  readonly requests: readonly Request[];
}

/** Times grow by 1 ms with each fact, from 1,000 on. */
export class GraphRun {
  readonly state: RunState;
  readonly program: GraphProgram;
  readonly exchanges: Exchange[] = [];
  readonly effects: Effect[] = [];
  now: Timestamp = toTimestamp(1_000);

  private constructor(workflow: GraphWorkflow, head: Partial<RunHead>) {
    this.state = createRunState(aHead({ createdAt: toTimestamp(1_000), ...head }));
    this.program = workflow.create(this.state.head);
  }

  /** A new run, as far as it comes by itself. */
  static begin(definition: JsonValue, input: JsonValue = {}): GraphRun {
    return GraphRun.beginOf(compileWorkflow(definition), input);
  }

  static beginOf(workflow: GraphWorkflow, input: JsonValue = {}): GraphRun {
    const run = new GraphRun(workflow, { input: json(input) });
    const pass = createPass();
    begin(run.state, run.#recorder(), run.now, pass);
    run.effects.push(...pass.effects);
    return run;
  }

  /**
   * The run as another owner finds it.
   *
   * @throws {Error} the program differs from the one that wrote the journal
   */
  static replay(workflow: GraphWorkflow, journal: readonly Entry[], input: JsonValue): GraphRun {
    const run = new GraphRun(workflow, { input: json(input) });
    const difference = replay(run.state, run.#recorder(), journal);
    if (difference !== null) throw new Error(difference.message);
    run.now = journal.at(-1)?.endedAt ?? run.now;
    return run;
  }

  /** What was open when the former owner was lost goes on. */
  resume(): void {
    const pass = createPass();
    resume(this.state, this.#recorder(), this.now, pass);
    this.effects.push(...pass.effects);
  }

  tell(fact: Fact): void {
    const pass = createPass();
    this.now = fact.at;
    drive(this.state, this.#recorder(), fact, pass);
    this.effects.push(...pass.effects);
  }

  /** The body of the step ends well. */
  complete(key: string, output: JsonValue = null): void {
    this.tell({ ...this.#attempt(key), type: "attempt.completed", output: json(output) });
  }

  /** The body of the step fails. */
  fail(key: string, message = "boom"): void {
    const failure: Failure = { code: "step.failed", message, source: "code", attempt: 1 };
    this.tell({
      ...this.#attempt(key),
      type: "attempt.failed",
      failure,
      retryAfterMs: null,
      terminal: false,
    });
  }

  #attempt(key: string): { key: string; attempt: number; startedAt: Timestamp; at: Timestamp } {
    const operation = this.state.operations.get(key);
    if (operation?.phase !== "running") throw new Error(`no body of ${key} runs`);
    const at = toTimestamp(this.now + 1);
    return { key, attempt: operation.attempt, startedAt: this.now, at };
  }

  /** Keys of all operations that were asked for, in that order. */
  get asked(): readonly string[] {
    return Array.from(this.state.operations.keys());
  }

  /** Keys of bodies under way, in the order in which they began. */
  get running(): readonly string[] {
    return Array.from(this.state.open).flatMap(({ key, phase }) =>
      phase === "running" ? key : [],
    );
  }

  body(key: string): OperationBody {
    const operation = this.state.operations.get(key);
    if (operation === undefined || operation.body === null)
      throw new Error(`${key} was not asked for`);
    return operation.body;
  }

  /** What the body of the step got. */
  inputOf(key: string): JsonValue {
    const body = this.body(key);
    if (body.kind !== "call") throw new Error(`${key} has no body`);
    return JSON.parse(body.input) as JsonValue;
  }

  get ended(): Outcome | null {
    return this.state.ended;
  }

  /** Of a run that ended well. */
  get output(): JsonValue {
    const { ended } = this.state;
    if (ended?.status !== "completed") throw new Error(`not completed: ${JSON.stringify(ended)}`);
    return JSON.parse(ended.output) as JsonValue;
  }

  /** Of a run that failed, or is about to when its bodies have stopped. */
  get failure(): Failure {
    const outcome = this.state.ended ?? this.state.stopping;
    if (outcome?.status !== "failed") throw new Error(`not failed: ${JSON.stringify(outcome)}`);
    return outcome.failure;
  }

  steps(): readonly Step[] {
    return this.program.describe(this.state);
  }

  /** Status by key. */
  statuses(): Record<string, string> {
    return Object.fromEntries(this.steps().map(({ key, status }) => [key, status]));
  }

  #recorder(): Program {
    const { program, exchanges } = this;
    const record = (told: Exchange["told"], requests: readonly Request[]): readonly Request[] => {
      exchanges.push({ told, requests });
      return requests;
    };
    return {
      begin: () => record(null, program.begin()),
      settled: (key, outcome, at) =>
        record({ key, outcome, at }, program.settled(key, outcome, at)),
    };
  }
}
