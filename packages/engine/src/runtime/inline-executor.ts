// Runs functions and actions in this thread.
//
//   E1. Whatever a body throws, rejects or leaves behind fails its own attempt and nothing else.
//   E2. The same (run, step) does not start here while an old body of it lives, for up to `OLD_BODY_GRACE_MS`.
//   E3. What a body gets is parsed anew for each attempt, so no attempt sees what another changed.
import { AsyncLocalStorage } from "node:async_hooks";
import { toJsonText, type Limits } from "@millrace/protocol";
import type { Callable, Callables } from "./callables.ts";
import type { Clock } from "./clock.ts";
import type { AttemptResult, AttemptTask, Body, Executor } from "./executor.ts";
import { engineFailure, fromThrown, stoppedFailure } from "./failures.ts";
import { LivingBody, type AttemptOutcome, type LivingBodyOptions } from "./living-body.ts";
import { StoredOutput } from "./reported-result.ts";

export interface InlineExecutorOptions extends LivingBodyOptions {
  readonly callables: Callables;
  readonly limits: Pick<Limits, "payloadBytes">;
}

const OLD_BODY_GRACE_MS = 30_000;

export class InlineExecutor implements Executor {
  readonly #options: InlineExecutorOptions;
  /** Bodies that nobody waits for and that have not ended, by run and step. Empty in good days. */
  readonly #lingering = new Map<string, Set<LivingBody>>();
  /** Started in this turn of the event loop: most end in it, and never need an alarm. */
  #unwatched: LivingBody[] = [];
  readonly #current = new AsyncLocalStorage<LivingBody>();
  readonly #drained = new Set<() => void>();
  #living = 0;
  #overdue = 0;

  constructor(options: InlineExecutorOptions) {
    this.#options = options;
  }

  get living(): number {
    return this.#living;
  }

  get overdue(): number {
    return this.#overdue;
  }

  execute(task: AttemptTask, report: (result: AttemptResult) => void, onAway?: () => void): Body {
    const onLinger = (left: LivingBody): void => this.#linger(left);
    const body = new LivingBody(task, this.#options, report, { onLinger, onAway });
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
    if (this.#mayBegin(body)) await this.#run(body);
  }

  /** While it waited to begin, its run may have been lost or told to stop. */
  #mayBegin(body: LivingBody): boolean {
    if (body.wanted && body.isStopped) body.report(stopped(body.task));
    return body.wanted;
  }

  /** What is at hand is called in this turn; anything else is looked for. */
  #run(body: LivingBody): Promise<void> {
    const callable = this.#options.callables.local(body.task);
    return callable === undefined ? this.#findAndCall(body) : this.#call(body, callable);
  }

  async #findAndCall(body: LivingBody): Promise<void> {
    const found = await this.#options.callables.find(body.task, () => body.wanted);
    if (found === null || !this.#mayBegin(body)) return;
    if (!found.ok) {
      const { failure, isAway } = found;
      if (isAway && body.giveUp()) return;
      const terminal = failure.source === "definition";
      body.report({ ok: false, failure, retryAfterMs: null, terminal });
      return;
    }
    // Its time begins now, however long the store took.
    body.begin();
    await this.#call(body, found.callable);
  }

  async #call(body: LivingBody, callable: Callable): Promise<void> {
    const { task } = body;
    body.living = true;
    this.#living += 1;
    this.#watch(body);
    try {
      const result = await this.#current.run(body, call, callable, body);
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

/** Async, so that what throws at once is no special case. */
async function call(callable: Callable, body: LivingBody): Promise<unknown> {
  return callable(body);
}

function toOutcome(result: unknown, task: AttemptTask, limitBytes: number): AttemptOutcome {
  const at = { step: task.key, attempt: task.attempt };
  const json =
    result instanceof StoredOutput ? { ok: true as const, text: result.text } : toJsonText(result);
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

function stopped({ key, attempt }: AttemptTask): AttemptOutcome {
  return { ok: false, failure: stoppedFailure(key, attempt), retryAfterMs: null, terminal: true };
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
