// Time for tests of workflows: it moves only when somebody moves it, and passes over stretches in which nothing is due.
// Turns of the event loop are the real ones, so whatever can go on without waiting goes on between two timers.
//
//   K1. The earliest timer fires first, of those of one instant the one that was set first; whoever moves time lets
//       its consequences happen before the next.
//   K2. Upkeep fires in its time for `CALM_AFTER_MS` after something has happened. Then a stretch in which only upkeep is
//       due is passed over: at its end each of its timers fires once, late, before anything else, those first that were
//       due first: so a heartbeat renews a lease before anybody looks whether it is over.
//   K3. Nothing of a process that has ended fires any more.
import { setImmediate } from "node:timers";
import type { Clock } from "../runtime/clock.ts";

interface Timer {
  readonly at: number;
  readonly fire: () => void;
}

/** What one process sees of it. */
export interface ProcessTime {
  readonly clock: Clock;
  /** K2. */
  readonly upkeepClock: Clock;
  /** K3. */
  end(): void;
}

/** Longer than a lease, with what follows from its end. */
const CALM_AFTER_MS = 12_000;
/** Whoever takes turns of his own, as workers do, takes no more than one between two that are counted. */
const QUIET_TURNS = 3;

export class TestClock {
  #nowMs = 0;
  #happenedAtMs = 0;
  #turns = 0;
  #turnsSoFar = 0;
  readonly #work = new Set<Timer>();
  readonly #upkeep = new Set<Timer>();

  /** Since it was made. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Grows whenever something goes on. */
  get turnsSoFar(): number {
    return this.#turnsSoFar;
  }

  /** In a later turn of the event loop, which is waited for by `settle`. */
  soon(turn: () => void): void {
    this.#happenedAtMs = this.#nowMs;
    this.#takeTurn(turn);
  }

  #takeTurn(turn: () => void): void {
    this.#turns += 1;
    setImmediate(() => {
      this.#turns -= 1;
      this.#turnsSoFar += 1;
      turn();
    });
  }

  /** @returns cancels it */
  setTimer(delayMs: number, fire: () => void): () => void {
    return setIn(this.#work, this.#nowMs + Math.max(0, delayMs), fire);
  }

  createProcess(): ProcessTime {
    let hasEnded = false;
    const cancels = new Set<() => void>();
    const clockOn = (timers: Set<Timer>, soon: (turn: () => void) => void): Clock => ({
      monotonicMs: () => this.#nowMs,
      setTimer: (delayMs, fire) => {
        if (hasEnded) return () => undefined;
        const cancel = setIn(timers, this.#nowMs + Math.max(0, delayMs), () => {
          cancels.delete(cancel);
          fire();
        });
        cancels.add(cancel);
        return () => {
          cancels.delete(cancel);
          cancel();
        };
      },
      soon: (turn) =>
        soon(() => {
          if (!hasEnded) turn();
        }),
    });
    return {
      clock: clockOn(this.#work, (turn) => this.soon(turn)),
      upkeepClock: clockOn(this.#upkeep, (turn) => this.#takeTurn(turn)),
      end: () => {
        hasEnded = true;
        for (const cancel of cancels) cancel();
        cancels.clear();
      },
    };
  }

  /** Resolves when nothing goes on of what needs neither time nor anybody else. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_TURNS; quiet++) {
      await new Promise<void>((resolve) => void setImmediate(resolve));
      if (this.#turns > 0) quiet = -1;
    }
  }

  /**
   * Moves time to the next timer, and fires it.
   *
   * @returns false: none is due by then, or ever; time stands where it stood
   */
  fireNext(untilMs: number): boolean {
    const work = findFirst(this.#work);
    const upkeep = findFirst(this.#upkeep);
    const nextAt = Math.min(work?.at ?? Infinity, untilMs);
    if (upkeep !== undefined && upkeep.at <= nextAt) {
      const isCalm = upkeep.at - this.#happenedAtMs > CALM_AFTER_MS;
      if (isCalm && nextAt === Infinity) return false;
      this.#fire(this.#upkeep, upkeep, isCalm ? nextAt : upkeep.at);
      return true;
    }
    if (work === undefined || work.at > untilMs) return false;
    this.#fire(this.#work, work, work.at);
    this.#happenedAtMs = this.#nowMs;
    return true;
  }

  /** Nothing is due until then. */
  skipTo(untilMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  #fire(timers: Set<Timer>, timer: Timer, at: number): void {
    timers.delete(timer);
    this.#nowMs = Math.max(this.#nowMs, at);
    timer.fire();
  }
}

function setIn(timers: Set<Timer>, at: number, fire: () => void): () => void {
  const timer: Timer = { at, fire };
  timers.add(timer);
  return () => void timers.delete(timer);
}

/** K1. */
function findFirst(timers: ReadonlySet<Timer>): Timer | undefined {
  let first: Timer | undefined;
  for (const timer of timers) if (first === undefined || timer.at < first.at) first = timer;
  return first;
}
