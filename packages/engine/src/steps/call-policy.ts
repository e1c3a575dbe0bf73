import { MAX_DURATION_MS } from "@millrace/protocol";
import type { RetryPolicy } from "../core/program.ts";
import { DEFAULT_RETRY_POLICY } from "../core/retry.ts";
import type { FieldReader } from "../definition/field-reader.ts";
import { isObject, show } from "../definition/json-shape.ts";
import type { StepReader } from "../definition/step-kind.ts";

/** How an executor calls a body. */
export interface CallPolicy {
  readonly retry: RetryPolicy;
  /** Of one attempt. */
  readonly timeoutMs: number;
}

/** Long enough for a slow far side, short enough that a hanging one is noticed. */
export const DEFAULT_TIMEOUT_MS: number = 5 * 60 * 1000;
export const MAX_TIMEOUT_MS: number = 24 * 60 * 60 * 1000;
const MAX_RETRIES = 100;

const RETRIES = { min: 0, max: MAX_RETRIES, isInteger: true };
const DELAY = { min: 0, max: MAX_DURATION_MS };
const TIMEOUT = { min: 1, max: MAX_TIMEOUT_MS };

const BACKOFFS = ["exponential", "fixed"];
/** Of `errorHandling: { "strategy": "retry" }` that does not say how often. */
const RETRIES_OF_STRATEGY = 3;

/**
 * `retries`, `retryConfig`, `backoff`, `retryDelay` and `timeoutMs` of the step; `retries`, `backoff`, `retryDelay` and
 * `timeout` may stand in its config. `errorHandling` with strategy `retry` is another word for `retries`.
 */
export function readCallPolicy({ fields, config }: StepReader): CallPolicy {
  const retryConfig = fields.object("retryConfig");
  const attempts = retryConfig?.number("maxAttempts", { min: 1, max: 101, isInteger: true });
  const retries = readOnce(
    [fields, "retries", fields.number("retries", RETRIES)],
    [config, "retries", config.number("retries", RETRIES)],
    [retryConfig, "retries", retryConfig?.number("retries", RETRIES)],
    [retryConfig, "maxAttempts", attempts === undefined ? undefined : attempts - 1],
    [fields, "errorHandling", readStrategy(fields)],
  );
  const timeoutMs = readOnce(
    [fields, "timeoutMs", fields.number("timeoutMs", TIMEOUT)],
    [config, "timeout", config.number("timeout", TIMEOUT)],
  );
  return {
    retry: {
      retries: retries ?? DEFAULT_RETRY_POLICY.retries,
      ...readDelays(fields, config, retryConfig),
    },
    timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
  };
}

/** What it says is checked where it is read whole. */
function readStrategy(fields: FieldReader): number | undefined {
  const handling = fields.value("errorHandling");
  if (!isObject(handling) || handling["strategy"] !== "retry") return undefined;
  const retries = handling["retries"];
  return typeof retries === "number" ? retries : RETRIES_OF_STRATEGY;
}

function readDelays(
  fields: FieldReader,
  config: FieldReader,
  retryConfig: FieldReader | undefined,
): Omit<RetryPolicy, "retries"> {
  const { initialDelayMs, maxDelayMs, factor } = DEFAULT_RETRY_POLICY;
  const initial = readOnce(
    [retryConfig, "initialDelayMs", retryConfig?.number("initialDelayMs", DELAY)],
    [fields, "retryDelay", fields.number("retryDelay", DELAY)],
    [config, "retryDelay", config.number("retryDelay", DELAY)],
  );
  const max = retryConfig?.number("maxDelayMs", DELAY);
  const times = readOnce(
    [retryConfig, "factor", retryConfig?.number("factor", { min: 1, max: 100 })],
    [retryConfig, "backoff", readBackoff(retryConfig)],
    [fields, "backoff", readBackoff(fields)],
    [config, "backoff", readBackoff(config)],
  );
  if (initial !== undefined && max !== undefined && initial > max) {
    retryConfig?.error("maxDelayMs", `Must be at least the first delay, which is ${initial}`);
  }
  retryConfig?.refuseOthers();
  return {
    // Whichever is given moves the other out of its way.
    initialDelayMs: initial ?? Math.min(initialDelayMs, max ?? Infinity),
    maxDelayMs: max ?? Math.max(maxDelayMs, initial ?? 0),
    factor: times ?? factor,
  };
}

/** By how much each delay is longer than the one before. */
function readBackoff(reader: FieldReader | undefined): number | undefined {
  const backoff = reader?.text("backoff");
  if (reader === undefined || backoff === undefined) return undefined;
  if (!BACKOFFS.includes(backoff)) {
    reader.error("backoff", `Must be one of ${BACKOFFS.join(", ")}, received ${show(backoff)}`);
  }
  return backoff === "fixed" ? 1 : DEFAULT_RETRY_POLICY.factor;
}

/** For kinds whose body the engine runs itself: the fields may be there, but they change nothing. */
export function readUnusedCallPolicy(step: StepReader): void {
  readCallPolicy(step);
  const places = [
    [step.fields, "retries"],
    [step.fields, "retryConfig"],
    [step.fields, "timeoutMs"],
    [step.fields, "backoff"],
    [step.fields, "retryDelay"],
    [step.config, "backoff"],
    [step.config, "retryDelay"],
    [step.config, "retries"],
    [step.config, "timeout"],
  ] as const;
  for (const [reader, name] of places) {
    if (reader.has(name))
      reader.warn(name, "Changes nothing: the engine does this step itself, once");
  }
}

type Place = readonly [reader: FieldReader | undefined, name: string, value: number | undefined];

/** One value that may stand in several places; in two of them, who knows which is meant. */
function readOnce(...places: readonly Place[]): number | undefined {
  const [first, second] = places.filter((place) => place[2] !== undefined);
  if (first === undefined) return undefined;
  second?.[0]?.error(
    second[1],
    `Is given twice: also as ${first[0]?.at(first[1]).slice(2).join(".")}`,
  );
  return first[2];
}
