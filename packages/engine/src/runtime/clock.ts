/** Time and turns as the runtime sees them; a simulation brings its own. */
export interface Clock {
  /** Milliseconds that never go back; their zero means nothing. */
  monotonicMs(): number;
  /** @returns cancels it; harmless when it has fired */
  setTimer(delayMs: number, fire: () => void): () => void;
  /** In a later turn of the event loop: after all that can go on without waiting has gone on. */
  soon(turn: () => void): void;
}

/** `setTimeout` fires at once above 2^31 - 1 ms; whoever asks for more looks again then. */
const LONGEST_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  setTimer: (delayMs, fire) => {
    const timer = setTimeout(fire, Math.min(Math.max(0, delayMs), LONGEST_TIMER_MS));
    return () => clearTimeout(timer);
  },
  soon: (turn) => {
    setImmediate(turn);
  },
};
