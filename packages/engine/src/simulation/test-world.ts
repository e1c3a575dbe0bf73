// An engine for tests of workflows: one process after the other, on one clock that is moved by hand and one store in
// memory. A process may end at any commit; the next one takes over what the lease of the dead one sets free.
import { randomBytes } from "node:crypto";
import { clearTimeout, setImmediate, setTimeout } from "node:timers";
import {
  DEFAULT_LIMITS,
  MillraceError,
  toTimestamp,
  type Actions,
  type FunctionCaller,
  type Limits,
  type RunId,
  type Timestamp,
} from "@millrace/protocol";
import type { Activity } from "../runtime/activity.ts";
import type { Intercept } from "../runtime/callables.ts";
import { SILENT_LOG } from "../runtime/log.ts";
import { Node } from "../runtime/node.ts";
import { toRetention, type RetentionOptions } from "../runtime/retention.ts";
import type { StepFunctions } from "../runtime/step-function.ts";
import { createGraphPrograms } from "../steps/graph-programs.ts";
import { createMemoryStorage, type MemoryStorage } from "../storage/memory/memory-storage.ts";
import type { RunRow } from "../storage/storage.ts";
import { dieAtCommits, type MayDie } from "./die-at-commits.ts";
import { whileAlive } from "./mortal-storage.ts";
import { TestClock } from "./test-clock.ts";

export interface TestWorldOptions {
  readonly startAt: Timestamp;
  readonly functions: StepFunctions;
  readonly actions: Actions;
  readonly callFunction?: FunctionCaller;
  readonly env?: Readonly<Record<string, string>>;
  readonly limits?: Partial<Limits>;
  readonly retention?: RetentionOptions;
  readonly intercept?: Intercept;
  /** Asked at each commit that stores how an attempt ended, before it and after it. */
  readonly mayDie: MayDie;
  /** A process works; nothing is said of it before this has resolved. */
  readonly onReady: (node: Node) => Promise<void>;
  /** True: what runs there waits for time alone. */
  readonly isDormant: (activity: Activity) => boolean;
  /** How long code may be at something while nothing else goes on, in real time. */
  readonly patienceMs: number;
}

/** One life of the engine. */
export interface TestProcess {
  readonly node: Node;
  /** Resolves when it is killed. */
  readonly died: Promise<void>;
}

interface Life extends TestProcess {
  readonly end: () => void;
}

const MAX_RESIDENT_RUNS = 10_000;
/** Turns that cost next to nothing, before it looks now and then only. */
const EAGER_LOOKS = 100;
const LOOK_EVERY_MS = 2;
/** In one call, for each run that lives. Nine fire for a sleep, mostly upkeep: so for 440 sleeps, a year of days, in a few seconds. */
const MOST_TIMERS = 4_000;

export class TestWorld implements AsyncDisposable {
  readonly #options: TestWorldOptions;
  readonly #clock = new TestClock();
  readonly #store: MemoryStorage;
  #life: Life | null = null;
  #opening: Promise<void> = Promise.resolve();
  #moving: Promise<unknown> = Promise.resolve();
  #lives = 0;
  #isOver = false;

  constructor(options: TestWorldOptions) {
    this.#options = options;
    this.#store = createMemoryStorage({ now: () => this.now });
  }

  get now(): Timestamp {
    return toTimestamp(this.#options.startAt + this.#clock.nowMs);
  }

  /** How often it was started. */
  get lives(): number {
    return this.#lives;
  }

  /** Resolves when the first process works. */
  async open(): Promise<void> {
    this.#begin();
    await this.living();
  }

  /** Now, in the middle of whatever it does: nothing of it is stored any more. Another one is started. */
  crash(): void {
    this.#life?.end();
    if (!this.#isOver) this.#begin();
  }

  /** The process that lives, as soon as it works. @throws {MillraceError} engine.stopping */
  async living(): Promise<TestProcess> {
    let opening: Promise<void>;
    do {
      opening = this.#opening;
      await opening;
    } while (opening !== this.#opening);
    if (this.#life === null || this.#isOver) {
      throw createClosedError();
    }
    return this.#life;
  }

  /** Runs that have not ended, the oldest first. */
  get liveRuns(): readonly RunId[] {
    return this.#store.tables.runs.keys();
  }

  /** @returns null: it has ended, or there is none */
  findLive(runId: RunId): RunRow | null {
    return this.#store.tables.runs.get(runId) ?? null;
  }

  /** A timer of the test's own. @returns cancels it */
  setTimer(delayMs: number, fire: () => void): () => void {
    return this.#clock.setTimer(delayMs, () => this.#clock.soon(fire));
  }

  /** A turn that is waited for as one of the engine's own. */
  soon(turn: () => void): void {
    this.#clock.soon(turn);
  }

  /** Resolves when all has happened that needs neither time nor code that is at something. */
  pause(): Promise<void> {
    return this.#clock.settle();
  }

  /**
   * Resolves when nothing can go on before time moves.
   *
   * @throws code is at something that does not end
   * @throws {MillraceError} engine.stopping
   */
  async settle(): Promise<void> {
    this.#assertOpen();
    await this.#settle();
  }

  async #settle(): Promise<void> {
    await this.#clock.settle();
    let busy = this.#findBusy();
    if (busy.length === 0) return;
    const patience = new Patience(this.#options.patienceMs);
    try {
      for (let looks = 1; busy.length > 0; looks++) {
        const before = this.#clock.turnsSoFar;
        await pauseReally(looks > EAGER_LOOKS ? LOOK_EVERY_MS : 0);
        await this.#clock.settle();
        if (this.#clock.turnsSoFar !== before) patience.renew();
        if (patience.isOver) throw new Error(this.#complain(busy));
        busy = this.#findBusy();
      }
    } finally {
      patience.end();
    }
  }

  /**
   * Moves time by so much; whatever falls due on the way happens in its order.
   *
   * @throws {MillraceError} engine.stopping
   */
  advance(ms: number): Promise<void> {
    return this.#alone(async () => {
      this.#assertOpen();
      const untilMs = this.#clock.nowMs + ms;
      await this.#settle();
      while (this.#clock.fireNext(untilMs)) await this.#settle();
      this.#clock.skipTo(untilMs);
      await this.#settle();
    });
  }

  /**
   * Moves time as far as it must.
   *
   * @returns false: no time brings that about, or nothing that ends
   * @throws {MillraceError} engine.stopping
   */
  moveUntil(isOver: () => boolean): Promise<boolean> {
    return this.#alone(async () => {
      this.#assertOpen();
      const { runs } = this.#store.tables;
      let mostLive = 1;
      for (let fired = 0; fired < MOST_TIMERS * mostLive; fired++) {
        await this.#settle();
        if (isOver()) return true;
        if (!this.#clock.fireNext(Infinity)) return false;
        mostLive = Math.max(mostLive, runs.size);
      }
      await this.#settle();
      return isOver();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isOver) return;
    await this.#opening;
    this.#isOver = true;
    // Code that still runs is told to stop; whether it does is its own affair.
    const stopped = this.#life?.node.stop({ graceMs: 0 });
    const state = { isStopped: false };
    void stopped?.finally(() => {
      state.isStopped = true;
    });
    await this.#alone(async () => {
      await this.#clock.settle();
      while (!state.isStopped && this.#clock.fireNext(Infinity)) await this.#clock.settle();
    });
    this.#life?.end();
  }

  #assertOpen(): void {
    if (this.#isOver) throw createClosedError();
  }

  /** Two who move time at once take turns. */
  #alone<T>(move: () => Promise<T>): Promise<T> {
    const moved = this.#moving.then(move);
    this.#moving = moved.catch(() => undefined);
    return moved;
  }

  #begin(): void {
    const life = this.#createLife();
    this.#life = life;
    const start = async (): Promise<void> => {
      await life.node.start();
      await this.#options.onReady(life.node);
    };
    this.#opening = Promise.race([start(), life.died]);
  }

  #createLife(): Life {
    const { functions, actions, callFunction, env, limits, retention, intercept, mayDie } =
      this.#options;
    const time = this.#clock.createProcess();
    const aborter = new AbortController();
    const { promise: died, resolve } = Promise.withResolvers<void>();
    const end = (): void => {
      aborter.abort();
      time.end();
      resolve();
    };
    this.#lives += 1;
    const store = dieAtCommits(this.#store, mayDie, () => this.crash());
    const node = new Node({
      storage: whileAlive(store, aborter.signal, (arrive) => arrive()),
      functions,
      actions,
      ...(callFunction === undefined ? {} : { callFunction }),
      limits: { ...DEFAULT_LIMITS, ...limits },
      log: SILENT_LOG,
      maxResidentRuns: MAX_RESIDENT_RUNS,
      retention: toRetention(retention ?? {}),
      clock: time.clock,
      upkeepClock: time.upkeepClock,
      ...(intercept === undefined ? {} : { intercept }),
      random: () => randomBytes(4).readUInt32LE(),
      programs: createGraphPrograms(env),
      host: { name: "test", pid: this.#lives },
    });
    return { node, died, end };
  }

  #findBusy(): readonly Activity[] {
    const activities = this.#life?.node.activities ?? [];
    return activities.filter((it) => !this.#options.isDormant(it));
  }

  #complain(busy: readonly Activity[]): string {
    const { patienceMs } = this.#options;
    const places = busy.map(({ runId, step }) =>
      step === null
        ? `the function of run ${runId}, which awaits what is not durable,`
        : `step "${step}" of run ${runId}`,
    );
    const hasFunction = busy.some(({ step }) => step === null);
    const hint = hasFunction ? "Await in a step what takes long, and stub" : "Stub what takes long";
    return `Time cannot move: ${places.join(", and ")} ${places.length > 1 ? "have" : "has"} not ended in ${patienceMs} ms of real time. ${hint} (a stub may \`sleep\` or \`hang\`), or raise \`patienceMs\``;
  }
}

/** Mostly somebody forgot an `await`, as in `return run.result()` where `await using` closes the engine. */
const createClosedError = (): MillraceError =>
  new MillraceError(
    "engine.stopping",
    "The test engine is closed; `await` what still needs it before that",
  );

/** Runs out in real time, unless it is renewed. */
class Patience {
  readonly #ms: number;
  #timer: NodeJS.Timeout;
  isOver = false;

  constructor(ms: number) {
    this.#ms = ms;
    this.#timer = this.#set();
  }

  renew(): void {
    clearTimeout(this.#timer);
    this.isOver = false;
    this.#timer = this.#set();
  }

  end(): void {
    clearTimeout(this.#timer);
  }

  #set(): NodeJS.Timeout {
    return setTimeout(() => {
      this.isOver = true;
    }, this.#ms);
  }
}

/** Lets the world outside go on. */
const pauseReally = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    if (ms === 0) setImmediate(resolve);
    else setTimeout(resolve, ms);
  });
