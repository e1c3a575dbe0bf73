import type { Timestamp } from "@millrace/protocol";
import type { Clock } from "./clock.ts";
import type { AttemptResult, AttemptTask, Body } from "./executor.ts";
import { engineFailure } from "./failures.ts";
import type { Metrics } from "./metrics.ts";

export interface LivingBodyOptions {
  readonly clock: Clock;
  readonly now: () => Timestamp;
  readonly metrics: Metrics;
}

/** What came of an attempt, whenever it began. */
export type AttemptOutcome =
  | Omit<Extract<AttemptResult, { ok: true }>, "startedAt">
  | Omit<Extract<AttemptResult, { ok: false }>, "startedAt">;

/** One attempt that runs in this process, from the moment it was asked for. */
export class LivingBody implements Body {
  readonly task: AttemptTask;
  /** False: nobody waits for its result. */
  wanted = true;
  /** Its function has begun and not ended. */
  living = false;
  /** It lives although it was told to stop, or nobody waits for it. */
  lingers = false;
  readonly #options: LivingBodyOptions;
  readonly #report: (result: AttemptResult) => void;
  readonly #onLinger: (body: LivingBody) => void;
  #controller: AbortController | undefined;
  #aborted: Error | undefined;
  startedAt: Timestamp;
  /** Whoever runs it elsewhere hears of the abort here, which costs less than a signal. */
  onAbort: ((reason: string) => void) | null = null;
  #cancelAlarm: (() => void) | undefined;
  readonly #onAway: (() => void) | undefined;

  constructor(
    task: AttemptTask,
    options: LivingBodyOptions,
    report: (result: AttemptResult) => void,
    {
      onLinger,
      onAway,
    }: { readonly onLinger: (body: LivingBody) => void; readonly onAway: (() => void) | undefined },
  ) {
    this.task = task;
    this.#options = options;
    this.#report = report;
    this.#onLinger = onLinger;
    this.#onAway = onAway;
    this.startedAt = options.now();
  }

  /** Most functions never ask for it, and it costs more than all else around a short one. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted);
    }
    return this.#controller.signal;
  }

  /** It was told to stop, though its result may still count. */
  get isStopped(): boolean {
    return this.#aborted !== undefined;
  }

  begin(): void {
    this.startedAt = this.#options.now();
  }

  watch(): void {
    const { timeoutMs, key } = this.task;
    const spentMs = this.#options.now() - this.startedAt;
    this.#cancelAlarm = this.#options.clock.setTimer(timeoutMs - spentMs, () => {
      if (this.wanted) this.report(timedOut(this.task));
      this.abort(`Step ${key} overran its time of ${timeoutMs} ms`);
    });
  }

  end(): void {
    this.living = false;
    this.#cancelAlarm?.();
  }

  report(outcome: AttemptOutcome): void {
    const { counters } = this.#options.metrics;
    if (!this.wanted) {
      counters.attemptsDiscarded += 1;
      return;
    }
    this.wanted = false;
    if (outcome.ok) counters.attemptsCompleted += 1;
    else counters.attemptsFailed += 1;
    this.#report({ ...outcome, startedAt: this.startedAt });
  }

  /** What it calls is elsewhere. @returns false: nobody can wait for that */
  giveUp(): boolean {
    if (this.#onAway === undefined) return false;
    if (this.wanted) this.#onAway();
    this.wanted = false;
    return true;
  }

  revoke(reason: string): void {
    this.wanted = false;
    this.#cancelAlarm?.();
    this.abort(reason);
  }

  stop(reason: string): void {
    this.abort(reason);
  }

  abort(reason: string): void {
    if (this.#aborted === undefined) this.onAbort?.(reason);
    this.#aborted ??= new Error(reason);
    this.#controller?.abort(this.#aborted);
    if (!this.living || this.lingers) return;
    this.lingers = true;
    this.#onLinger(this);
  }
}

function timedOut(task: AttemptTask): AttemptOutcome {
  const message = `Step ${task.key} did not end within ${task.timeoutMs} ms`;
  const failure = engineFailure("step.timeout", message, "code", {
    step: task.key,
    attempt: task.attempt,
  });
  return { ok: false, failure, retryAfterMs: null, terminal: false };
}
