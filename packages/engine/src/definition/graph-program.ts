// Runs a plan: dead-path elimination in regions, with the run's journal as its only clock.
//
//   Q1. Equal settlements give equal requests: nothing but they and the run's head is looked at.
//   Q2. A step costs what it reads and the edges that it has, however many stand before it.
//   Q3. Every edge is taken or dead once; a step begins at most once a pass, when its edges are and one is taken.
//   Q4. A run ends when nothing is under way and no edge is open; or at once, when a failure is nobody's to handle.
import type { Failure, Step, Timestamp } from "@millrace/protocol";
import { invariant } from "../core/assert-never.ts";
import type { Outcome } from "../core/entry.ts";
import type { OperationBody, Program, Request } from "../core/program.ts";
import type { RunState } from "../core/state.ts";
import { describeSteps } from "./describe-steps.ts";
import { elementAt } from "./element-at.ts";
import type { Expression } from "./expression/expression.ts";
import { joinTokens } from "./join.ts";
import { LoopRun } from "./loop-run.ts";
import { Pass, type Activity, type StepState, type Token } from "./pass.ts";
import type { Plan, PlanStep } from "./plan.ts";
import { evaluate } from "./render.ts";
import { toRunOutcome } from "./run-output.ts";
import { LazyJson, RunRoots, type ProgramHead, type Scope } from "./scope.ts";
import {
  findProblem,
  toErrorToken,
  toFailedBody,
  toStepFailure,
  toTemplateFailure,
} from "./step-failure.ts";
import { StepScope } from "./step-scope.ts";
import { WorkQueue } from "./work-queue.ts";

/** An edge that was taken or died, and leads to `to`. */
interface Arrival {
  readonly pass: Pass;
  readonly from: number;
  readonly to: number;
  /** null: it is dead. */
  readonly token: Token | null;
}

export class GraphProgram implements Program {
  /** The run's own region. */
  readonly #root: Pass = new Pass(null, "", -1, undefined);
  readonly #plan: Plan;
  readonly #roots: RunRoots;
  /** Operations that were asked for and have not settled, by key. */
  readonly #open = new Map<string, Activity>();
  readonly #arrivals = new WorkQueue<Arrival>();
  /** Loops that may begin another pass, or be over. */
  readonly #loops = new WorkQueue<LoopRun>();
  #requests: Request[] = [];
  #outcome: Outcome | null = null;
  #now: Timestamp;

  /** A program for one residence of one run. */
  constructor(plan: Plan, head: ProgramHead, env: Readonly<Record<string, string>>) {
    this.#plan = plan;
    this.#roots = new RunRoots(head, plan.definition.name, env);
    this.#now = head.createdAt;
  }

  begin(): readonly Request[] {
    const result = this.#roots.get("input");
    invariant(result !== undefined, "a run has an input");
    this.#send(this.#root, -1, [this.#plan.entry], { result, error: undefined });
    return this.#work();
  }

  settled(key: string, outcome: Outcome, at: Timestamp): readonly Request[] {
    // What ends beside a failure of the run is in the journal, but was never told to the program that lived.
    if (this.#outcome !== null) return [];
    this.#now = at;
    const activity = this.#open.get(key);
    invariant(activity !== undefined, `step ${JSON.stringify(key)} settles, but was not asked for`);
    this.#open.delete(key);
    if (outcome.status === "completed") this.#complete(activity, new LazyJson(outcome.output));
    else this.#fail(activity, toStepFailure(activity.step, key, outcome));
    return this.#work();
  }

  /** The steps of a run whose journal this program was told. */
  describe(run: RunState): readonly Step[] {
    return describeSteps(this.#plan, this.#root, run);
  }

  /** Until nothing moves. With queues, because a chain of skipped steps may be as long as the plan. */
  #work(): readonly Request[] {
    while (this.#outcome === null) {
      const arrival = this.#arrivals.take();
      const loop = arrival === undefined ? this.#loops.take() : undefined;
      if (arrival !== undefined) this.#arrive(arrival);
      else if (loop !== undefined) this.#turn(loop);
      else break;
    }
    const requests = this.#requests;
    this.#requests = [];
    // What would begin beside a failure does not begin.
    return this.#outcome === null ? requests : [{ kind: "end", outcome: this.#outcome }];
  }

  #send(pass: Pass, from: number, targets: readonly number[], token: Token | null): void {
    pass.live += targets.length;
    for (const to of targets) this.#arrivals.add({ pass, from, to, token });
  }

  #arrive({ pass, from, to, token }: Arrival): void {
    const step = elementAt(this.#plan.steps, to);
    const state = pass.stateOf(to);
    state.settledEdges += 1;
    // Nothing arrives in a closed pass: what closes it is heard while no edge is on its way.
    if (state.status === "waiting") {
      if (token !== null) state.taken.push({ from, token });
      const isLast = state.settledEdges >= step.incoming;
      if (state.taken.length > 0 && (isLast || step.isAnyJoin)) this.#enter(pass, step, state);
      else if (isLast) this.#skip(pass, step, state);
    }
    this.#release(pass);
  }

  #skip(pass: Pass, { position, next, otherwise, onError }: PlanStep, state: StepState): void {
    state.status = "skipped";
    for (const edges of [next, otherwise, onError]) this.#send(pass, position, edges, null);
  }

  #enter(pass: Pass, step: PlanStep, state: StepState): void {
    const token = joinTokens(state.taken, this.#plan);
    state.taken = [];
    state.status = "running";
    state.startedAt = this.#now;
    pass.live += 1;
    const activity: Activity = { key: pass.prefix + step.id, pass, step, state, token };
    const problem = findProblem(() => this.#begin(activity));
    if (problem !== null) this.#ask(activity, toFailedBody(activity.key, problem));
  }

  /** @throws {TemplateError} what the step needs cannot be evaluated */
  #begin(activity: Activity): void {
    const { pass, step, state, token } = activity;
    const scope = this.#scopeOf(pass, token);
    if (step.guard !== null && !isTruthy(step.guard, scope)) {
      state.status = "skipped";
      this.#leave(activity, step.next, step.otherwise, token);
    } else if (step.loop === null) {
      this.#ask(activity, step.work.request(scope));
    } else {
      this.#loops.add(new LoopRun(activity, step.loop, step.loop.items?.(scope) ?? null));
    }
  }

  #ask(activity: Activity, body: OperationBody): void {
    this.#open.set(activity.key, activity);
    this.#requests.push({ kind: "operation", key: activity.key, body });
  }

  #complete(activity: Activity, output: LazyJson): void {
    const { step, state, token } = activity;
    state.status = "completed";
    state.output = output;
    const result = step.work.passesResult === true ? token.result : output;
    const goesOn: Token = { result, error: token.error };
    const isTrue = step.work.isTrue?.(output.text) ?? true;
    if (isTrue) this.#leave(activity, step.next, step.otherwise, goesOn);
    else this.#leave(activity, step.otherwise, step.next, goesOn);
  }

  #fail(activity: Activity, failure: Failure): void {
    const { key, pass, step, state, token } = activity;
    toFailed(state, failure, this.#now);
    if (pass.isClosed) return this.#release(pass);
    if (step.fallback === null) return this.#raise(activity, failure);
    const { fallback } = step;
    const problem = findProblem(() => {
      const output = evaluate(fallback, this.#scopeOf(pass, token)) ?? null;
      this.#complete(activity, LazyJson.of(output));
    });
    if (problem === null) return;
    const unusable = toTemplateFailure(key, problem);
    toFailed(state, unusable, this.#now);
    this.#raise(activity, unusable);
  }

  /** To the step's own error edges, to a loop around it that can bear it, or to the run. */
  #raise({ pass, step, token }: Activity, failure: Failure): void {
    if (step.onError.length > 0) {
      const handled = toErrorToken(failure, token.result);
      for (const dead of [step.next, step.otherwise]) this.#send(pass, step.position, dead, null);
      this.#send(pass, step.position, step.onError, handled);
    } else if (pass.loop?.isHandled === true) {
      pass.loop.passFailed(pass, failure);
    } else {
      this.#outcome = { status: "failed", failure };
      // Loops around it fail with it, without waiting for what else they have under way.
      for (let { loop } = pass; loop !== null; loop = loop.activity.pass.loop) {
        toFailed(loop.activity.state, failure, this.#now);
      }
    }
    this.#release(pass);
  }

  /** A step is over that did not fail. */
  #leave(
    { pass, step }: Activity,
    taken: readonly number[],
    dead: readonly number[],
    token: Token,
  ): void {
    if (!pass.isClosed) {
      if (taken.length === 0) pass.ends.push({ from: step.position, token });
      this.#send(pass, step.position, taken, token);
      this.#send(pass, step.position, dead, null);
      this.#send(pass, step.position, step.onError, null);
    }
    this.#release(pass);
  }

  /** One thing less is under way in the pass. */
  #release(pass: Pass): void {
    pass.live -= 1;
    if (pass.live > 0) return;
    const token = pass.ends.length === 0 ? null : joinTokens(pass.ends, this.#plan);
    if (pass.loop !== null) {
      pass.loop.ended(pass, token?.result ?? null);
      this.#loops.add(pass.loop);
      return;
    }
    if (this.#outcome !== null) return;
    invariant(token !== null, "a run ends somewhere");
    this.#outcome = toRunOutcome(this.#plan, token.result, this.#scopeOf(pass, token));
  }

  /** Begins passes while the loop may, and ends it when the last is over. */
  #turn(loop: LoopRun): void {
    const { activity } = loop;
    const { step } = activity;
    while (loop.mayBegin) {
      const { pass, token } = loop.propose();
      if (!this.#goesOn(loop, pass, token) || !loop.begin()) break;
      this.#send(pass, step.position, step.body, token);
    }
    if (!loop.finish()) return;
    if (activity.pass.isClosed) this.#release(activity.pass);
    else if (loop.failure !== null) this.#fail(activity, loop.failure);
    else this.#ask(activity, { kind: "value", outcome: loop.toOutcome() });
  }

  /** Whether a `while` loop has another pass. */
  #goesOn(loop: LoopRun, pass: Pass, token: Token): boolean {
    const { condition } = loop.work;
    if (condition === null) return true;
    loop.isExhausted = true;
    const problem = findProblem(() => {
      loop.isExhausted = !isTruthy(condition, this.#scopeOf(pass, token));
    });
    if (problem !== null) loop.problem = toTemplateFailure(loop.activity.key, problem);
    return !loop.isExhausted;
  }

  #scopeOf(pass: Pass, token: Token): StepScope {
    return new StepScope(this.#roots, this.#plan, pass, token, this.#now);
  }
}

function toFailed(state: StepState, failure: Failure, at: Timestamp): void {
  state.status = "failed";
  state.failure = failure;
  state.failedAt = at;
}

/** As in JavaScript. */
const isTruthy = (expression: Expression, scope: Scope): boolean =>
  Boolean(expression.evaluate(scope));
