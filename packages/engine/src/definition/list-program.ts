// Runs a plan step by step: one operation at a time, keyed by the id of its step.
//
//   Q1. Equal settlements give equal requests: nothing but they and the run's head is looked at.
//   Q2. A step costs what it reads, however many stand before it. Skipping costs once for each step skipped.
import type { JsonText } from "@millrace/protocol";
import { invariant } from "../core/assert-never.ts";
import type { Outcome } from "../core/entry.ts";
import type { OperationBody, Program, Request } from "../core/program.ts";
import type { Fork, Plan, PlanStep, Range } from "./plan.ts";
import { render, TemplateError } from "./render.ts";
import { LazyJson, RunScope, type ProgramHead } from "./scope.ts";
import { toFailedBody, toStepFailure, toTemplateFailure } from "./step-failure.ts";

/** A program for one residence of one run. */
export function createListProgram(plan: Plan, head: ProgramHead): Program {
  return new ListProgram(plan, head);
}

class ListProgram implements Program {
  readonly #plan: Plan;
  readonly #scope: RunScope;
  /** Position of the step that was asked for last. */
  #cursor = 0;

  constructor(plan: Plan, head: ProgramHead) {
    this.#plan = plan;
    this.#scope = new RunScope(head);
  }

  begin(): readonly Request[] {
    return [this.#ask()];
  }

  settled(key: string, outcome: Outcome): readonly Request[] {
    const step = this.#plan.steps[this.#cursor];
    invariant(step?.id === key, `step ${JSON.stringify(key)} settles, but it is not its turn`);
    if (outcome.status !== "completed") {
      const failure = toStepFailure(step, outcome);
      return [{ kind: "end", outcome: { status: "failed", failure } }];
    }
    this.#cursor = this.#complete(step, outcome.output);
    return [this.#ask()];
  }

  /** @returns the position of what comes next */
  #complete(step: PlanStep, text: JsonText): number {
    const output = new LazyJson(text);
    this.#scope.complete(step.id, output);
    if (step.work.passesResult !== true) this.#scope.result = output;
    if (step.fork === null) return step.next;
    const { chosen, skipped } = choose(step.fork, text);
    for (let at = skipped.from; at < skipped.to; at++) {
      const one = this.#plan.steps[at];
      if (one !== undefined) this.#scope.skip(one.id);
    }
    return chosen.from < chosen.to ? chosen.from : step.next;
  }

  #ask(): Request {
    const step = this.#plan.steps[this.#cursor];
    if (step === undefined) return { kind: "end", outcome: this.#end() };
    return { kind: "operation", key: step.id, body: this.#request(step) };
  }

  #request(step: PlanStep): OperationBody {
    try {
      return step.work.request(this.#scope);
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      return toFailedBody(step.id, error.message);
    }
  }

  #end(): Outcome {
    const { output } = this.#plan;
    if (output === null) return { status: "completed", output: this.#scope.result.text };
    try {
      return { status: "completed", output: render(output, this.#scope) };
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      return { status: "failed", failure: toTemplateFailure(null, error.message) };
    }
  }
}

/** What a fork does, given the output of its step. */
export function choose(
  fork: Fork,
  output: JsonText,
): { readonly chosen: Range; readonly skipped: Range } {
  const { whenTrue, whenFalse } = fork;
  return fork.isTrue(output)
    ? { chosen: whenTrue, skipped: whenFalse }
    : { chosen: whenFalse, skipped: whenTrue };
}
