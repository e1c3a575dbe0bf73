import type { Duration, JsonValue, RunId, StandardSchema, WorkflowRef } from "@millrace/protocol";
import type { Jsonified } from "./jsonified.ts";
import type { Backoff, StepOptions } from "./step-policy.ts";

/** What the body of a step may know about the attempt it is. */
export interface StepScope {
  /** Key of the step: its name, `name#2` for the second of that name. */
  readonly step: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /** The same for every attempt of this step of this run: hand it to the far side, so that what is done twice counts once. */
  readonly idempotencyKey: string;
  /** Aborts when the attempt overruns its time, the run is cancelled, or its owner loses it. */
  readonly signal: AbortSignal;
}

export type StepBody<T = unknown> = (scope: StepScope) => T;

/** A request that the engine makes, through its guard; as the step `http.request` of a JSON workflow. */
export interface HttpCall {
  readonly url: string | URL;
  /** Default: GET, or POST with a body. */
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, QueryValue | readonly QueryValue[]>>;
  /** Text goes as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly form?: Readonly<Record<string, QueryValue | readonly QueryValue[]>>;
  readonly auth?:
    { readonly bearer: string } | { readonly username: string; readonly password: string };
  /** Statuses that count as success: `[200, 404]`, `["2xx"]`. Default: 200 to 299; any other fails the step. */
  readonly expect?: number | string | readonly (number | string)[];
  readonly parse?: "auto" | "json" | "text" | "bytes";
  readonly maxBytes?: number;
  /** Of one attempt. Default: 30 s. */
  readonly timeout?: Duration;
  readonly retries?: number;
  readonly backoff?: Backoff;
}

type QueryValue = string | number | boolean | null;

export interface HttpAnswer<Body = JsonValue> {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, JsonValue>>;
  readonly body: Body;
}

export interface EventWait<T> {
  /** Default: the step's name. */
  readonly event?: string;
  /** Default: none; it waits for ever. */
  readonly timeout?: Duration;
  /** How long before the wait an event may have been published. Default: not at all. */
  readonly lookback?: Duration;
  /** Checks the data; what does not fit rejects with a `StepError` `event.invalid`. */
  readonly schema?: StandardSchema<unknown, T>;
}

export interface InvokeOptions {
  readonly metadata?: Readonly<Record<string, string>>;
  /** What becomes of the child when this run ends first. Default: `cancel`. */
  readonly onParentEnd?: "cancel" | "abandon";
}

export interface InvokeManyOptions extends InvokeOptions {
  /** How many children live at once. Default: 1,000. */
  readonly concurrency?: number;
}

export interface Notification {
  readonly event: string;
  readonly data?: unknown;
  /** Only this run. Default: all who wait for the event. */
  readonly runId?: string;
}

type LogMethod = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

export interface WorkflowLog {
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
}

/**
 * What the function of a code workflow has in hand. Everything that returns a promise is journaled: it settles when its
 * result is durable, and again the same way in each replay. A promise of a run that waits, is stopped or is lost
 * does not settle, so no `catch` ever sees that.
 */
export interface WorkflowContext {
  readonly runId: RunId;
  /** How many owners the run has had, with this one. */
  readonly attempt: number;
  readonly metadata: Readonly<Record<string, string>>;
  readonly workspace: string | null;
  readonly userId: string | null;
  /** Aborts when the run is to stop, or is not here any more. */
  readonly signal: AbortSignal;

  /**
   * A step. Its body may run more than once; its result counts once, and comes as JSON has it.
   *
   * @throws {StepError} it failed for good
   */
  run<T>(name: string, body: StepBody<T>, options?: StepOptions): Promise<Jsonified<Awaited<T>>>;
  sleep(name: string, duration: Duration): Promise<void>;
  /** An instant that is past ends it at once. */
  sleepUntil(name: string, at: Date | number | string): Promise<void>;
  /** The next signal or event of that name. null: its time is over. */
  waitForEvent<T = JsonValue>(name: string, wait?: EventWait<T>): Promise<T | null>;
  /** @throws {StepError} `http.status`, `outbound.refused`, … */
  call<Body = JsonValue>(name: string, call: HttpCall): Promise<HttpAnswer<Body>>;
  /**
   * A child run: one, however often this is replayed.
   *
   * @throws {ChildError} it failed or was cancelled
   */
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
  /**
   * A child for each input; their keys are `name[0]`, `name[1]`, … All are run, also when one fails.
   *
   * @returns outputs in the order of the inputs
   * @throws {ChildrenError} some failed
   */
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
  /** A signal to one run, or an event to all who wait for it. Settles when it is sure to arrive. */
  notify(name: string, notification: Notification): Promise<void>;

  /** Where the run is, for readers. Need not be awaited; nor do items of streams. */
  setProgress(value: unknown): Promise<void>;
  stream(name: string): { append(value: unknown): Promise<void> };
  readonly log: WorkflowLog;

  /** When what the function heard last was journaled. The same in each replay; it stands still between. */
  now(): Date;
  /** 0 up to 1; the same in each replay. Not secret. */
  random(): number;
  /** The same in each replay. Not secret: make keys and tokens in a step. */
  uuid(): string;
  /**
   * Whether this run takes the new way: true if it had not passed this point when the code changed. Decided at the first call
   * with this id, and remembered.
   */
  patched(id: string): boolean;
  /**
   * To be done, as a step `rollback/<name>`, if the run fails or is cancelled after this. The last one is done first. If one fails
   * for good, the others are still done.
   */
  onRollback(name: string, body: StepBody, options?: StepOptions): void;
}
