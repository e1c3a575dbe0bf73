import type { Timestamp } from "@millrace/protocol";
import type { Pass, StepState, Token } from "./pass.ts";
import type { Plan } from "./plan.ts";
import { LazyJson, type RunRoots, type Scope, type StepView } from "./scope.ts";

/** What one step of one pass sees. */
export class StepScope implements Scope {
  readonly now: Timestamp;
  readonly #roots: RunRoots;
  readonly #plan: Plan;
  readonly #pass: Pass;
  readonly #token: Token;

  constructor(roots: RunRoots, plan: Plan, pass: Pass, token: Token, now: Timestamp) {
    this.#roots = roots;
    this.#plan = plan;
    this.#pass = pass;
    this.#token = token;
    this.now = now;
  }

  root(name: string): LazyJson | undefined {
    if (name === "result") return this.#token.result;
    if (name === "error") return this.#token.error;
    for (
      let pass: Pass | null = this.#pass;
      pass !== null && pass.loop !== null;
      pass = pass.outer
    ) {
      const { itemName, indexName } = pass.loop.work;
      if (name === itemName && pass.item !== undefined) return pass.item;
      if (name === indexName) return LazyJson.of(pass.index);
    }
    return this.#roots.get(name);
  }

  step(id: string): StepView | undefined {
    const position = this.#plan.positions.get(id);
    const step = position === undefined ? undefined : this.#plan.steps[position];
    if (step === undefined) return undefined;
    for (let pass: Pass | null = this.#pass; pass !== null; pass = pass.outer) {
      if (pass.region === step.region) return toView(pass.seen(step.position));
    }
    return undefined;
  }
}

function toView(state: StepState | undefined): StepView | undefined {
  return state === undefined || state.status === "waiting"
    ? undefined
    : { status: state.status, output: state.output };
}
