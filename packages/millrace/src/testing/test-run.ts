import type { TestWorld } from "@millrace/engine/testing";
import {
  MillraceError,
  toIso,
  type Failure,
  type JsonValue,
  type NotifyResult,
  type RunSnapshot,
  type RunStatus,
  type Step,
  type StepStatus,
  type StreamItem,
  type Timestamp,
  type WatchedEvent,
} from "@millrace/protocol";
import type { RunHandle, WaitOptions } from "@millrace/sdk/client";
import { explainWait, isSetAside } from "./explain-wait.ts";

/** A step as the journal has it. */
export interface JournalStep {
  /** Its key: `name`, `name#2` for the second of that name, `loop[3]/name` in a loop. */
  readonly step: string;
  /** Of a code workflow `run`, `sleep`, `invoke` or `waitForEvent`; else the step's type. */
  readonly kind: string;
  readonly status: StepStatus;
  /** How many have ended. */
  readonly attempts: number;
  /** null unless completed. */
  readonly output: JsonValue;
  /** Why it failed, or why the last attempt did. */
  readonly failure: Failure | null;
  /** ISO 8601, by the engine's time. null: not begun. */
  readonly startedAt: string | null;
  readonly endedAt: string | null;
}

/** A run, as of a client, whose time passes as fast as it can. */
export interface TestRun<Output = JsonValue> extends RunHandle<Output> {
  /**
   * Moves time as far as the run needs to end.
   *
   * @throws {RunFailedError} @throws {RunCancelledError} @throws {Error} no time ends it; says what it waits for
   */
  result(options?: WaitOptions): Promise<Output>;
  /** Its steps as they stand, in the order in which they began. Those that have not begun come last. */
  journal(): Promise<readonly JournalStep[]>;
  /**
   * Asserts which steps have completed, in the order of their ends. Waits for bodies that are at work, as `settle` does.
   *
   * @throws {Error} others have, with the run's timeline; a body does not end
   */
  expectSteps(steps: readonly string[]): Promise<void>;
}

export class WorldRun<Output> implements TestRun<Output> {
  readonly id: string;
  readonly #world: TestWorld;
  readonly #handle: RunHandle<Output>;

  constructor(world: TestWorld, handle: RunHandle<Output>) {
    this.id = handle.id;
    this.#world = world;
    this.#handle = handle;
  }

  async result(options: WaitOptions = {}): Promise<Output> {
    const { signal } = options;
    const { id } = await this.#handle.get();
    const world = this.#world;
    const isOver = (): boolean =>
      signal?.aborted === true || world.findLive(id) === null || isSetAside(world, id);
    await world.moveUntil(isOver);
    signal?.throwIfAborted();
    if (world.findLive(id) !== null) {
      const timeline = toTimeline(await this.journal());
      throw new Error(`Run ${id} ${explainWait(world, id)}\n${timeline}`);
    }
    return this.#handle.result(options);
  }

  async status(): Promise<RunStatus> {
    return (await this.get()).status;
  }

  async get(): Promise<RunSnapshot> {
    await this.#world.pause();
    return this.#handle.get();
  }

  async journal(): Promise<readonly JournalStep[]> {
    const { steps } = await this.get();
    return steps.toSorted(byStart).map(toJournalStep);
  }

  async expectSteps(steps: readonly string[]): Promise<void> {
    await this.#world.settle();
    const run = await this.get();
    const completed = run.steps
      .filter(({ status }) => status === "completed")
      .toSorted((a, b) => Number(a.endedAt) - Number(b.endedAt))
      .map(({ key }) => key);
    if (completed.length === steps.length && completed.every((key, i) => key === steps[i])) return;
    const timeline = toTimeline(run.steps.toSorted(byStart).map(toJournalStep));
    throw new Error(
      `Run ${run.id} completed ${toList(completed)}, and not ${toList(steps)}\n${timeline}`,
    );
  }

  async cancel(reason?: string): Promise<boolean> {
    const isAsked = await this.#handle.cancel(reason);
    await this.#world.pause();
    return isAsked;
  }

  async signal(name: string, data?: unknown): Promise<NotifyResult> {
    const result = await this.#handle.signal(name, data).catch(async (error: unknown) => {
      throw await this.#explainFinished(error);
    });
    await this.#world.pause();
    return result;
  }

  /** How it ended is what its test wants to know. */
  async #explainFinished(error: unknown): Promise<unknown> {
    if (!MillraceError.is(error) || error.code !== "run.finished") return error;
    const { status, steps } = await this.get();
    const timeline = toTimeline(steps.toSorted(byStart).map(toJournalStep));
    const message = `Run ${this.id} has ended already, and is ${status}\n${timeline}`;
    return new MillraceError(error.code, message, { cause: error });
  }

  events(
    options?: WaitOptions & { readonly after?: number },
  ): AsyncIterableIterator<WatchedEvent, void> {
    return this.#handle.events(options);
  }

  stream(
    name: string,
    options?: WaitOptions & { readonly offset?: number },
  ): AsyncIterableIterator<StreamItem, void> {
    return this.#handle.stream(name, options);
  }
}

const byStart = (a: Step, b: Step): number => startOf(a) - startOf(b);
/** Two that have not begun are equal. */
const startOf = ({ startedAt }: Step): number => startedAt ?? Number.MAX_SAFE_INTEGER;

const toJournalStep = (step: Step): JournalStep => ({
  step: step.key,
  kind: step.type,
  status: step.status,
  attempts: step.attempts.length,
  output: step.output,
  failure: step.failure,
  startedAt: toText(step.startedAt),
  endedAt: toText(step.endedAt),
});

const toText = (at: Timestamp | null): string | null => (at === null ? null : toIso(at));

const toList = (names: readonly string[]): string => `[${names.join(", ")}]`;

const MOST_SHOWN = 30;

/** A line a step, of the last ones. */
function toTimeline(steps: readonly JournalStep[]): string {
  const shown = steps.slice(-MOST_SHOWN);
  const width = Math.max(0, ...shown.map(({ step }) => step.length));
  const lines = shown.map(({ step, status, attempts, startedAt, failure }) => {
    const tries = attempts > 1 ? `, ${attempts} attempts` : "";
    const why = failure === null ? "" : `: ${failure.message}`;
    return `  ${startedAt ?? "not begun".padEnd(24)}  ${step.padEnd(width)}  ${status}${tries}${why}`;
  });
  const left = steps.length - shown.length;
  return (left > 0 ? [`  … ${left} before`, ...lines] : lines).join("\n");
}
