// What a connector offers and the engine calls: an action, by name. Neither side knows the other.
import type { FailureSource } from "./failure.ts";
import type { TenantId } from "./ids.ts";
import type { JsonValue } from "./json.ts";

/** What an action may know of the attempt it is. */
export interface ActionContext {
  readonly tenant: TenantId;
  readonly runId: string;
  readonly step: string;
  /** 1 for the first try. */
  readonly attempt: number;
  /**
   * The same for every attempt of this step of this run: `<run>/<step>`. Hand it to the far side wherever that has
   * a place for one, so that what is done twice counts once.
   */
  readonly idempotencyKey: string;
  /** Aborts when the attempt overruns its time, the run is cancelled, or this node loses the run. */
  readonly signal: AbortSignal;
}

/**
 * One thing that a connector does for a step: `stripe.createInvoice`. May run more than once; its result counts once.
 *
 * @param input the step's config with its templates filled, not yet checked
 * @returns the step's output: what JSON can say
 * @throws {ActionError} with a code; anything else counts as `step.failed`, blamed on the author
 */
export type Action = (input: JsonValue, context: ActionContext) => Promise<unknown>;

/** By name: `<connector>.<what it does>`. */
export type Actions = Readonly<Record<string, Action>>;

const ACTION_ERROR = Symbol.for("millrace.action-error");

export interface ActionErrorOptions {
  /**
   * Who is to blame, which decides what is tried again. `infrastructure`: refused connections, 429, 5xx;
   * `definition`: it can never work as written; `code` (default): the far side said no.
   */
  readonly source?: FailureSource;
  /** The far side asked to wait at least this long. */
  readonly retryAfterMs?: number;
  /** JSON for readers of the run: a status, a field. Never a secret, never a payload. */
  readonly details?: JsonValue;
  readonly cause?: unknown;
}

/** An action failed in a way that it can name. */
export class ActionError extends Error {
  /** Stable, `noun.problem`: `http.status`, `outbound.refused`, `connection.required`, … */
  readonly code: string;
  readonly source: FailureSource;
  readonly retryAfterMs: number | null;
  readonly details: JsonValue | undefined;

  constructor(code: string, message: string, options: ActionErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ActionError";
    this.code = code;
    this.source = options.source ?? "code";
    this.retryAfterMs = options.retryAfterMs ?? null;
    this.details = options.details;
    Object.defineProperty(this, ACTION_ERROR, { value: true });
  }

  /** Two copies of this package may be loaded, so it looks at a brand, not at the class. */
  static is(value: unknown): value is ActionError {
    return typeof value === "object" && value !== null && ACTION_ERROR in value;
  }
}
