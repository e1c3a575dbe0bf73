import type { Outcome } from "@millrace/protocol";
import type { StepBody } from "./workflow-context.ts";

/** What a session has been asked for: who waits for it, and which body it has. */
export class Operations {
  readonly #settlers = new Map<string, (outcome: Outcome) => void>();
  readonly #bodies = new Map<string, StepBody>();
  readonly #unawaited = new Set<string>();
  readonly #counts = new Map<string, number>();

  /** Key of something that the function has not waited for. */
  get forgotten(): string | undefined {
    const [key] = this.#unawaited;
    return key;
  }

  /** `name`, `name#2`, … */
  toKey(name: string): string {
    const count = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, count);
    return count === 1 ? name : `${name}#${count}`;
  }

  open(key: string, body: StepBody | undefined, settle: (outcome: Outcome) => void): void {
    if (body !== undefined) this.#bodies.set(key, body);
    this.#settlers.set(key, settle);
  }

  bodyOf(key: string): StepBody | undefined {
    return this.#bodies.get(key);
  }

  /** @returns what settles it; undefined: nobody may hear of it */
  take(key: string): ((outcome: Outcome) => void) | undefined {
    const settle = this.#settlers.get(key);
    this.#settlers.delete(key);
    this.#bodies.delete(key);
    return settle;
  }

  /** What is open never settles. */
  freeze(): void {
    this.#settlers.clear();
    this.#bodies.clear();
  }

  /** Somebody must wait for it before the function ends. */
  expectAwait(key: string): () => void {
    this.#unawaited.add(key);
    return () => this.#unawaited.delete(key);
  }
}
