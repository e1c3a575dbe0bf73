// Bodies of steps and functions that run here now.
import { engineFailure, fromThrown, toJsonText, type BodyResult } from "@millrace/protocol";
import type { BodyScope } from "./host-ports.ts";
import { LazyAbort } from "./lazy-abort.ts";

export interface BodyTask {
  /** Tells it from all others that live. */
  readonly place: string;
  readonly step: string;
  readonly attempt: number;
}

/** @param abort of its own, so that each attempt has a fresh signal */
export type BodyCall = (abort: LazyAbort) => unknown;

export class LivingBodies {
  readonly #scope: BodyScope | null;
  readonly #living = new Map<string, LazyAbort>();
  #ended: (() => void)[] = [];
  #inside: string | null = null;

  constructor(scope: BodyScope | null) {
    this.#scope = scope;
  }

  get count(): number {
    return this.#living.size;
  }

  /** Key of the step in whose body the caller stands; null: in none that can be told. */
  get current(): string | null {
    if (this.#inside !== null) return this.#inside;
    const store = this.#scope?.getStore();
    // A run that a body of another has started stands in no body of its own.
    return store instanceof Inside && store.bodies === this ? store.step : null;
  }

  /** Whatever it throws or returns becomes a result, once. */
  async run(task: BodyTask, call: BodyCall): Promise<BodyResult> {
    const { place, step, attempt } = task;
    const abort = new LazyAbort();
    this.#living.set(place, abort);
    try {
      return toResult(await this.#enter(step, () => call(abort)), task);
    } catch (thrown) {
      return { ok: false, ...fromThrown(thrown, step, attempt) };
    } finally {
      if (this.#living.get(place) === abort) this.#living.delete(place);
      if (this.#living.size === 0) for (const wake of this.#ended.splice(0)) wake();
    }
  }

  abort(place: string, reason: string): void {
    this.#living.get(place)?.abort(reason);
  }

  abortAll(reason: string): void {
    for (const abort of this.#living.values()) abort.abort(reason);
  }

  /** When none lives. */
  ended(): Promise<void> {
    if (this.#living.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#ended.push(resolve));
  }

  #enter(step: string, call: () => unknown): unknown {
    const outer = this.#inside;
    this.#inside = step;
    try {
      return this.#scope === null ? call() : this.#scope.run(new Inside(this, step), call);
    } finally {
      this.#inside = outer;
    }
  }
}

/** What the scope holds. */
class Inside {
  readonly bodies: LivingBodies;
  readonly step: string;

  constructor(bodies: LivingBodies, step: string) {
    this.bodies = bodies;
    this.step = step;
  }
}

function toResult(value: unknown, { step, attempt }: BodyTask): BodyResult {
  const json = toJsonText(value);
  if (json.ok) return { ok: true, output: json.text };
  const message = `Step ${step} returned what cannot be stored: ${json.problem}`;
  const failure = engineFailure("output.invalid", message, "definition", { step, attempt });
  return { ok: false, failure, retryAfterMs: null, terminal: true };
}
