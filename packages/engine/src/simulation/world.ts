// One virtual clock and one list of what happens next. Nothing in a simulation waits for real time.
import type { Random } from "./random.ts";

/** A process of the simulated cluster: while it is frozen its events wait, once it is dead they never come. */
export interface Host {
  readonly name: string;
  alive: boolean;
  /** Virtual time until which nothing of it moves (a zombie: it will wake up and believe that it still owns). */
  frozenUntil: number;
  /** How much faster its clock runs than the store's. */
  rate: number;
  /** What its clock does not count, in ms: it stood still. */
  stoodStillMs: number;
  /** How far its wall clock is from the true time, in ms. No part of the engine reads it. */
  wallOffMs: number;
}

export const createHost = (name: string): Host => ({
  name,
  alive: true,
  frozenUntil: 0,
  rate: 1,
  stoodStillMs: 0,
  wallOffMs: 0,
});

interface Event {
  at: number;
  /** Breaks ties at random, so that any order of what may happen together is tried. */
  readonly tie: number;
  readonly host: Host | null;
  readonly run: () => void;
  cancelled: boolean;
}

const BEGINNING = 1_700_000_000_000;

export class World {
  now: number = BEGINNING;
  /** Events run so far. */
  turns = 0;
  readonly random: Random;
  readonly #ties: Random;
  #events: Event[] = [];
  /** Told of every exchange with the store; for a person who follows one run through a story. */
  listener: ((line: string) => void) | null = null;
  /** A running hash of the order of events: two runs of a seed must agree on it. */
  trace = 0;
  /** How far the store's clock is from the true time, in ms. */
  storeOffMs = 0;

  constructor(random: Random) {
    this.random = random;
    this.#ties = random.fork();
  }

  /** What the store says that time is. */
  get storeNow(): number {
    return Math.floor(this.now + this.storeOffMs);
  }

  /** Since the story began. */
  get elapsedMs(): number {
    return this.now - BEGINNING;
  }

  say(line: string): void {
    this.listener?.(`${this.now.toFixed(3)} ${line}`);
  }

  /** @returns cancels it */
  after(delayMs: number, host: Host | null, run: () => void): () => void {
    const event: Event = {
      at: this.now + Math.max(0, delayMs),
      tie: this.#ties.next(),
      host,
      run,
      cancelled: false,
    };
    push(this.#events, event);
    return () => {
      event.cancelled = true;
    };
  }

  sleep(delayMs: number, host: Host | null): Promise<void> {
    return new Promise((resolve) => {
      this.after(delayMs, host, resolve);
    });
  }

  /** Something worth comparing between two runs of a seed. */
  note(text: string): void {
    for (let i = 0; i < text.length; i++)
      this.trace = (Math.imul(this.trace, 31) + text.charCodeAt(i)) | 0;
  }

  /** The next event, and all that follows from it without waiting. @returns false: nothing will ever happen again */
  async turn(): Promise<boolean> {
    const event = pop(this.#events);
    if (event === undefined) return false;
    if (event.cancelled || event.host?.alive === false) return true;
    if (event.host !== null && event.host.frozenUntil > event.at) {
      // The same event: it may still be cancelled by what comes before it.
      event.at = event.host.frozenUntil;
      push(this.#events, event);
      return true;
    }
    this.now = event.at;
    this.turns += 1;
    this.trace = (Math.imul(this.trace, 31) + (event.at & 0xffff)) | 0;
    event.run();
    await microtasks();
    return true;
  }
}

/** Every promise that can settle has settled when a turn of the real loop is over. */
function microtasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const before = (a: Event, b: Event): boolean => a.at < b.at || (a.at === b.at && a.tie < b.tie);

function push(heap: Event[], event: Event): void {
  let i = heap.length;
  heap.push(event);
  while (i > 0) {
    const up = (i - 1) >> 1;
    const parent = heap[up];
    if (parent === undefined || !before(event, parent)) break;
    heap[i] = parent;
    heap[up] = event;
    i = up;
  }
}

function pop(heap: Event[]): Event | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (top === undefined || last === undefined || heap.length === 0) return top;
  let i = 0;
  for (;;) {
    const left = heap[2 * i + 1];
    const right = heap[2 * i + 2];
    const rightFirst = left !== undefined && right !== undefined && before(right, left);
    const child = rightFirst ? right : left;
    if (child === undefined || !before(child, last)) break;
    heap[i] = child;
    i = rightFirst ? 2 * i + 2 : 2 * i + 1;
  }
  heap[i] = last;
  return top;
}
