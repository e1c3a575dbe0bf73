// What stands in for bodies, functions and actions: the engine asks here before it calls what an attempt names.
import {
  fromJsonText,
  MillraceError,
  nearName,
  toDurationMs,
  toIso,
  type Duration,
  type JsonValue,
  type StepContext,
} from "@millrace/protocol";
import type { Activity, Attempt, AttemptTask, Callable, TestWorld } from "@millrace/engine/testing";

export interface StubScope extends StepContext {
  /** Takes so much of the engine's time, and none of yours. Rejects when the attempt is told to stop. */
  sleep(duration: Duration): Promise<void>;
  /** Never ends by itself: the step's timeout ends the attempt. Rejects when the attempt is told to stop. */
  hang(): Promise<never>;
}

/**
 * In place of a step's body, a function or an action: what it returns is the step's output, what it throws fails the
 * attempt. `never` lets each stub declare the input that it expects; the body of a code workflow's step has none.
 */
export type Stub = (input: never, scope: StubScope) => unknown;
export type Stubs = Readonly<Record<string, Stub>>;

/** What a stub was called with. */
export interface StubCall {
  readonly runId: string;
  /** Key of the step. */
  readonly step: string;
  /** 1 for the first. After a crash, an attempt whose end was not stored comes again under its number. */
  readonly attempt: number;
  /** null: a step of a code workflow, whose body has no input. */
  readonly input: JsonValue;
  readonly idempotencyKey: string;
  /** The engine's time, ISO 8601. */
  readonly at: string;
}

export class StubTable {
  readonly #world: Pick<TestWorld, "now" | "setTimer">;
  readonly #stubs = new Map<string, Stub>();
  readonly #calls = new Map<string, StubCall[]>();
  /** Attempts that wait for nothing but time: how many times each, by place. */
  readonly #dormant = new Map<string, number>();

  constructor(world: Pick<TestWorld, "now" | "setTimer">, stubs: Stubs) {
    this.#world = world;
    for (const [name, stub] of Object.entries(stubs)) this.set(name, stub);
  }

  /** From the next attempt on. @throws {MillraceError} option.invalid */
  set(name: string, stub: Stub): void {
    if (typeof stub !== "function") {
      const message = `The stub "${name}" is not a function but of type ${typeof stub}`;
      throw new MillraceError("option.invalid", message);
    }
    this.#stubs.set(name, stub);
    if (!this.#calls.has(name)) this.#calls.set(name, []);
  }

  /** Oldest first. @throws {MillraceError} option.invalid: there is no such stub */
  calls(name: string): readonly StubCall[] {
    const calls = this.#calls.get(name);
    if (calls !== undefined) return [...calls];
    const near = nearName(name, this.#stubs.keys());
    const hint = near === undefined ? "" : `. Did you mean "${near}"?`;
    throw new MillraceError("option.invalid", `There is no stub "${name}"${hint}`);
  }

  intercept(task: AttemptTask): Callable | undefined {
    const name = namesOf(task).find((it) => this.#stubs.has(it));
    const stub = name === undefined ? undefined : this.#stubs.get(name);
    if (name === undefined || stub === undefined) return undefined;
    return (attempt) => this.#call(name, stub, attempt);
  }

  isDormant({ runId, step }: Activity): boolean {
    return step !== null && this.#dormant.has(placeOf(runId, step));
  }

  #call(name: string, stub: Stub, attempt: Attempt): unknown {
    const { runId, key: step, attempt: number, input: text, runInput } = attempt.task;
    const idempotencyKey = `${runId}/${step}`;
    const at = toIso(this.#world.now);
    const input = fromJsonText(text);
    this.#calls.get(name)?.push({ runId, step, attempt: number, input, idempotencyKey, at });
    const place = placeOf(runId, step);
    const scope: StubScope = {
      runId,
      step,
      attempt: number,
      idempotencyKey,
      get signal() {
        return attempt.signal;
      },
      input: fromJsonText(runInput),
      sleep: (duration) =>
        this.#wait(place, attempt.signal, toDurationMs(duration, "sleep of a stub")),
      hang: async () => {
        await this.#wait(place, attempt.signal, null);
        throw new Error("Nothing ends this but its signal");
      },
    };
    // Its author declares the input that the definition sends. Parsed anew, so that what was recorded stays as it was.
    return stub(fromJsonText(text) as never, scope);
  }

  /** @param ms null: until the signal */
  async #wait(place: string, signal: AbortSignal, ms: number | null): Promise<void> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const stop = (): void => reject(signal.reason);
    const cancel = ms === null ? undefined : this.#world.setTimer(ms, resolve);
    signal.addEventListener("abort", stop);
    this.#dormant.set(place, (this.#dormant.get(place) ?? 0) + 1);
    try {
      await promise;
    } finally {
      cancel?.();
      signal.removeEventListener("abort", stop);
      const left = (this.#dormant.get(place) ?? 1) - 1;
      if (left === 0) this.#dormant.delete(place);
      else this.#dormant.set(place, left);
    }
  }
}

const placeOf = (runId: string, step: string): string => `${runId}/${step}`;

/** By which a stub may be meant, the narrowest first: `loop[2]/charge#3`, `charge`, `charge-card`. */
function namesOf({ key, executor, target }: AttemptTask): readonly string[] {
  const name = key.replace(/^.*\]\//, "").replace(/#\d+$/, "");
  return executor === "code" ? [key, name] : [key, name, target];
}
