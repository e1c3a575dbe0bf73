// Counts requests of each key and category in the memory of this node: all of them where the store has one process, its
// own part where nodes cannot count together for a while.
//
//   R1. In no 60 seconds more requests pass than the limit, wherever the 60 seconds begin.
//   R2. A request is forgotten 60 to 61 seconds after it came: time is counted in whole seconds.
//   R3. A request that was refused is not counted, so asking again and again does not put the end off.
//   R4. What a window takes does not grow with the requests, and a window that is empty is dropped.
import type { LimitedCategory } from "./key-limits.ts";

export interface RateClock {
  /** Milliseconds that never go back; their zero means nothing. */
  monotonicMs(): number;
  epochMs(): number;
}

export interface RateDecision {
  readonly isAllowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** When the oldest request is forgotten, so that there is room for one more. */
  readonly resetAtSeconds: number;
  readonly retryAfterSeconds: number;
}

export interface RateRequest {
  readonly keyId: string;
  readonly category: LimitedCategory;
  /** A minute; 1 or more. */
  readonly limit: number;
}

/** The present second and the 60 before it. */
const SLOTS = 61;
const SWEEP_EVERY_SECONDS = 60;

export class RateLimiter {
  readonly #clock: RateClock;
  readonly #windows = new Map<string, Window>();
  #sweptAt = -Infinity;

  constructor(clock: RateClock) {
    this.#clock = clock;
  }

  /** How many windows are held. */
  get size(): number {
    return this.#windows.size;
  }

  /** Counts a request, or refuses it. */
  take({ keyId, category, limit }: RateRequest): RateDecision {
    const nowMs = this.#clock.monotonicMs();
    const window = this.#open({ keyId, category }, nowMs);
    const isAllowed = window.total < limit;
    if (isAllowed) window.count();
    const roomInMs = window.roomAt() * 1000 - nowMs;
    return {
      isAllowed,
      limit,
      remaining: Math.max(0, limit - window.total),
      resetAtSeconds: Math.ceil((this.#clock.epochMs() + roomInMs) / 1000),
      retryAfterSeconds: Math.max(1, Math.ceil(roomInMs / 1000)),
    };
  }

  /** Counts a request that somebody else has let through. */
  note(request: Omit<RateRequest, "limit">): void {
    this.#open(request, this.#clock.monotonicMs()).count();
  }

  #open({ keyId, category }: Omit<RateRequest, "limit">, nowMs: number): Window {
    const second = Math.floor(nowMs / 1000);
    this.#sweep(second);
    const window = this.#find(`${category}/${keyId}`, second);
    window.moveTo(second);
    return window;
  }

  #find(name: string, second: number): Window {
    const found = this.#windows.get(name);
    if (found !== undefined) return found;
    const made = new Window(second);
    this.#windows.set(name, made);
    return made;
  }

  #sweep(second: number): void {
    if (second - this.#sweptAt < SWEEP_EVERY_SECONDS) return;
    this.#sweptAt = second;
    for (const [name, window] of this.#windows) {
      window.moveTo(second);
      if (window.total === 0) this.#windows.delete(name);
    }
  }
}

/** Counts of the last seconds, in a ring. */
class Window {
  readonly #counts = new Uint32Array(SLOTS);
  #newest: number;
  /** No second before it has a count. */
  #oldest: number;
  total = 0;

  constructor(second: number) {
    this.#newest = second;
    this.#oldest = second;
  }

  /** Forgets what is too old. */
  moveTo(second: number): void {
    if (second <= this.#newest) return;
    const first = Math.max(this.#newest + 1, second - SLOTS + 1);
    for (let s = first; s <= second; s++) {
      this.total -= this.#counts[s % SLOTS] ?? 0;
      this.#counts[s % SLOTS] = 0;
    }
    this.#newest = second;
    this.#oldest = Math.max(this.#oldest, second - SLOTS + 1);
    while (this.#oldest < second && this.#counts[this.#oldest % SLOTS] === 0) this.#oldest += 1;
  }

  count(): void {
    this.#counts[this.#newest % SLOTS] = (this.#counts[this.#newest % SLOTS] ?? 0) + 1;
    this.total += 1;
  }

  /** The second at which the oldest count is forgotten. */
  roomAt(): number {
    return this.#oldest + SLOTS;
  }
}
