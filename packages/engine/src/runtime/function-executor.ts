// Runs registered functions in this thread.
//
//   E1. Whatever a function throws, rejects or leaves behind fails its own attempt and nothing else.
//   E2. The same (run, step) does not start here while an old body of it lives, for up to `OLD_BODY_GRACE_MS`.
//   E3. What a function gets is parsed anew for each attempt, so no attempt sees what another changed.
import { AsyncLocalStorage } from "node:async_hooks";
import { fromJsonText, toJsonText, type Limits, type Timestamp } from "@millrace/protocol";
import type { Clock } from "./clock.ts";
import type { AttemptResult, AttemptTask, Body, Executor } from "./executor.ts";
import { engineFailure, fromThrown } from "./failures.ts";
import type { Metrics } from "./metrics.ts";
import type { StepContext, StepFunction, StepFunctions } from "./step-function.ts";

export interface FunctionExecutorOptions {
  readonly functions: StepFunctions;
  readonly clock: Clock;
  readonly now: () => Timestamp;
  readonly limits: Pick<Limits, "payloadBytes">;
  readonly metrics: Metrics;
}

const OLD_BODY_GRACE_MS = 30_000;

type Outcome =
  | Omit<Extract<AttemptResult, { ok: true }>, "startedAt">
  | Omit<Extract<AttemptResult, { ok: false }>, "startedAt">;

export class FunctionExecutor implements Executor {
  readonly #options: FunctionExecutorOptions;
  readonly #functions: ReadonlyMap<string, StepFunction<never>>;
  /** Bodies that nobody waits for and that have not ended, by run and step. Empty in good days. */
  readonly #lingering = new Map<string, Set<LivingBody>>();
  /** Started in this turn of the event loop: most end in it, and never need an alarm. */
  #unwatched: LivingBody[] = [];
  readonly #current = new AsyncLocalStorage<LivingBody>();
  readonly #drained = new Set<() => void>();
  #living = 0;
  #overdue = 0;

  constructor(options: FunctionExecutorOptions) {
    this.#options = options;
    this.#functions = new Map(Object.entries(options.functions));
  }

  get living(): number {
    return this.#living;
  }

  get overdue(): number {
    return this.#overdue;
  }

  execute(task: AttemptTask, report: (result: AttemptResult) => void): Body {
    const body = new LivingBody(task, this.#options, report, (left) => this.#linger(left));
    if (this.#lingering.size > 0 && this.#lingering.has(placeOf(task)))
      void this.#runAfterOld(body);
    else void this.#run(body);
    return body;
  }

  /**
   * Fails the attempt whose code left a rejected promise behind.
   *
   * @returns false: the rejection does not come from a step's function
   */
  strayRejection(reason: unknown): boolean {
    const body = this.#current.getStore();
    if (body === undefined) return false;
    body.report({ ok: false, ...fromThrown(reason, body.task.key, body.task.attempt) });
    body.abort("The step left a rejected promise behind");
    return true;
  }

  drain(graceMs: number): Promise<void> {
    if (this.#isDrained()) return Promise.resolve();
    return new Promise((resolve) => {
      const end = (): void => {
        this.#drained.delete(end);
        cancelTimer();
        resolve();
      };
      const cancelTimer = this.#options.clock.setTimer(graceMs, end);
      this.#drained.add(end);
    });
  }

  /** E2. */
  async #runAfterOld(body: LivingBody): Promise<void> {
    const place = placeOf(body.task);
    await gone(this.#options.clock, () => this.#lingering.has(place), OLD_BODY_GRACE_MS);
    body.begin();
    if (body.wanted) await this.#run(body);
  }

  async #run(body: LivingBody): Promise<void> {
    const { task } = body;
    const fn = this.#functions.get(task.target);
    if (fn === undefined) {
      // Never in the turn of `execute`.
      await Promise.resolve();
      body.report(notFound(task, this.#functions));
      return;
    }
    body.living = true;
    this.#living += 1;
    this.#watch(body);
    try {
      const result = await this.#current.run(body, call, fn, body);
      body.report(toOutcome(result, task, this.#options.limits.payloadBytes));
    } catch (thrown) {
      body.report({ ok: false, ...fromThrown(thrown, task.key, task.attempt) });
    } finally {
      this.#leave(body);
    }
  }

  /** Sets the alarm of the attempt's time, at the end of this turn if the body still lives then. */
  #watch(body: LivingBody): void {
    this.#unwatched.push(body);
    if (this.#unwatched.length > 1) return;
    this.#options.clock.soon(() => {
      const bodies = this.#unwatched;
      this.#unwatched = [];
      for (const one of bodies) if (one.living && one.wanted) one.watch();
    });
  }

  /** What was given up already may live for ever; nobody waits for that. */
  #isDrained(): boolean {
    return this.#living === this.#overdue;
  }

  #wakeDrained(): void {
    if (this.#isDrained()) for (const wake of this.#drained) wake();
  }

  #linger(body: LivingBody): void {
    this.#overdue += 1;
    this.#wakeDrained();
    const place = placeOf(body.task);
    const bodies = this.#lingering.get(place);
    if (bodies === undefined) this.#lingering.set(place, new Set([body]));
    else bodies.add(body);
  }

  #leave(body: LivingBody): void {
    body.end();
    this.#living -= 1;
    if (body.lingers) {
      this.#overdue -= 1;
      const place = placeOf(body.task);
      const bodies = this.#lingering.get(place);
      bodies?.delete(body);
      if (bodies?.size === 0) this.#lingering.delete(place);
    }
    this.#wakeDrained();
  }
}

const placeOf = ({ runId, key }: AttemptTask): string => `${runId}/${key}`;

class LivingBody implements Body {
  readonly task: AttemptTask;
  /** False: nobody waits for its result. */
  wanted = true;
  /** Its function has begun and not ended. */
  living = false;
  /** It lives although it was told to stop, or nobody waits for it. */
  lingers = false;
  readonly #options: FunctionExecutorOptions;
  readonly #report: (result: AttemptResult) => void;
  readonly #onLinger: (body: LivingBody) => void;
  #controller: AbortController | undefined;
  #aborted: Error | undefined;
  startedAt: Timestamp;
  #cancelAlarm: (() => void) | undefined;

  constructor(
    task: AttemptTask,
    options: FunctionExecutorOptions,
    report: (result: AttemptResult) => void,
    onLinger: (body: LivingBody) => void,
  ) {
    this.task = task;
    this.#options = options;
    this.#report = report;
    this.#onLinger = onLinger;
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

  report(outcome: Outcome): void {
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

  revoke(reason: string): void {
    this.wanted = false;
    this.#cancelAlarm?.();
    this.abort(reason);
  }

  stop(reason: string): void {
    this.abort(reason);
  }

  abort(reason: string): void {
    this.#aborted ??= new Error(reason);
    this.#controller?.abort(this.#aborted);
    if (!this.living || this.lingers) return;
    this.lingers = true;
    this.#onLinger(this);
  }
}

/** Async, so that a function that throws at once is no special case. */
async function call(fn: StepFunction<never>, body: LivingBody): Promise<unknown> {
  const { task } = body;
  const context: StepContext = {
    runId: task.runId,
    step: task.key,
    attempt: task.attempt,
    idempotencyKey: `${task.runId}/${task.key}`,
    get signal() {
      return body.signal;
    },
    // Read by few, so parsed when it is.
    get input() {
      return fromJsonText(task.runInput);
    },
  };
  // The definition decides what the function gets; whether that is what it declares, only its author can know.
  return fn(fromJsonText(task.input) as never, context);
}

function toOutcome(result: unknown, task: AttemptTask, limitBytes: number): Outcome {
  const at = { step: task.key, attempt: task.attempt };
  const json = toJsonText(result);
  if (!json.ok) {
    const failure = engineFailure(
      "output.invalid",
      `Step ${task.key} returned what cannot be stored: ${json.problem}`,
      "definition",
      at,
    );
    return { ok: false, failure, retryAfterMs: null, terminal: true };
  }
  // Three bytes a character at most: only long texts are measured.
  const bytes = json.text.length * 3 > limitBytes ? Buffer.byteLength(json.text) : 0;
  if (bytes > limitBytes) {
    const message = `Step ${task.key} returned ${bytes} bytes; the limit is ${limitBytes}. Store the data elsewhere and return a reference`;
    return {
      ok: false,
      failure: engineFailure("output.too-large", message, "definition", at),
      retryAfterMs: null,
      terminal: true,
    };
  }
  return { ok: true, output: json.text };
}

function timedOut(task: AttemptTask): Outcome {
  const message = `Step ${task.key} did not end within ${task.timeoutMs} ms`;
  const failure = engineFailure("step.timeout", message, "code", {
    step: task.key,
    attempt: task.attempt,
  });
  return { ok: false, failure, retryAfterMs: null, terminal: false };
}

function notFound(task: AttemptTask, functions: ReadonlyMap<string, unknown>): Outcome {
  const known =
    functions.size === 0
      ? "none is registered"
      : `registered are ${[...functions.keys()].slice(0, 20).join(", ")}`;
  const message = `Step ${task.key} calls function "${task.target}", which is not registered here; ${known}`;
  const failure = engineFailure("function.not-found", message, "definition", {
    step: task.key,
    attempt: task.attempt,
  });
  return { ok: false, failure, retryAfterMs: null, terminal: true };
}

/** Looks every quarter of a second: old bodies are rare, and their end is not worth an event. */
function gone(clock: Clock, lives: () => boolean, graceMs: number): Promise<void> {
  const until = clock.monotonicMs() + graceMs;
  return new Promise((resolve) => {
    const look = (): void => {
      if (!lives() || clock.monotonicMs() >= until) resolve();
      else clock.setTimer(250, look);
    };
    look();
  });
}
