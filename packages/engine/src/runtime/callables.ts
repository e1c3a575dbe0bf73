// Finds what an attempt calls: an action, a function that is registered in this process, or one that is stored.
import {
  fromJsonText,
  MillraceError,
  nearName,
  type ActionContext,
  type Actions,
  type Failure,
  type FunctionCaller,
  type StoredFunction,
  type TenantId,
} from "@millrace/protocol";
import type { Clock } from "./clock.ts";
import type { AttemptTask } from "./executor.ts";
import type { Hosts } from "./hosts.ts";
import { engineFailure } from "./failures.ts";
import type { StepContext, StepFunctions } from "./step-function.ts";
import { untilAnswered } from "./until-answered.ts";

/** One attempt, as what it calls sees it. */
export interface Attempt {
  readonly task: AttemptTask;
  /** Made when it is first asked for. */
  readonly signal: AbortSignal;
  /** To be set by what runs it elsewhere: it should stop. */
  onAbort: ((reason: string) => void) | null;
}

/** Parses its input anew at each call. */
export type Callable = (attempt: Attempt) => unknown;

export type FoundCallable =
  | { readonly ok: true; readonly callable: Callable }
  | {
      readonly ok: false;
      readonly failure: Failure;
      /** Workers have offered it, of whom none is here. */
      readonly isAway: boolean;
    };

export interface CallablesOptions {
  readonly functions: StepFunctions;
  readonly actions: Actions;
  /** null: stored functions cannot be called here. */
  readonly callFunction: FunctionCaller | null;
  readonly findStored: (tenant: TenantId, name: string) => Promise<StoredFunction | null>;
  /** True: workers have offered it, here or elsewhere. */
  readonly isOffered: (tenant: TenantId, name: string) => Promise<boolean>;
  readonly clock: Clock;
  /** Bodies of code runs and functions of workers. */
  readonly hosts: Pick<Hosts, "findFunction" | "sessionOf">;
  /** Asked first. Default: nobody is. */
  readonly intercept?: Intercept | undefined;
}

/** What is called in place of that which an attempt names; undefined: that itself. */
export type Intercept = (task: AttemptTask) => Callable | undefined;

export class Callables {
  readonly #options: CallablesOptions;
  readonly #functions: ReadonlyMap<string, Callable>;
  readonly #actions: ReadonlyMap<string, Callable>;

  constructor(options: CallablesOptions) {
    this.#options = options;
    this.#functions = registered(options.functions);
    this.#actions = new Map(
      Object.entries(options.actions).map(([name, action]): [string, Callable] => [
        name,
        (attempt) => action(fromJsonText(attempt.task.input), toActionContext(attempt)),
      ]),
    );
  }

  /** What this process has itself. */
  local(task: AttemptTask): Callable | undefined {
    return this.#options.intercept?.(task) ?? this.#find(task);
  }

  #find({ executor, target, tenant, runId }: AttemptTask): Callable | undefined {
    switch (executor) {
      case "action":
        return this.#actions.get(target);
      case "code": {
        const session = this.#options.hosts.sessionOf(runId);
        return session === undefined ? undefined : (attempt) => session.run(attempt);
      }
      case "function": {
        const own = this.#functions.get(target);
        if (own !== undefined) return own;
        const host = this.#options.hosts.findFunction(tenant, target);
        return host === undefined ? undefined : (attempt) => host.call(attempt);
      }
    }
  }

  /**
   * What `local` does not know. Never rejects.
   *
   * @param wanted false: nobody waits for the answer any more
   * @returns null: no longer wanted
   */
  async find(task: AttemptTask, wanted: () => boolean): Promise<FoundCallable | null> {
    if (task.executor === "action") return missing(task, this.#actions.keys());
    if (task.executor === "code") return failed(withoutHost(task));
    const { findStored, isOffered, clock } = this.#options;
    const { tenant, target } = task;
    try {
      const stored = await untilAnswered(clock, wanted, () => findStored(tenant, target));
      if (stored === null) return null;
      if (stored.answer !== null) return this.#toCallable(task, stored.answer);
      const offered = await untilAnswered(clock, wanted, () => isOffered(tenant, target));
      if (offered === null) return null;
      // A worker may have come while the store was asked.
      const callable = this.#find(task);
      if (callable !== undefined) return { ok: true, callable };
      return { ...missing(task, this.#functions.keys()), isAway: offered.answer };
    } catch (error) {
      // The store answers, but not with a function: it has failed, or its catalog is damaged.
      const code = MillraceError.is(error) ? error.code : "internal.error";
      const reason = error instanceof Error ? error.message : String(error);
      const message = `Step ${task.key} cannot look up function "${task.target}": ${reason}`;
      return failed(failureAt(task, code, message, "infrastructure"));
    }
  }

  #toCallable(task: AttemptTask, { target }: StoredFunction): FoundCallable {
    const { callFunction } = this.#options;
    if (callFunction === null) {
      const message = `Step ${task.key} calls the stored function "${task.target}", but this process was opened without \`callFunction\`, so it can call only what is registered in code`;
      return failed(failureAt(task, "function.not-callable", message));
    }
    const callable: Callable = (attempt) =>
      callFunction(target, fromJsonText(attempt.task.input), toActionContext(attempt));
    return { ok: true, callable };
  }
}

function registered(functions: StepFunctions): ReadonlyMap<string, Callable> {
  const toCallable =
    (fn: StepFunctions[string]): Callable =>
    (attempt) =>
      // The definition decides what the function gets; whether that is what it declares, only its author can know.
      fn(fromJsonText(attempt.task.input) as never, toStepContext(attempt));
  return new Map(Object.entries(functions).map(([name, fn]) => [name, toCallable(fn)]));
}

const toStepContext = (attempt: Attempt): StepContext => ({
  runId: attempt.task.runId,
  step: attempt.task.key,
  attempt: attempt.task.attempt,
  idempotencyKey: toIdempotencyKey(attempt.task),
  get signal() {
    return attempt.signal;
  },
  // Read by few, so parsed when it is.
  get input() {
    return fromJsonText(attempt.task.runInput);
  },
});

const toActionContext = (attempt: Attempt): ActionContext => ({
  tenant: attempt.task.tenant,
  runId: attempt.task.runId,
  step: attempt.task.key,
  attempt: attempt.task.attempt,
  idempotencyKey: toIdempotencyKey(attempt.task),
  get signal() {
    return attempt.signal;
  },
});

const toIdempotencyKey = ({ runId, key }: AttemptTask): string => `${runId}/${key}`;

type Failed = Extract<FoundCallable, { readonly ok: false }>;

const failed = (failure: Failure): Failed => ({ ok: false, failure, isAway: false });

function missing(task: AttemptTask, known: Iterable<string>): Failed {
  const names = [...known];
  const isAction = task.executor === "action";
  const what = isAction
    ? "which this server does not have"
    : "which is neither registered nor stored here";
  const message = `Step ${task.key} calls ${task.executor} "${task.target}", ${what}; ${hintAt(task.target, names)}`;
  const code = isAction ? "action.not-found" : "function.not-found";
  return failed(failureAt(task, code, message));
}

/** Its session ended between the commit and now; the run is on its way to another host. */
const withoutHost = (task: AttemptTask): Failure =>
  failureAt(task, "worker.lost", `The worker of step ${task.key} is gone`, "infrastructure");

const MOST_SHOWN = 20;

/** What to write instead of an unknown name. */
export function hintAt(name: string, known: readonly string[]): string {
  if (known.length === 0) return "none is registered";
  const near = nearName(name, known);
  if (near !== undefined) return `did you mean "${near}"?`;
  const rest = known.length - MOST_SHOWN;
  const more = rest > 0 ? ` and ${rest} more` : "";
  return `registered: ${known.slice(0, MOST_SHOWN).join(", ")}${more}`;
}

const failureAt = (
  { key, attempt }: AttemptTask,
  code: string,
  message: string,
  source: Failure["source"] = "definition",
): Failure => engineFailure(code, message, source, { step: key, attempt });
