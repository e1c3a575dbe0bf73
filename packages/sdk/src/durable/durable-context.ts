// The `ctx` of a function: from what an author writes to what a session asks for.
import {
  checkName,
  engineFailure,
  MillraceError,
  parseRunId,
  toDurationMs,
  toJsonText,
  toTimestamp,
  type Duration,
  type JsonValue,
  type RunId,
  type Timestamp,
  type WorkflowRef,
} from "@millrace/protocol";
import { toNote, type Asker } from "./ask.ts";
import { StepError } from "./durable-errors.ts";
import { askForChild, askForChildren } from "./invoke.ts";
import type { Jsonified } from "./jsonified.ts";
import { readEvent, readNothing, readOutput } from "./read-outcome.ts";
import { StableRandom } from "./stable-random.ts";
import { toStepPolicy, type StepOptions, type StepPolicy } from "./step-policy.ts";
import { toHttpInput } from "./to-http-input.ts";
import { toStoredJson } from "./to-stored-json.ts";
import type {
  EventWait,
  HttpAnswer,
  HttpCall,
  InvokeManyOptions,
  InvokeOptions,
  Notification,
  StepBody,
  WorkflowContext,
  WorkflowLog,
} from "./workflow-context.ts";

type Level = keyof WorkflowLog;

export class DurableContext implements WorkflowContext {
  readonly runId: RunId;
  readonly attempt: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly workspace: string | null;
  readonly userId: string | null;
  readonly #asker: Asker;
  // Most runs need none of these.
  #stableRandom: StableRandom | null = null;
  #log: WorkflowLog | null = null;
  #patches: Map<string, boolean> | null = null;

  constructor(asker: Asker) {
    const { task } = asker;
    this.#asker = asker;
    this.runId = task.runId;
    this.attempt = task.residence;
    this.metadata = task.metadata;
    this.workspace = task.workspace;
    this.userId = task.user;
  }

  get signal(): AbortSignal {
    return this.#asker.signal;
  }

  run<T>(
    name: string,
    body: StepBody<T>,
    options: StepOptions = {},
  ): Promise<Jsonified<Awaited<T>>> {
    return this.#operation(name, () => {
      const { retry, timeoutMs } = this.#toPolicy(options);
      if (typeof body !== "function") throw invalid("The body of a step must be a function");
      return this.#asker.ask({
        name,
        body,
        toRequest: (key) => ({ kind: "run", key, retry, timeoutMs }),
        // What the body returned, written as JSON and read again.
        read: (outcome, key) => readOutput(outcome, key) as Jsonified<Awaited<T>>,
      });
    });
  }

  sleep(name: string, duration: Duration): Promise<void> {
    return this.#operation(name, () => {
      const afterMs = toDurationMs(duration, "duration");
      return this.#asker.ask({
        name,
        toRequest: (key) => ({ kind: "sleep", key, due: { afterMs } }),
        read: readNothing,
      });
    });
  }

  sleepUntil(name: string, at: Date | number | string): Promise<void> {
    return this.#operation(name, () => {
      const instant = toInstant(at);
      return this.#asker.ask({
        name,
        toRequest: (key) => ({ kind: "sleep", key, due: { at: instant } }),
        read: readNothing,
      });
    });
  }

  waitForEvent<T = JsonValue>(name: string, wait: EventWait<T> = {}): Promise<T | null> {
    return this.#operation(name, () => {
      const { event = name, timeout, lookback = 0, schema } = wait;
      const problem = checkName(event);
      if (problem !== undefined) throw invalid(`\`event\`: ${problem}`);
      const timeoutMs = timeout === undefined ? null : toDurationMs(timeout, "timeout");
      const lookbackMs = toDurationMs(lookback, "lookback");
      return this.#asker.ask({
        name,
        toRequest: (key) => ({ kind: "event", key, event, timeoutMs, lookbackMs }),
        read: (outcome, key) => readEvent(outcome, key, schema),
      });
    });
  }

  call<Body = JsonValue>(name: string, call: HttpCall): Promise<HttpAnswer<Body>> {
    return this.#operation(name, () => {
      const { retry, ...rest } = this.#toPolicy(toRetryOptions(call));
      const { input, timeoutMs: callMs } = toHttpInput(name, call);
      // The call's own limit ends it first, and says so better.
      const timeoutMs = Math.max(rest.timeoutMs, (callMs ?? 0) + CALL_MARGIN_MS);
      return this.#asker.ask({
        name,
        toRequest: (key) => ({
          kind: "action",
          key,
          target: "http.request",
          input,
          retry,
          timeoutMs,
        }),
        // The shape of the action's output; what its body is, the author says.
        read: (outcome, key) => readOutput(outcome, key) as unknown as HttpAnswer<Body>,
      });
    });
  }

  invoke<Input, Output>(
    name: string,
    workflow: WorkflowRef<Input, Output>,
    input: NoInfer<Input>,
    options?: InvokeOptions,
  ): Promise<Output>;
  invoke(
    name: string,
    workflow: string,
    input: unknown,
    options?: InvokeOptions,
  ): Promise<JsonValue>;
  invoke(
    name: string,
    workflow: WorkflowRef | string,
    input: unknown,
    options: InvokeOptions = {},
  ): Promise<unknown> {
    return this.#operation(name, () =>
      askForChild(this.#asker, { name, workflow: nameOf(workflow), input, options }),
    );
  }

  invokeMany<Input, Output>(
    name: string,
    workflow: WorkflowRef<Input, Output>,
    inputs: readonly NoInfer<Input>[],
    options?: InvokeManyOptions,
  ): Promise<Output[]>;
  invokeMany(
    name: string,
    workflow: string,
    inputs: readonly unknown[],
    options?: InvokeManyOptions,
  ): Promise<JsonValue[]>;
  // The overloads say what the outputs are.
  invokeMany(
    name: string,
    workflow: WorkflowRef | string,
    inputs: readonly unknown[],
    options: InvokeManyOptions = {},
    // oxlint-disable-next-line typescript/no-explicit-any -- each overload names its own
  ): Promise<any> {
    return this.#operation(name, () =>
      askForChildren(this.#asker, { name, workflow: nameOf(workflow), inputs, options }),
    );
  }

  notify(name: string, notification: Notification): Promise<void> {
    return this.#operation(name, () => {
      const { event, data = null, runId } = notification;
      const problem = checkName(event);
      if (problem !== undefined) throw invalid(`\`event\`: ${problem}`);
      const receiver = runId === undefined ? null : parseRunId(runId);
      if (receiver === undefined) throw invalid("`runId` is not the id of a run");
      const json = toStoredJson(name, "The data", data);
      return this.#asker.ask({
        name,
        toRequest: (key) => ({ kind: "notify", key, event, data: json, runId: receiver }),
        read: readNothing,
      });
    });
  }

  setProgress(value: unknown): Promise<void> {
    return this.#note("$progress", "ctx.setProgress", value);
  }

  stream(name: string): { append(value: unknown): Promise<void> } {
    const problem = checkName(name);
    if (problem !== undefined) throw refuse("stream", `The name of a stream: ${problem}`);
    return {
      append: (value) =>
        this.#note(`$stream/${name}`, `ctx.stream(${JSON.stringify(name)}).append`, value),
    };
  }

  now(): Date {
    return new Date(this.#asker.at);
  }

  get log(): WorkflowLog {
    this.#log ??= {
      debug: (message, fields) => this.#writeLine("debug", message, fields),
      info: (message, fields) => this.#writeLine("info", message, fields),
      warn: (message, fields) => this.#writeLine("warn", message, fields),
      error: (message, fields) => this.#writeLine("error", message, fields),
    };
    return this.#log;
  }

  random(): number {
    this.#asker.assertOutside("ctx.random");
    return this.#random.number();
  }

  uuid(): string {
    this.#asker.assertOutside("ctx.uuid");
    return this.#random.uuid();
  }

  get #random(): StableRandom {
    this.#stableRandom ??= new StableRandom(this.runId);
    return this.#stableRandom;
  }

  patched(id: string): boolean {
    this.#asker.assertOutside("ctx.patched");
    const problem = checkName(id);
    if (problem !== undefined) throw refuse("patched", `The id of a patch: ${problem}`);
    this.#patches ??= new Map();
    const before = this.#patches.get(id);
    if (before !== undefined) return before;
    const name = `$patch/${id}`;
    // A run that was further than this when the patch came has entries of what this code has still to ask for.
    const isPatched = this.#asker.isJournaled(name) || this.#asker.isJournalMet;
    this.#patches.set(id, isPatched);
    if (isPatched) void this.#note(name, "ctx.patched", true);
    return isPatched;
  }

  onRollback(name: string, body: StepBody, options: StepOptions = {}): void {
    this.#asker.assertOutside("ctx.onRollback");
    checkStepName(name);
    const policy = this.#toPolicy(options);
    this.#asker.addRollback({ name: `rollback/${name}`, body, policy });
  }

  #toPolicy(options: StepOptions): StepPolicy {
    return toStepPolicy(options, this.#asker.workflow.settings.step);
  }

  /** What is wrong with a call rejects: who catches failures of steps catches that as well. */
  #operation<T>(name: string, ask: () => Promise<T>): Promise<T> {
    try {
      this.#asker.assertOutside(`ctx, for step ${name},`);
      checkStepName(name);
      return ask();
    } catch (thrown) {
      const refused = MillraceError.is(thrown) ? refuse(name, thrown.message) : thrown;
      if (!(refused instanceof StepError) || refused.code === "run.too-many-operations")
        throw refused;
      return this.#asker.track(name, Promise.reject<T>(refused));
    }
  }

  /** @throws {StepError} step.nested, input.invalid */
  #note(name: string, what: string, value: unknown): Promise<void> {
    this.#asker.assertOutside(what);
    const output = toStoredJson(name, what, value);
    return this.#asker.ask({
      name,
      toRequest: (key) => toNote(key, output),
      read: readNothing,
      isNote: true,
    });
  }

  #writeLine(level: Level, message: string, fields?: Readonly<Record<string, unknown>>): void {
    const line = { level, message };
    // A line is not worth a failure.
    const isWhole = fields === undefined || toJsonText(fields).ok;
    const shown = isWhole ? fields : { problem: "The fields cannot be stored" };
    void this.#note("$log", "ctx.log", shown === undefined ? line : { ...line, fields: shown });
  }
}

const CALL_MARGIN_MS = 5_000;

const nameOf = (workflow: WorkflowRef | string): string =>
  typeof workflow === "string" ? workflow : workflow.name;

function toRetryOptions({ retries, backoff }: HttpCall): StepOptions {
  return {
    ...(retries === undefined ? {} : { retries }),
    ...(backoff === undefined ? {} : { backoff }),
  };
}

function toInstant(at: unknown): Timestamp {
  const ms = at instanceof Date ? at.getTime() : typeof at === "string" ? Date.parse(at) : at;
  if (typeof ms === "number" && Number.isFinite(ms)) return toTimestamp(ms);
  throw invalid(
    `${String(at).slice(0, 100)} is no instant; give a Date, ISO 8601 text or epoch ms`,
  );
}

/** `$` begins the keys of notes. */
function checkStepName(name: string): void {
  const problem = checkName(name) ?? (name.startsWith("$") ? "Must not begin with `$`" : undefined);
  if (problem !== undefined)
    throw refuse(typeof name === "string" ? name : "?", `The name of a step: ${problem}`);
}

const refuse = (step: string, message: string): StepError =>
  new StepError(engineFailure("step.invalid", message, "definition", { step: step.slice(0, 255) }));

const invalid = (message: string): MillraceError => new MillraceError("option.invalid", message);
