// The one loop around all background work.
import type { Clock } from "./clock.ts";
import type { Log } from "./log.ts";

export interface Service {
  /** Safe to call twice. */
  start(): void;
  /** Safe to call twice. Resolves when nothing of it runs. */
  stop(): Promise<void>;
  /** Runs a tick soon, whatever the interval says: a hint has come. */
  nudge(): void;
  /** Runs a tick in that time, unless one is planned for earlier. */
  within(delayMs: number): void;
}

export interface ServiceOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** From the end of a tick to the next at the latest. null: until the next is asked for. */
  readonly intervalMs: number | null;
  /** After a tick that failed. Default: `intervalMs`, or a second if that is null. */
  readonly retryMs?: number;
  /** Does one batch. @returns ms until the next tick; null: `intervalMs` */
  readonly tick: () => Promise<number | null>;
}

const RETRY_MS = 1_000;
/** Between two words in the log about a service that fails on and on. */
const COMPLAIN_EVERY_MS = 10_000;

/** A tick that throws is logged and tried again: a service outlives its store's bad days. */
export function createService(options: ServiceOptions): Service {
  return new Loop(options);
}

class Loop implements Service {
  readonly #options: ServiceOptions;
  #isRunning = false;
  #active: Promise<void> | undefined;
  #planned: { readonly atMs: number; readonly cancel: () => void } | undefined;
  /** For which a tick was asked while another ran. */
  #wantedAtMs = Infinity;
  #silentUntilMs = -Infinity;
  #isSoon = false;

  constructor(options: ServiceOptions) {
    this.#options = options;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#begin();
  }

  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#unplan();
    await this.#active;
  }

  nudge(): void {
    if (!this.#isRunning) return;
    if (this.#active !== undefined) {
      this.within(0);
    } else if (!this.#isSoon) {
      this.#isSoon = true;
      this.#options.clock.soon(() => this.#begin());
    }
  }

  within(delayMs: number): void {
    if (!this.#isRunning) return;
    const atMs = this.#options.clock.monotonicMs() + delayMs;
    if (this.#active !== undefined) this.#wantedAtMs = Math.min(this.#wantedAtMs, atMs);
    else if (!this.#isSoon && atMs < (this.#planned?.atMs ?? Infinity)) this.#plan(delayMs);
  }

  #begin(): void {
    this.#isSoon = false;
    this.#unplan();
    if (this.#isRunning && this.#active === undefined) this.#active = this.#run();
  }

  async #run(): Promise<void> {
    const { clock, tick } = this.#options;
    const intervalMs = this.#options.intervalMs ?? Infinity;
    this.#wantedAtMs = Infinity;
    let delayMs: number;
    try {
      // A tick that throws at once is no special case.
      delayMs = Math.min((await (async () => tick())()) ?? Infinity, intervalMs);
    } catch (error) {
      delayMs = this.#options.retryMs ?? this.#options.intervalMs ?? RETRY_MS;
      this.#complain(error);
    }
    this.#active = undefined;
    if (this.#isRunning) this.#plan(Math.min(delayMs, this.#wantedAtMs - clock.monotonicMs()));
  }

  /** A store that is away for long is not worth a line twice a second. */
  #complain(error: unknown): void {
    const { name, clock, log } = this.#options;
    const nowMs = clock.monotonicMs();
    if (!this.#isRunning || nowMs < this.#silentUntilMs) return;
    this.#silentUntilMs = nowMs + COMPLAIN_EVERY_MS;
    log.warn({ service: name, err: error }, `${name} failed and will try again`);
  }

  #plan(delayMs: number): void {
    this.#unplan();
    if (delayMs === Infinity) return;
    const { clock } = this.#options;
    const waitMs = Math.max(0, delayMs);
    const cancel = clock.setTimer(waitMs, () => this.#begin());
    this.#planned = { atMs: clock.monotonicMs() + waitMs, cancel };
  }

  #unplan(): void {
    this.#planned?.cancel();
    this.#planned = undefined;
  }
}
