// Takes from the windows of keys that all nodes share, for the requests that come in here.
//
//   Q1. A window has one taking under way; requests that come meanwhile share the next.
//   Q2. A taking may bring some more than is waited for. They serve the rest of the second at which they were counted;
//       what is left then is given back with the next taking. So all that nodes hold unused is at most 1 in
//       `HELD_PART` of the limit, also if each of them dies with it.
//   Q3. A window that is full is not asked for until the oldest count in it is forgotten.
//   Q4. A store that does not answer refuses nobody: requests are then counted elsewhere.
import type { TenantId } from "@millrace/protocol";
import type { KeyWindows, Quota } from "../storage/key-windows.ts";
import type { Clock } from "./clock.ts";
import type { CountedRequest, RequestCount } from "./key-commands.ts";
import type { Log } from "./log.ts";

/** Half of the one in a hundred by which counting may err: as many nodes may have died in the last minute. */
const HELD_PART = 200;
/** Requests wait for it. */
const ANSWER_WITHIN_MS = 1_000;
/** After a store that did not answer. */
const ASK_AGAIN_MS = 1_000;
const SWEEP_EVERY_MS = 60_000;
/** Seconds after which a count is forgotten, as `WINDOW_SECONDS` says. */
const FORGET_MS = 61_000;

type Settle = (count: RequestCount) => void;

interface Window {
  readonly tenant: TenantId;
  readonly key: string;
  readonly category: CountedRequest["category"];
  limit: number;
  /** What the store said last. */
  last: Quota | null;
  /** What the clock here showed when it was asked that: its time was this or later. */
  askedAtMs: number;
  /** Granted, and not used yet. */
  held: number;
  waiting: Settle[];
  isTaking: boolean;
}

export class KeyQuotas {
  readonly #windows: KeyWindows | null;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #known = new Map<string, Window>();
  #sweptAtMs = -Infinity;
  #nodes = 1;
  /** The store is not asked until then. */
  #downUntilMs = -Infinity;
  #isDown = false;
  /** Takings that were given up and are still under way. */
  #overdue = 0;

  /** @param windows undefined: the store has one process, and nothing is counted here */
  constructor(windows: KeyWindows | undefined, clock: Clock, log: Log) {
    this.#windows = windows ?? null;
    this.#clock = clock;
    this.#log = log;
  }

  /** How many windows are known. */
  get size(): number {
    return this.#known.size;
  }

  count(request: CountedRequest): Promise<RequestCount> {
    const windows = this.#windows;
    if (windows === null) return Promise.resolve(this.#uncounted());
    const nowMs = this.#clock.monotonicMs();
    this.#sweep(nowMs);
    const window = this.#find(request);
    const count = this.#countHere(window, nowMs);
    if (count !== null) return Promise.resolve(count);
    if (nowMs < this.#downUntilMs || this.#overdue > 0) return Promise.resolve(this.#uncounted());
    return new Promise((resolve) => {
      window.waiting.push(resolve);
      if (window.isTaking) return;
      window.isTaking = true;
      // All of this turn share one taking.
      this.#clock.soon(() => void this.#take(windows, window));
    });
  }

  /** @returns null: only the store knows */
  #countHere(window: Window, nowMs: number): RequestCount | null {
    const { last } = window;
    if (last === null) return null;
    const storeMs = toStoreMs(window, last, nowMs);
    if (window.held > 0 && storeMs < (last.second + 1) * 1000) {
      window.held -= 1;
      return toCount(true, window, last, storeMs);
    }
    // What is held and too old is room: it is given back first.
    const isFull =
      last.total - window.held >= window.limit && storeMs < last.oldest * 1000 + FORGET_MS;
    return isFull ? toCount(false, window, last, storeMs) : null;
  }

  async #take(windows: KeyWindows, window: Window): Promise<void> {
    const settled = window.waiting;
    window.waiting = [];
    const askedAtMs = this.#clock.monotonicMs();
    const quota = await this.#ask(windows, window, settled.length);
    if (quota === null) {
      window.last = null;
      const count = this.#uncounted();
      for (const settle of [...settled, ...window.waiting]) settle(count);
      window.waiting = [];
      window.isTaking = false;
      return;
    }
    window.last = quota;
    window.askedAtMs = askedAtMs;
    window.held = quota.granted;
    for (const settle of settled) {
      const isAllowed = window.held > 0;
      if (isAllowed) window.held -= 1;
      settle(toCount(isAllowed, window, quota, quota.now));
    }
    this.#serveWaiting(windows, window);
  }

  /** Those who came meanwhile: from what is held, or with the next taking. */
  #serveWaiting(windows: KeyWindows, window: Window): void {
    const nowMs = this.#clock.monotonicMs();
    const left: Settle[] = [];
    for (const settle of window.waiting) {
      const count = this.#countHere(window, nowMs);
      if (count === null) left.push(settle);
      else settle(count);
    }
    window.waiting = left;
    window.isTaking = left.length > 0;
    if (window.isTaking) void this.#take(windows, window);
  }

  /** @returns null: the store does not answer */
  async #ask(windows: KeyWindows, window: Window, waiting: number): Promise<Quota | null> {
    const { tenant, key, category, limit, held, last } = window;
    // Whatever comes of it, it is not given back twice.
    window.held = 0;
    const ahead = last === null ? 0 : Math.floor(limit / (HELD_PART * this.#nodes));
    const asked = windows.take({
      tenant,
      key,
      category,
      limit,
      wanted: waiting + ahead,
      unused: held,
      second: last?.second ?? 0,
    });
    try {
      const quota = await this.#inTime(asked);
      this.#nodes = quota.nodes;
      if (this.#isDown) this.#log.info({}, "requests of keys are counted over all nodes again");
      this.#isDown = false;
      return quota;
    } catch (error) {
      this.#downUntilMs = this.#clock.monotonicMs() + ASK_AGAIN_MS;
      if (!this.#isDown)
        this.#log.warn({ err: error }, "requests of keys are counted by this node alone");
      this.#isDown = true;
      return null;
    }
  }

  #inTime(asked: Promise<Quota>): Promise<Quota> {
    return new Promise((resolve, reject) => {
      let isLate = false;
      const cancel = this.#clock.setTimer(ANSWER_WITHIN_MS, () => {
        isLate = true;
        this.#overdue += 1;
        reject(new Error(`the store gave no answer within ${ANSWER_WITHIN_MS} ms`));
      });
      const end = (): void => {
        cancel();
        if (isLate) this.#overdue -= 1;
      };
      asked.then(resolve, reject).finally(end);
    });
  }

  #uncounted(): RequestCount {
    return { kind: "uncounted", nodes: this.#nodes };
  }

  #find({ tenant, key, category, limit }: CountedRequest): Window {
    const place = `${category}/${tenant}/${key}`;
    const found = this.#known.get(place);
    if (found !== undefined) {
      found.limit = limit;
      return found;
    }
    const made: Window = {
      tenant,
      key,
      category,
      limit,
      last: null,
      askedAtMs: -Infinity,
      held: 0,
      waiting: [],
      isTaking: false,
    };
    this.#known.set(place, made);
    return made;
  }

  /** What was told so long ago says nothing any more. */
  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = nowMs;
    for (const [place, { askedAtMs, isTaking }] of this.#known)
      if (!isTaking && nowMs - askedAtMs >= FORGET_MS) this.#known.delete(place);
  }
}

/** Never behind the store's own clock: it was read after the question left. */
const toStoreMs = ({ askedAtMs }: Window, { now }: Quota, nowMs: number): number =>
  now + (nowMs - askedAtMs);

function toCount(isAllowed: boolean, window: Window, quota: Quota, storeMs: number): RequestCount {
  const roomAtMs = quota.oldest * 1000 + FORGET_MS;
  return {
    kind: "counted",
    isAllowed,
    remaining: isAllowed ? Math.max(0, window.limit - quota.total + window.held) : 0,
    resetAtSeconds: roomAtMs / 1000,
    retryAfterSeconds: Math.max(1, Math.ceil((roomAtMs - storeMs) / 1000)),
  };
}
