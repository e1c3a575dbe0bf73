import { MAX_DURATION_MS } from "@millrace/protocol";
import type { RetryPolicy } from "../core/program.ts";
import { DEFAULT_RETRY_POLICY } from "../core/retry.ts";
import type { FieldReader } from "../definition/field-reader.ts";
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

/** `retries`, `retryConfig` and `timeoutMs` of the step; `retries` and `timeout` may stand in its config. */
export function readCallPolicy({ fields, config }: StepReader): CallPolicy {
  const retryConfig = fields.object("retryConfig");
  const retries = readOnce(
    [fields, "retries", fields.number("retries", RETRIES)],
    [config, "retries", config.number("retries", RETRIES)],
    [retryConfig, "retries", retryConfig?.number("retries", RETRIES)],
  );
  const timeoutMs = readOnce(
    [fields, "timeoutMs", fields.number("timeoutMs", TIMEOUT)],
    [config, "timeout", config.number("timeout", TIMEOUT)],
  );
  return {
    retry: {
      retries: retries ?? DEFAULT_RETRY_POLICY.retries,
      ...readDelays(retryConfig),
    },
    timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
  };
}

function readDelays(retryConfig: FieldReader | undefined): Omit<RetryPolicy, "retries"> {
  const { initialDelayMs, maxDelayMs, factor } = DEFAULT_RETRY_POLICY;
  const initial = retryConfig?.number("initialDelayMs", DELAY);
  const max = retryConfig?.number("maxDelayMs", DELAY);
  const times = retryConfig?.number("factor", { min: 1, max: 100 });
  if (initial !== undefined && max !== undefined && initial > max) {
    retryConfig?.error("maxDelayMs", `Must be at least initialDelayMs, which is ${initial}`);
  }
  retryConfig?.refuseOthers();
  return {
    // Whichever is given moves the other out of its way.
    initialDelayMs: initial ?? Math.min(initialDelayMs, max ?? Infinity),
    maxDelayMs: max ?? Math.max(maxDelayMs, initial ?? 0),
    factor: times ?? factor,
  };
}

/** For kinds whose body the engine runs itself: the fields may be there, but they change nothing. */
export function readUnusedCallPolicy(step: StepReader): void {
  readCallPolicy(step);
  const places = [
    [step.fields, "retries"],
    [step.fields, "retryConfig"],
    [step.fields, "timeoutMs"],
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
