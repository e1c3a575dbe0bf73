import { MillraceError, toDurationMs, type Duration, type StepRetry } from "@millrace/protocol";

/** How delays between attempts grow. `fixed`: not at all; `exponential` (default): each is twice the one before. */
export type Backoff =
  | "fixed"
  | "exponential"
  | {
      /** Before the second attempt. Default: 1 s. */
      readonly initialDelay?: Duration;
      /** Default: 30 s, or the first delay if that is longer. */
      readonly maxDelay?: Duration;
      /** From 1 to 100. Default: 2. */
      readonly factor?: number;
    };

export interface StepOptions {
  /** Further attempts after the first, up to 100. Default: the workflow's, else none. */
  readonly retries?: number;
  readonly backoff?: Backoff;
  /** Of one attempt, up to 24 hours. Default: the workflow's `stepTimeout`, else 5 minutes. */
  readonly timeout?: Duration;
}

export interface StepPolicy {
  readonly retry: StepRetry;
  readonly timeoutMs: number;
}

/** The same as for steps of JSON workflows. */
export const DEFAULT_STEP_POLICY: StepPolicy = {
  retry: { retries: 0, initialDelayMs: 1_000, maxDelayMs: 30_000, factor: 2 },
  timeoutMs: 5 * 60_000,
};

const MAX_RETRIES = 100;
const MAX_TIMEOUT_MS = 24 * 60 * 60_000;

/** @throws {MillraceError} option.invalid */
export function toStepPolicy(options: StepOptions, defaults: StepPolicy): StepPolicy {
  const { retries = defaults.retry.retries, backoff, timeout } = options;
  if (!Number.isInteger(retries) || retries < 0 || retries > MAX_RETRIES) {
    throw invalid(`\`retries\` must be a whole number from 0 to ${MAX_RETRIES}, is ${retries}`);
  }
  const timeoutMs = timeout === undefined ? defaults.timeoutMs : toDurationMs(timeout, "timeout");
  if (timeoutMs < 1 || timeoutMs > MAX_TIMEOUT_MS) {
    throw invalid(`\`timeout\` of a step must be from 1 ms to 24 hours, is ${timeoutMs} ms`);
  }
  return { retry: { ...toDelays(backoff, defaults.retry), retries }, timeoutMs };
}

function toDelays(backoff: Backoff | undefined, defaults: StepRetry): Omit<StepRetry, "retries"> {
  if (backoff === undefined) return defaults;
  if (backoff === "fixed") return { ...defaults, factor: 1 };
  if (backoff === "exponential") return { ...defaults, factor: 2 };
  if (typeof backoff !== "object" || backoff === null) {
    throw invalid('`backoff` must be "fixed", "exponential" or an object');
  }
  const { initialDelay, maxDelay, factor = defaults.factor } = backoff;
  if (!(factor >= 1 && factor <= 100)) {
    throw invalid(`\`backoff.factor\` must be from 1 to 100, is ${factor}`);
  }
  const initial =
    initialDelay === undefined ? undefined : toDurationMs(initialDelay, "backoff.initialDelay");
  const max = maxDelay === undefined ? undefined : toDurationMs(maxDelay, "backoff.maxDelay");
  if (initial !== undefined && max !== undefined && initial > max) {
    throw invalid("`backoff.maxDelay` must be at least `backoff.initialDelay`");
  }
  // Whichever is given moves the other out of its way.
  return {
    initialDelayMs: initial ?? Math.min(defaults.initialDelayMs, max ?? Infinity),
    maxDelayMs: max ?? Math.max(defaults.maxDelayMs, initial ?? 0),
    factor,
  };
}

const invalid = (message: string): MillraceError => new MillraceError("option.invalid", message);
