// Time for tests: it moves only when a test says so. Turns of the event loop are the real ones, so whatever can go
// on without waiting goes on between two events of the clock.
import type { Clock } from "../runtime/clock.ts";

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** A promise that more timers than this do not settle waits for something that never comes. */
const MOST_TIMERS = 20_000;

export class VirtualClock implements Clock {
  #nowMs = 0;
  #turns = 0;
  /** In the order in which they were set. */
  readonly #timers = new Set<Timer>();

  /** Timers that are set and have not fired. */
  get timers(): number {
    return this.#timers.size;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  setTimer(delayMs: number, fire: () => void): () => void {
    const timer: Timer = { at: this.#nowMs + Math.max(0, delayMs), fire };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  soon(turn: () => void): void {
    this.#turns += 1;
    setImmediate(() => {
      this.#turns -= 1;
      turn();
    });
  }

  /** Resolves when nothing can go on before time moves. */
  async settle(): Promise<void> {
    do {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    } while (this.#turns > 0);
  }

  /** Moves time, and lets each timer that falls due on the way have its consequences before the next. */
  async advance(ms: number): Promise<void> {
    const until = this.#nowMs + ms;
    await this.settle();
    while (this.#fireNext(until)) await this.settle();
    this.#nowMs = until;
  }

  /** Moves time until the promise settles. @throws if no timer brings that about */
  async run<T>(promise: Promise<T>): Promise<T> {
    const state = { isSettled: false };
    const mark = (): void => {
      state.isSettled = true;
    };
    promise.then(mark, mark);
    await this.settle();
    for (let fired = 0; !state.isSettled; fired++) {
      if (fired > MOST_TIMERS || !this.#fireNext(Infinity)) {
        throw new Error(`waits for what no timer brings (${fired} fired)`);
      }
      await this.settle();
    }
    return promise;
  }

  /** The earliest timer, of those of one instant the first set. @returns false: none is due by then */
  #fireNext(until: number): boolean {
    let next: Timer | undefined;
    for (const timer of this.#timers) if (next === undefined || timer.at < next.at) next = timer;
    if (next === undefined || next.at > until) return false;
    this.#timers.delete(next);
    this.#nowMs = Math.max(this.#nowMs, next.at);
    next.fire();
    return true;
  }
}
