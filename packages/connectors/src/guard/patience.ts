/** What ends a call early: its caller, the time for all of it, or the time for the part that runs. */
export interface Patience extends Disposable {
  /** Aborts with the error to throw. */
  readonly signal: AbortSignal;
  /** From now on, one part may take so long; a part before it is over. */
  allow(durationMs: number, onLate: () => Error): void;
  /** The part is over, and nobody waits for another. */
  rest(): void;
  /** The call ends now. Its `signal` keeps the first reason. */
  giveUp(reason: unknown): void;
}

export interface PatienceOptions {
  readonly totalMs: number;
  readonly onLate: () => Error;
  readonly caller: AbortSignal | null;
}

export function createPatience({ totalMs, onLate, caller }: PatienceOptions): Patience {
  const control = new AbortController();
  const giveUp = (reason: unknown): void => control.abort(reason);
  const byCaller = (): void => giveUp(caller?.reason);
  const total = setTimeout(() => giveUp(onLate()), totalMs);
  let part: NodeJS.Timeout | undefined;
  const rest = (): void => clearTimeout(part);
  if (caller?.aborted === true) byCaller();
  caller?.addEventListener("abort", byCaller, { once: true });
  return {
    signal: control.signal,
    allow: (durationMs, onLate) => {
      rest();
      part = setTimeout(() => giveUp(onLate()), durationMs);
    },
    rest,
    giveUp,
    [Symbol.dispose]: () => {
      rest();
      clearTimeout(total);
      caller?.removeEventListener("abort", byCaller);
    },
  };
}
