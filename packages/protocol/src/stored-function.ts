// Functions that live elsewhere: stored by name, called over HTTP by whichever node runs the step.
import type { ActionContext } from "./action.ts";
import type { JsonValue } from "./json.ts";
import type { Timestamp } from "./time.ts";

export const HTTP_METHODS = ["POST", "PUT", "PATCH"] as const;
export type HttpMethod = (typeof HTTP_METHODS)[number];

/** Where a stored function is. */
export interface FunctionTarget {
  readonly kind: "http";
  /** Absolute, `http:` or `https:`, without user name and password. */
  readonly url: string;
  /** Default `POST`. The body is the step's input. */
  readonly method?: HttpMethod;
  /** Sent with each call. Their values are secrets: whoever reads the function sees `HIDDEN_VALUE`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Of one call; the step's own limit holds as well. */
  readonly timeoutMs?: number;
}

/** Stands for a value that is kept but not shown. */
export const HIDDEN_VALUE = "***";

/** A function that `function` steps may name, kept in the store. One that is registered in code comes first. */
export interface StoredFunction {
  /** Unique in its tenant. */
  readonly name: string;
  readonly description?: string;
  readonly target: FunctionTarget;
  /** For readers: what it takes and gives, as JSON Schemas. Not checked. */
  readonly input?: JsonValue;
  readonly output?: JsonValue;
  readonly createdAt: Timestamp;
  readonly updatedAt: Timestamp;
}

/**
 * Calls a stored function; brought by whoever opens the engine, since the engine opens no connections.
 *
 * @returns the step's output: what JSON can say
 * @throws {ActionError} as an action does
 */
export type FunctionCaller = (
  target: FunctionTarget,
  input: JsonValue,
  context: ActionContext,
) => Promise<unknown>;
