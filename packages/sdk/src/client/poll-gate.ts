/** Half of these may be long, so that a slot is soon free for whoever comes later. */
const MOST_POLLS = 50;
const LONG_POLLS = MOST_POLLS / 2;
const SHORT_MS = 1_000;

/** Bounds how many long polls a client has open, however many results are waited for. */
export class PollGate {
  #open = 0;
  readonly #waiting: (() => void)[] = [];

  /** @param poll is told how long its poll may last */
  async enter<T>(longMs: number, poll: (waitMs: number) => Promise<T>): Promise<T> {
    if (this.#open >= MOST_POLLS) await new Promise<void>((go) => void this.#waiting.push(go));
    else this.#open += 1;
    try {
      return await poll(this.#open > LONG_POLLS ? Math.min(longMs, SHORT_MS) : longMs);
    } finally {
      // The slot is handed on, so that nobody slips in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#open -= 1;
      else next();
    }
  }
}
