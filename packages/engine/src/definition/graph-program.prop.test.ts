// Random definitions with random outcomes in random order, through the core, against a model of decision 0009.
import { toTimestamp, type JsonValue } from "@millrace/protocol";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Fact } from "../core/fact.ts";
import type { OperationBody, Request } from "../core/program.ts";
import type { Operation } from "../core/state.ts";
import { aHead, json } from "../testkit/builders.ts";
import { compileWorkflow, GraphRun, type Exchange } from "../testkit/graph-run.ts";
import {
  graphSamples,
  listSamples,
  meaningsOf,
  type Deed,
  type Sample,
} from "../testkit/random-definitions.ts";
import { ReferenceGraph } from "../testkit/reference-graph.ts";
import { ReferenceRun } from "../testkit/reference-run.ts";
import { ChoiceNeeded, type Asked } from "../testkit/reference-values.ts";

/** What the body of an operation does, the same in every run of the sample. */
function deedOf({ deeds }: Sample, key: string): Deed {
  let hash = 7;
  for (const letter of key) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  return deeds[hash % deeds.length] ?? { n: 0, does: "ok" };
}

const outputOf = (key: string, n: number): JsonValue => ({
  n,
  by: key,
  items: [9, 4, 6].slice(0, n % 4),
});

/** Lets open operations go on, one at a time, until the run has ended. */
class Player {
  readonly #run: GraphRun;
  readonly #sample: Sample;
  #moves = 0;

  constructor(run: GraphRun, sample: Sample) {
    this.#run = run;
    this.#sample = sample;
  }

  play(most: number = Infinity): void {
    while (this.#run.ended === null && this.#moves < most) this.#move();
  }

  #move(): void {
    const { picks } = this.#sample;
    const pick = picks[this.#moves % picks.length] ?? 0;
    this.#moves += 1;
    const { state, now } = this.#run;
    const isStopping = state.stopping !== null;
    const open = [...state.open].filter(({ phase }) => !isStopping || phase === "running");
    const operation = open[pick % open.length];
    if (operation === undefined) throw new Error("the run stands still");
    const at = toTimestamp(Math.max(now + (pick % 3), operation.dueAt ?? 0));
    // A body that was told to stop may still end, or never.
    const isGivenUp = isStopping && pick % 2 === 0;
    this.#run.tell(isGivenUp ? { type: "bodies.abandoned", at } : this.#factOf(operation, at));
  }

  #factOf({ key, body, phase, attempt, wait }: Operation, at: Fact["at"]): Fact {
    if (phase === "retrying") return { type: "timer.fired", key, at };
    const { n, does } = deedOf(this.#sample, key);
    const output = json(outputOf(key, n));
    if (wait?.kind === "timer") return { type: "timer.fired", key, at };
    if (wait?.kind === "child") {
      const { childId } = wait;
      const outcome = { status: "completed", output } as const;
      const message = { id: key, body: { kind: "child.finished", key, childId, outcome } } as const;
      return { type: "message.received", message, at };
    }
    if (body?.kind === "child") return { type: "child.prepared", key, child: aHead(), at };
    const times = { key, attempt, startedAt: at, at };
    if (does === "ok" || (does === "retry" && attempt === 2)) {
      return { type: "attempt.completed", ...times, output };
    }
    const failure = {
      code: "step.failed",
      message: `${key} failed`,
      source: "code",
      attempt,
    } as const;
    return { type: "attempt.failed", ...times, failure, retryAfterMs: null, terminal: false };
  }
}

function played(sample: Sample): GraphRun {
  const run = GraphRun.begin(sample.definition, sample.input);
  new Player(run, sample).play();
  return run;
}

function askedOf(body: OperationBody): Asked {
  switch (body.kind) {
    case "call":
    case "child":
      return { input: JSON.parse(body.input) as JsonValue };
    case "timer":
      return "waits";
    case "event":
    case "notify":
      throw new Error(`a graph asks for no ${body.kind}`);
    case "value":
      return body.outcome.status === "failed"
        ? "fails"
        : { output: JSON.parse(body.outcome.output) as JsonValue };
  }
}

/** What follows from one settlement. The order of requests is left to the planner, that of fields is not. */
interface Answer {
  readonly asked: readonly (readonly [string, Asked])[];
  readonly end: JsonValue;
}

const byKey = (a: readonly [string, Asked], b: readonly [string, Asked]): number =>
  a[0] < b[0] ? -1 : 1;

function observed(requests: readonly Request[]): Answer {
  const operations = requests.filter((request) => request.kind === "operation");
  const asked = operations.map(({ key, body }) => [key, askedOf(body)] as const).toSorted(byKey);
  const end = requests.find((request) => request.kind === "end")?.outcome;
  if (end === undefined) return { asked, end: null };
  if (end.status === "completed")
    return { asked, end: { output: JSON.parse(end.output) as JsonValue } };
  const failure = end.status === "failed" ? end.failure : undefined;
  return { asked, end: { code: failure?.code ?? "", step: failure?.step ?? "" } };
}

function predicted({ asked, ended }: ReferenceRun, wasEnded: boolean): Answer {
  const list = [...asked].toSorted(byKey);
  if (ended === null || wasEnded) return { asked: list, end: null };
  if (ended.status === "completed") return { asked: list, end: { output: ended.output } };
  const { code, step = "" } = ended.failure;
  return { asked: list, end: { code, step } };
}

/** Tells the model what the program was told, and compares the answers. @returns the model */
function follow(
  sample: Sample,
  exchanges: readonly Exchange[],
  choices: Map<string, string>,
): ReferenceRun {
  const graph = new ReferenceGraph(sample.definition);
  const meanings = meaningsOf(graph.steps.keys());
  const model = new ReferenceRun({ ...sample, graph, meanings, at: 1_000 }, choices);
  for (const { told, requests } of exchanges) {
    const wasEnded = told !== null && model.ended !== null;
    if (told !== null) model.tell(told.key, told.outcome, told.at);
    const expected = predicted(model, wasEnded);
    const found = observed(requests);
    if (JSON.stringify(found) !== JSON.stringify(expected)) {
      expect({ after: told?.key ?? null, ...found }).toEqual({
        after: told?.key ?? null,
        ...expected,
      });
      // Equal but for the order of fields.
      expect(JSON.stringify(found)).toBe(JSON.stringify(expected));
    }
  }
  return model;
}

/** Tries every choice that the decision leaves. @throws {Error} none of them explains what the program did */
function explain(sample: Sample, exchanges: readonly Exchange[]): ReferenceRun {
  const open = [new Map<string, string>()];
  let difference: unknown = new Error("nothing to compare with");
  for (let choices = open.pop(); choices !== undefined; choices = open.pop()) {
    try {
      return follow(sample, exchanges, choices);
    } catch (error) {
      if (!(error instanceof ChoiceNeeded)) difference = error;
      else for (const option of error.options) open.push(new Map(choices).set(error.key, option));
    }
  }
  throw difference;
}

const requestOf = ({ key, body, position }: Operation): unknown => ({ key, body, position });

describe.each([
  ["graph", graphSamples],
  ["list", listSamples],
])("a program of a %s", (_, samples) => {
  test("asks for what the model does, after each settlement, and ends when and as it does", () => {
    fc.assert(
      fc.property(samples, (sample) => {
        const run = played(sample);
        expect(explain(sample, run.exchanges).ended).not.toBeNull();
        expect(run.state.open.size === 0 || run.ended?.status === "failed").toBe(true);
      }),
      { numRuns: 400 },
    );
  });

  test("shows the steps as the model has them, in the middle and at the end", () => {
    fc.assert(
      fc.property(samples, fc.nat(12), (sample, most) => {
        const run = GraphRun.begin(sample.definition, sample.input);
        const player = new Player(run, sample);
        for (const limit of [most, Infinity]) {
          player.play(limit);
          const model = explain(sample, run.exchanges);
          for (const { key, outcome, phase } of run.state.operations.values()) {
            // What ends while the run waits for its bodies is never told to the program.
            if (outcome !== null) model.note(key, outcome.status);
            // Nor is it told what did not begin, since something beside it had failed.
            else if (phase === "requested")
              model.note(key, run.ended === null ? "pending" : "cancelled");
          }
          expect(run.statuses()).toEqual(Object.fromEntries(model.statuses(run.ended !== null)));
        }
      }),
      { numRuns: 150 },
    );
  });

  test("asks for the same again when any prefix of its journal is replayed", () => {
    fc.assert(
      fc.property(samples, (sample) => {
        const run = played(sample);
        const workflow = compileWorkflow(sample.definition);
        const all = [...run.state.operations.values()];
        for (let length = 0; length <= run.state.journal.length; length++) {
          const again = GraphRun.replay(workflow, run.state.journal.slice(0, length), sample.input);
          const expected = all.filter((operation) => operation.position <= length);
          expect([...again.state.operations.values()].map(requestOf)).toEqual(
            expected.map(requestOf),
          );
        }
      }),
      { numRuns: 60 },
    );
  });

  test("ends the same wherever it was interrupted", () => {
    fc.assert(
      fc.property(samples, fc.nat(), (sample, at) => {
        const whole = played(sample);
        const { journal } = whole.state;
        const workflow = compileWorkflow(sample.definition);
        const again = GraphRun.replay(workflow, journal, sample.input);
        // Whatever came in while the bodies of a failed run had their grace.
        expect(again.state.wanted).toEqual(whole.state.wanted);
        const part = GraphRun.replay(
          workflow,
          journal.slice(0, at % (journal.length + 1)),
          sample.input,
        );
        part.resume();
        new Player(part, sample).play();
        explain(sample, part.exchanges);
      }),
      { numRuns: 120 },
    );
  });
});
