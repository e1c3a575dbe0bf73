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
}

export interface ServiceOptions {
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Between the end of a tick and the next, unless the tick says otherwise. */
  readonly intervalMs: number;
  /** Does one batch. @returns ms until the next tick; null: `intervalMs` */
  readonly tick: () => Promise<number | null>;
}

/** A tick that throws is logged and tried again after the interval: a service outlives its store's bad days. */
export function createService({ name, clock, log, intervalMs, tick }: ServiceOptions): Service {
  let running = false;
  let active: Promise<void> | undefined;
  let cancelTimer: (() => void) | undefined;
  let nudged = false;
  let soon = false;

  const run = async (): Promise<void> => {
    nudged = false;
    let delayMs: number | null = null;
    try {
      // A tick that throws at once is no special case.
      delayMs = await (async () => tick())();
    } catch (error) {
      if (running) log.warn({ service: name, err: error }, `${name} failed and will try again`);
    }
    active = undefined;
    if (running) plan(nudged ? 0 : Math.min(delayMs ?? intervalMs, intervalMs));
  };

  const plan = (delayMs: number): void => {
    cancelTimer?.();
    cancelTimer = clock.setTimer(delayMs, begin);
  };

  const begin = (): void => {
    soon = false;
    cancelTimer?.();
    cancelTimer = undefined;
    if (running && active === undefined) active = run();
  };

  return {
    start() {
      if (running) return;
      running = true;
      begin();
    },
    async stop() {
      running = false;
      cancelTimer?.();
      cancelTimer = undefined;
      await active;
    },
    nudge() {
      if (!running) return;
      if (active !== undefined) {
        nudged = true;
      } else if (!soon) {
        soon = true;
        clock.soon(begin);
      }
    },
  };
}
