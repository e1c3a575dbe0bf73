// Performs what the core decided, once it is durable, and turns what comes of it into facts.
import { after, type Failure, type JsonText, type RunId, type Timestamp } from "@millrace/protocol";
import { assertNever } from "../core/assert-never.ts";
import { deadlineFailure } from "../core/deadline.ts";
import type { Entry } from "../core/entry.ts";
import type { Effect, Fact } from "../core/fact.ts";
import type { RunHead } from "../core/run-head.ts";
import type { Clock } from "./clock.ts";
import type { AttemptResult, Executor } from "./executor.ts";
import { stoppedFailure } from "./failures.ts";
import type { Log } from "./log.ts";
import type { ResidentRun } from "./resident-run.ts";

export type PreparedChild =
  | { readonly ok: true; readonly child: RunHead }
  | { readonly ok: false; readonly failure: Failure };

export interface ChildRequest {
  readonly parent: RunHead;
  /** Of the operation that waits for it. */
  readonly key: string;
  /** Id or slug. */
  readonly workflow: string;
  readonly input: JsonText;
  /** JSON object of texts. */
  readonly metadata: JsonText;
}

export interface EffectContext {
  readonly clock: Clock;
  /** The store's time. */
  readonly now: () => Timestamp;
  readonly executor: Executor;
  readonly log: Log;
  /**
   * Finds the child's workflow and fixes its version. Never rejects.
   *
   * @param wanted false: nobody waits for the answer any more, whatever it is
   */
  readonly prepareChild: (request: ChildRequest, wanted: () => boolean) => Promise<PreparedChild>;
  readonly submit: (run: ResidentRun, fact: Fact) => void;
  /** A function that it calls is not here. Perhaps it only waits now. */
  readonly onAway: (run: ResidentRun) => void;
  readonly observer?: RunObserver;
}

/** Hears of what happens to runs on this node. */
export interface RunObserver {
  /** Entries became durable. @param sequence of the first */
  committed(runId: RunId, sequence: number, entries: readonly Entry[]): void;
  begun(runId: RunId, step: string, attempt: number, at: Timestamp): void;
  /** Entries, its parking or its end became durable. */
  moved(runId: RunId): void;
}

/** How long bodies may take to stop after a cancel or a passed deadline. */
const STOP_GRACE_MS = 5_000;
/** Of a function that was not here, in a run that stays for something else. */
const LOOK_FOR_AWAY_MS = 5_000;

// Operation keys are never empty, so these cannot meet one.
const DEADLINE_TIMER = "";
const GRACE_TIMER = " grace";

export function perform(
  run: ResidentRun,
  effects: readonly Effect[],
  context: EffectContext,
): void {
  for (const effect of effects) {
    switch (effect.type) {
      case "start.attempt":
        startAttempt(run, effect, context);
        break;
      case "prepare.child":
        void prepareChild(run, effect, context);
        break;
      case "set.timer":
        setTimer(run, effect.key, effect.at, context, () => ({
          type: "timer.fired",
          key: effect.key,
          at: context.now(),
        }));
        break;
      case "stop.bodies":
        stopBodies(run, context);
        break;
      case "tell":
        run.session?.tell(effect.settlement);
        break;
      case "tell.stop":
        run.session?.stop(effect.notice);
        break;
      default:
        assertNever(effect);
    }
  }
}

/** Fails the run when its deadline passes while it resides here; the store wakes it for that otherwise. */
export function watchDeadline(run: ResidentRun, context: EffectContext): void {
  const { deadlineAt } = run.head;
  if (deadlineAt === null) return;
  setTimer(run, DEADLINE_TIMER, deadlineAt, context, () => ({
    type: "limit.exceeded",
    failure: deadlineFailure(deadlineAt),
    isFinal: false,
    at: context.now(),
  }));
}

/** Whatever the run has set in motion here stops counting. */
export function silence(run: ResidentRun, reason: string): void {
  if (run.timers !== null) for (const cancel of run.timers.values()) cancel();
  run.timers = null;
  run.away = null;
  for (const body of run.bodies.values()) body.revoke(reason);
  run.bodies.clear();
}

function startAttempt(
  run: ResidentRun,
  effect: Extract<Effect, { type: "start.attempt" }>,
  context: EffectContext,
): void {
  const { key, attempt, body } = effect;
  const { executor, now, log, submit, observer } = context;
  const { executor: table, target, input, timeoutMs } = body;
  const task = {
    tenant: run.head.tenant,
    executor: table,
    runId: run.head.id,
    key,
    attempt,
    target,
    input,
    runInput: run.head.input,
    timeoutMs,
  };
  const report = (result: AttemptResult): void => {
    run.bodies.delete(key);
    if (!result.ok) {
      const { code, message, stack } = result.failure;
      log.warn({ runId: run.head.id, step: key, attempt, reason: code, stack }, message);
    }
    submit(run, {
      ...(result.ok
        ? { type: "attempt.completed", output: result.output }
        : {
            type: "attempt.failed",
            failure: result.failure,
            retryAfterMs: result.retryAfterMs,
            terminal: result.terminal,
          }),
      key,
      attempt,
      startedAt: result.startedAt,
      at: now(),
    });
  };
  const started = executor.execute(task, report, () => awaitFunction(run, effect, context));
  run.bodies.set(key, started);
  observer?.begun(run.head.id, key, attempt, started.startedAt);
}

/** Its attempt has not begun. It begins where the function is, or here if that comes while the run stays. */
function awaitFunction(
  run: ResidentRun,
  effect: Extract<Effect, { type: "start.attempt" }>,
  context: EffectContext,
): void {
  const { key, attempt, body } = effect;
  run.bodies.delete(key);
  (run.away ??= new Map()).set(key, { attempt, target: body.target });
  const lookLater = (): void => {
    keepTimer(run, key, LOOK_FOR_AWAY_MS, context, () => {
      // What is in flight may give the run up.
      if (run.inFlight) lookLater();
      else if (run.away?.delete(key) === true) startAttempt(run, effect, context);
    });
  };
  lookLater();
  context.onAway(run);
}

/** What has not begun has stopped. */
function stopAway(run: ResidentRun, { clock, now, submit }: EffectContext): void {
  const { away } = run;
  if (away === null || away.size === 0) return;
  run.away = null;
  for (const key of away.keys()) run.timers?.get(key)?.();
  const startedAt = now();
  clock.soon(() => {
    for (const [key, { attempt }] of away) {
      const failure = stoppedFailure(key, attempt);
      const more = { failure, retryAfterMs: null, terminal: true, startedAt, at: now() };
      submit(run, { type: "attempt.failed", key, attempt, ...more });
    }
  });
}

async function prepareChild(
  run: ResidentRun,
  { key, workflow, input, metadata }: Extract<Effect, { type: "prepare.child" }>,
  context: EffectContext,
): Promise<void> {
  const startedAt = context.now();
  const wanted = (): boolean => run.owned;
  const request = { parent: run.head, key, workflow, input, metadata };
  const prepared = await context.prepareChild(request, wanted);
  const at = context.now();
  if (prepared.ok) {
    context.submit(run, { type: "child.prepared", key, child: prepared.child, at });
    return;
  }
  const { failure } = prepared;
  context.submit(run, {
    type: "attempt.failed",
    key,
    attempt: 1,
    failure,
    retryAfterMs: null,
    terminal: true,
    startedAt,
    at,
  });
}

function stopBodies(run: ResidentRun, context: EffectContext): void {
  for (const body of run.bodies.values()) body.stop("The run is being stopped");
  stopAway(run, context);
  const until = after(context.now(), STOP_GRACE_MS);
  setTimer(run, GRACE_TIMER, until, context, () => ({
    type: "bodies.abandoned",
    at: context.now(),
  }));
}

function setTimer(
  run: ResidentRun,
  name: string,
  at: Timestamp,
  context: EffectContext,
  fact: () => Fact,
): void {
  const delayMs = Math.max(0, at - context.now());
  keepTimer(run, name, delayMs, context, () => context.submit(run, fact()));
}

function keepTimer(
  run: ResidentRun,
  name: string,
  delayMs: number,
  { clock }: EffectContext,
  fire: () => void,
): void {
  run.timers?.get(name)?.();
  const cancel = clock.setTimer(delayMs, () => {
    run.timers?.delete(name);
    fire();
  });
  (run.timers ??= new Map()).set(name, cancel);
}
