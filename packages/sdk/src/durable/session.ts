// One residence of a run at this host: the function, brought where the journal ends, and on from there.
//
//   D1. The function hears one settlement at a time, in journal order, with a macrotask between, in life and in replay.
//   D2. In replay it hears the journal's settlements; what the journal does not know is asked for at its end.
//   D3. Before it hears the next one, it has asked for all that the journal has at its position; or it differs.
//   D4. When the function has ended, or was stopped, it hears nothing more: what it still waits for never settles.
//   D5. What it asks for then is not asked; rollbacks and `onFailure` are asked for in its place.
import {
  asJsonText,
  engineFailure,
  type BodyResult,
  type CodeRequest,
  type CodeTask,
  type Failure,
  type HostReport,
  type OperationKind,
  type Outcome,
  type Settlement,
  type StopNotice,
  type Timestamp,
} from "@millrace/protocol";
import { toNote, type Ask, type Asker, type OperationRequest } from "./ask.ts";
import { Compensation, type CompensationStep } from "./compensation.ts";
import { DurableContext } from "./durable-context.ts";
import { DurablePromise } from "./durable-promise.ts";
import { StepError } from "./durable-errors.ts";
import { execute } from "./execute.ts";
import type { HostPorts } from "./host-ports.ts";
import { LazyAbort } from "./lazy-abort.ts";
import { LivingBodies } from "./living-bodies.ts";
import { Operations } from "./operations.ts";
import { describeEnd, ReplayGuide, type Difference } from "./replay-guide.ts";
import { ToldQueue, type Told } from "./told-queue.ts";
import type { StepBody } from "./workflow-context.ts";
import type { AnyWorkflow } from "./workflow.ts";

export interface SessionSink {
  ask(position: number, request: CodeRequest): void;
  say(report: SessionReport): void;
  /** Takes back what was asked and not yet reported. */
  dropAsked(): void;
}

/** Without the name of the session, which the host knows. */
export type SessionReport = SessionReportOf<
  Extract<HostReport, { type: "idle" | "attempted" | "diverged" }>
>;
type SessionReportOf<R> = R extends unknown ? Omit<R, "session"> : never;

export interface SessionOptions {
  readonly workflow: AnyWorkflow;
  readonly task: CodeTask;
  readonly ports: HostPorts;
  readonly sink: SessionSink;
  /** Most operations that may be asked for while none settles. */
  readonly maxUnsettled: number;
  /** Told of a difference in its parts, before it is reported. */
  readonly onDifference?: (difference: Difference) => void;
}

/** `ended`: its function has; nobody has acted on it yet. `done`: the run's end is asked for. */
type Phase = "running" | "ended" | "compensating" | "done" | "closed";

/** How long replay waits for what the journal has: the function may await something that is not durable. */
const MISSING_GRACE_MS = 1_000;
/** As long as a run's owner gives them. */
const BODY_GRACE_MS = 5_000;

export class Session implements Asker {
  readonly task: CodeTask;
  readonly workflow: AnyWorkflow;
  readonly #options: SessionOptions;
  readonly #guide: ReplayGuide;
  readonly #bodies: LivingBodies;
  readonly #compensation = new Compensation();
  readonly #abort = new LazyAbort();
  readonly #queue: ToldQueue;
  #isReplaying: boolean;
  #isPumping = false;
  /** Asked for in replay and not known to the journal, or open there. */
  #held: { readonly position: number; readonly request: CodeRequest }[] = [];
  readonly #operations = new Operations();
  #phase: Phase = "running";
  #result: Outcome = { status: "cancelled" };
  #input: { readonly value: unknown } | null = null;
  #position = 0;
  #heard = 0;
  #at: Timestamp;
  #unsettledCount = 0;
  #isStopped = false;
  #isInGrace = false;
  #wakeMissing: (() => void) | null = null;

  constructor(options: SessionOptions) {
    const { task, workflow, ports } = options;
    this.#options = options;
    this.task = task;
    this.workflow = workflow;
    this.#guide = new ReplayGuide(task);
    this.#bodies = new LivingBodies(ports.bodyScope);
    this.#queue = new ToldQueue(task);
    this.#isReplaying = !this.#queue.isReplayTaken || !this.#guide.isMet;
    this.#at = task.createdAt;
  }

  /** The function's clock. */
  get at(): Timestamp {
    return this.#at;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get isJournalMet(): boolean {
    return this.#guide.isMet;
  }

  begin(): void {
    void this.#runFunction();
    // Also a function that has asked for nothing must be brought where its journal ends.
    this.#wake();
  }

  tell(settlement: Settlement): void {
    this.#receive({ type: "settlement", settlement });
  }

  stop(notice: StopNotice): void {
    this.#receive({ type: "stop", notice });
  }

  async attempt(key: string, attempt: number): Promise<void> {
    if (this.#phase === "closed") return;
    const body = this.#operations.bodyOf(key);
    if (body === undefined) {
      this.#options.sink.say({ type: "attempted", key, attempt, result: unwanted(key, attempt) });
      return;
    }
    const idempotencyKey = `${this.task.runId}/${key}`;
    const place = placeOf(key, attempt);
    const result = await this.#bodies.run({ place, step: key, attempt }, (abort) =>
      body({
        step: key,
        attempt,
        idempotencyKey,
        get signal() {
          return abort.signal;
        },
      }),
    );
    if (!this.#isClosed()) this.#options.sink.say({ type: "attempted", key, attempt, result });
  }

  abortBody(key: string, attempt: number, reason: string): void {
    this.#bodies.abort(placeOf(key, attempt), reason);
  }

  close(reason: string): void {
    this.#phase = "closed";
    this.#operations.freeze();
    this.#abort.abort(reason);
    this.#bodies.abortAll(reason);
    this.#wakeMissing?.();
  }

  /** @throws {StepError} step.nested, in the body of a step: replay does not run it, so what it asked for would be missing */
  assertOutside(what: string): void {
    const step = this.#bodies.current;
    if (step === null) return;
    const message = `${what} is used inside the body of step ${step}; use it between steps, and hand the body its result`;
    throw new StepError(engineFailure("step.nested", message, "definition", { step }));
  }

  /**
   * The function asks for an operation.
   *
   * @throws {StepError} run.too-many-operations: thrown, not rejected, since who does not await would not notice
   */
  ask<T>(ask: Ask<T>): DurablePromise<T> {
    if (!this.#mayAsk(ask)) return never();
    const key = this.toKey(ask.name);
    const onAwaited = ask.isNote === true ? ignore : this.#operations.expectAwait(key);
    const { promise, resolve, reject } = DurablePromise.create<T>(onAwaited);
    this.#operations.open(key, ask.body, (outcome) => {
      try {
        const value = ask.read(outcome, key);
        if (value instanceof Promise) promise.expectRejection();
        resolve(value);
      } catch (thrown) {
        promise.expectRejection();
        reject(thrown);
      }
    });
    this.#request(key, ask.toRequest(key));
    return promise;
  }

  track<T>(key: string, source: Promise<T>): DurablePromise<T> {
    return DurablePromise.of(source, this.#operations.expectAwait(key));
  }

  toKey(name: string): string {
    return this.#operations.toKey(name);
  }

  isJournaled(key: string): boolean {
    return this.#guide.has(key);
  }

  addRollback(step: CompensationStep): void {
    if (this.#phase === "running") this.#compensation.add(step);
  }

  async #runFunction(): Promise<void> {
    const ctx = new DurableContext(this);
    const outcome = await execute(this.workflow, this.task.input, ctx, (value) => {
      this.#input = { value };
    });
    if (this.#phase === "running") this.#endFunction(outcome);
  }

  /** D4. */
  #endFunction(outcome: Outcome): void {
    this.#phase = "ended";
    this.#result = outcome;
    this.#operations.freeze();
    this.#wake();
  }

  #mayAsk({ name, isNote = false }: Ask<unknown>): boolean {
    if (this.#phase === "ended" && this.#result.status === "completed" && !isNote) {
      // D5. Branches that go on after a failure are no mistake; after a success they are forgotten ones.
      const message = `Step ${name} was asked for after the function had returned; await all that it does`;
      this.#result = toFailed("step.after-end", message, name);
    }
    if (this.#phase !== "running") return false;
    this.#unsettledCount += 1;
    const { maxUnsettled, sink } = this.#options;
    if (this.#unsettledCount <= maxUnsettled) return true;
    const message = `The function asked for more than ${maxUnsettled} operations and waited for none, last for ${name}; a loop may lack an await`;
    const outcome = toFailed("run.too-many-operations", message, name);
    if (!this.#isReplaying) sink.dropAsked();
    this.#held = [];
    this.#endFunction(outcome);
    throw new StepError(outcome.failure);
  }

  #request(key: string, request: OperationRequest): void {
    if (!this.#isReplaying) {
      this.#options.sink.ask(this.#position, request);
    } else {
      const met = this.#guide.meet(key, KIND_OF[request.kind], this.#position);
      if (typeof met === "object") this.#diverge(met);
      else if (met !== "settled") this.#held.push({ position: this.#position, request });
    }
    this.#wake();
  }

  #receive(told: Told): void {
    if (this.#phase === "closed") return;
    this.#queue.push(told);
    if (this.#isPumping) return;
    this.#hearNext();
    void this.#pump();
  }

  /** Something was asked for or has ended, perhaps outside of any turn. */
  #wake(): void {
    if (this.#wakeMissing !== null) this.#wakeMissing();
    else if (!this.#isPumping) void this.#pump();
  }

  /** D1. */
  async #pump(): Promise<void> {
    this.#isPumping = true;
    do {
      if (!(await this.#turn())) return;
      if (this.#isReplaying && !(await this.#untilMet())) return;
      if (this.#isReplaying && this.#queue.isReplayTaken) this.#goLive();
    } while (this.#hearNext());
    this.#isPumping = false;
    if (this.#phase === "done" || this.#isInGrace) return;
    this.#options.sink.say({ type: "idle", sequence: this.#heard });
  }

  /** @returns false: the session is over */
  async #turn(): Promise<boolean> {
    await new Promise<void>((resolve) => this.#options.ports.macrotask(resolve));
    if (this.#phase === "ended") this.#finish();
    return !this.#isClosed();
  }

  /** D3. @returns false: the session is over */
  async #untilMet(): Promise<boolean> {
    for (let key = this.#findMissing(); key !== undefined; key = this.#findMissing()) {
      if (this.#phase === "done") {
        this.#diverge(this.#guide.explainMissing(key, describeEnd(this.#result)));
      } else if (!(await this.#untilAsked())) {
        this.#diverge(this.#guide.explainMissing(key, this.#describeInstead()));
      }
      if (this.#isClosed() || !(await this.#turn())) return false;
    }
    return true;
  }

  #findMissing(): string | undefined {
    const next = this.#queue.nextOfReplay;
    if (next?.type === "settlement" && this.#guide.has(next.settlement.key))
      return next.settlement.key;
    return next === undefined ? this.#guide.missing() : this.#guide.missingAt(this.#position);
  }

  /** @returns false: it took too long */
  #untilAsked(): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (isAsked: boolean): void => {
        cancel();
        this.#wakeMissing = null;
        resolve(isAsked);
      };
      const cancel = this.#options.ports.setTimer(MISSING_GRACE_MS, () => end(false));
      this.#wakeMissing = () => end(true);
    });
  }

  #describeInstead(): string {
    const last = this.#held.findLast(({ position }) => position === this.#position)?.request;
    return last === undefined || last.kind === "end"
      ? "the code did not ask for it"
      : `the code asked for ${JSON.stringify(last.key)} and not for it`;
  }

  /** @returns false: there is nothing */
  #hearNext(): boolean {
    const told = this.#queue.take();
    if (told === undefined) return false;
    if (told.type === "stop") this.#hearStop(told.notice);
    else this.#hear(told.settlement);
    return true;
  }

  #hear({ sequence, key, kind, outcome, at }: Settlement): void {
    this.#heard = Math.max(this.#heard, sequence);
    const settle = this.#operations.take(key);
    if (settle === undefined) return;
    // Only a child can be cancelled without its parent.
    if (outcome.status === "cancelled" && kind !== "child") return;
    this.#position = sequence;
    this.#at = at;
    this.#unsettledCount = 0;
    settle(outcome);
  }

  #hearStop({ sequence, outcome, at }: StopNotice): void {
    this.#heard = Math.max(this.#heard, sequence);
    // The first reason stands.
    if (this.#isStopped) return;
    this.#isStopped = true;
    this.#position = sequence;
    this.#at = at;
    this.#held = [];
    this.#operations.freeze();
    this.#phase = "compensating";
    const reason =
      outcome.status === "failed"
        ? outcome.failure.message
        : `Run ${this.task.runId} was cancelled`;
    this.#abort.abort(reason);
    this.#bodies.abortAll(reason);
    if (this.#bodies.count === 0) void this.#compensate(outcome);
    else void this.#compensateAfterBodies(outcome);
  }

  async #compensateAfterBodies(outcome: Outcome): Promise<void> {
    this.#isInGrace = true;
    await new Promise<void>((resolve) => {
      const cancel = this.#options.ports.setTimer(BODY_GRACE_MS, resolve);
      void this.#bodies.ended().then(() => {
        cancel();
        resolve();
      });
    });
    this.#isInGrace = false;
    if (!this.#isClosed()) await this.#compensate(outcome);
  }

  #finish(): void {
    const { forgotten } = this.#operations;
    if (this.#result.status === "completed" && forgotten !== undefined) {
      const message = `Nobody awaited ${forgotten} before the function returned; await it, or take it out`;
      this.#result = toFailed("step.not-awaited", message, forgotten);
    }
    this.#phase = "compensating";
    if (this.#result.status === "completed") this.#end(this.#result);
    else void this.#compensate(this.#result);
  }

  async #compensate(outcome: Outcome): Promise<void> {
    const ended = await this.#compensation.run(outcome, {
      step: (step) => this.#runStep(step),
      logError: (message, fields) => this.#logError(message, fields),
      onFailure: (failure) => this.#toFailureStep(failure),
    });
    if (!this.#isClosed()) this.#end(ended);
  }

  #runStep({ name, body, policy }: CompensationStep): Promise<Outcome> {
    if (this.#isClosed()) return never();
    const key = this.toKey(name);
    const { retry, timeoutMs } = policy;
    return new Promise((resolve) => {
      this.#operations.open(key, body, resolve);
      this.#request(key, { kind: "run", key, retry, timeoutMs });
    });
  }

  #logError(message: string, fields: Readonly<Record<string, string>>): void {
    const key = this.toKey("$log");
    const line = asJsonText(JSON.stringify({ level: "error", message, fields }));
    this.#request(key, toNote(key, line));
  }

  #toFailureStep(failure: Failure): CompensationStep | null {
    const { onFailure, step } = this.workflow.settings;
    if (onFailure === null || this.#input === null) return null;
    const { value } = this.#input;
    const { runId, metadata } = this.task;
    const body: StepBody = (scope) =>
      // `workflow` and `implement` have matched it with the input.
      onFailure(failure, Object.assign(scope, { input: value as never, runId, metadata }));
    return { name: "on-failure", body, policy: step };
  }

  #end(outcome: Outcome): void {
    this.#phase = "done";
    const request = { kind: "end", outcome } as const;
    if (this.#isReplaying) this.#held.push({ position: this.#position, request });
    else this.#options.sink.ask(this.#position, request);
    this.#wake();
  }

  /** D2. */
  #goLive(): void {
    this.#isReplaying = false;
    for (const { position, request } of this.#held) this.#options.sink.ask(position, request);
    this.#held = [];
  }

  #diverge(difference: Difference): void {
    if (this.#isClosed()) return;
    const { step, message } = difference;
    this.#options.onDifference?.(difference);
    this.#options.sink.say({ type: "diverged", step, message });
    this.close(message);
  }

  /** A method, so that the compiler does not take what it was before an `await` for what it is. */
  #isClosed(): boolean {
    return this.#phase === "closed";
  }
}

const KIND_OF: Readonly<Record<OperationRequest["kind"], OperationKind>> = {
  run: "call",
  action: "call",
  note: "call",
  notify: "call",
  sleep: "timer",
  event: "event",
  invoke: "child",
};

const placeOf = (key: string, attempt: number): string => `${attempt}/${key}`;

function toFailed(code: string, message: string, step: string): Failed {
  return { status: "failed", failure: engineFailure(code, message, "definition", { step }) };
}

/** D4: its owner must not wait for it until it times out. */
function unwanted(key: string, attempt: number): BodyResult {
  const message = `Nobody waits for step ${key} any more`;
  const failure = engineFailure("step.cancelled", message, "code", { step: key, attempt });
  return { ok: false, failure, retryAfterMs: null, terminal: true };
}

type Failed = Extract<Outcome, { status: "failed" }>;

const ignore = (): void => undefined;

/** What nobody may hear of any more. */
const never = <T>(): DurablePromise<T> => DurablePromise.of(new Promise<T>(ignore), ignore);
