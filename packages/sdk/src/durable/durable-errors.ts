// What a workflow's function may catch, beside its own errors. `TerminalError` and `RetryAfterError`, which bodies
// throw, are in `protocol`; together they are all the classes there are.
import { boundFailure, CARRIED_FAILURE, type Failure } from "@millrace/protocol";

/** A step failed for good, or could not be asked for as written. Thrown on, it is why the run fails. */
export class StepError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message, failure.cause === undefined ? undefined : { cause: failure.cause });
    this.name = "StepError";
    this.failure = failure;
    Object.defineProperty(this, CARRIED_FAILURE, { value: failure });
  }

  /** Stable, `noun.problem`: `step.failed`, `step.timeout`, `http.status`, … */
  get code(): string {
    return this.failure.code;
  }

  get step(): string | null {
    return this.failure.step ?? null;
  }

  /** How often its body was tried; 0: never. */
  get attempts(): number {
    return this.failure.attempt ?? 0;
  }
}

/** A child run failed (`child.failed`), was cancelled (`child.cancelled`), or could not be started. */
export class ChildError extends StepError {
  readonly workflow: string;
  /** Place in the inputs of `invokeMany`; null: of `invoke`. */
  readonly index: number | null;

  constructor(failure: Failure, workflow: string, index: number | null = null) {
    super(failure);
    this.name = "ChildError";
    this.workflow = workflow;
    this.index = index;
  }
}

/** At least one child of `invokeMany` failed. `errors` has every one that did, in the order of the inputs. */
export class ChildrenError extends AggregateError {
  /** Of the first input whose child failed. */
  readonly index: number;
  readonly failure: Failure;
  declare readonly errors: ChildError[];

  constructor(name: string, errors: readonly [ChildError, ...ChildError[]], count: number) {
    const [first] = errors;
    super(
      errors,
      `${errors.length} of ${count} children of ${name} failed; first: ${first.message}`,
    );
    this.name = "ChildrenError";
    this.index = first.index ?? 0;
    this.failure = boundFailure({
      ...first.failure,
      message: this.message,
      details: { index: this.index, failedCount: errors.length, count },
    });
    Object.defineProperty(this, CARRIED_FAILURE, { value: this.failure });
  }
}

const CHILD_FAILED = "child.failed";

/** The words that steps of JSON workflows use too. */
export function toChildFailure(
  key: string,
  workflow: string,
  outcome:
    { readonly status: "failed"; readonly failure: Failure } | { readonly status: "cancelled" },
): Failure {
  const name = `Child ${key} (workflow ${JSON.stringify(workflow)})`;
  if (outcome.status === "cancelled") {
    return { code: "child.cancelled", message: `${name} was cancelled`, source: "code", step: key };
  }
  const { failure } = outcome;
  // The child was never there: what is wrong is what this step wanted to give it.
  if (failure.code === "input.invalid" && failure.source === "definition") {
    return { ...failure, step: key };
  }
  const message = `${name} failed: ${rootOf(failure).message}`;
  const { source } = failure;
  return boundFailure({ code: CHILD_FAILED, message, source, step: key, cause: failure });
}

const rootOf = (failure: Failure): Failure =>
  failure.code === CHILD_FAILED && failure.cause !== undefined ? rootOf(failure.cause) : failure;
