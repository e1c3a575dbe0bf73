import { MillraceError, nearName } from "@millrace/protocol";

/** How much of our time and memory a far side may take. */
export interface GuardCaps {
  /** Look-up, connection and TLS. Default 10 s. Kept to within about a second. */
  readonly connectTimeoutMs: number;
  /** From the request to the last header of its answer, redirects counted one by one. Default 60 s. */
  readonly headersTimeoutMs: number;
  /** Between two parts of a body. Default 30 s. */
  readonly idleTimeoutMs: number;
  /** The whole call, with all its redirects. Default 5 minutes, as long as a step may take. */
  readonly totalTimeoutMs: number;
  /** Of the body of an answer, unpacked. Default 10 MiB. */
  readonly maxResponseBytes: number;
  /** How many times its size on the wire a body may unpack to. Counts from 1 MiB on. Default 100. */
  readonly maxRatio: number;
  /** Default 5; 0 refuses them all. */
  readonly maxRedirects: number;
}

const DEFAULT_CAPS: GuardCaps = {
  connectTimeoutMs: 10_000,
  headersTimeoutMs: 60_000,
  idleTimeoutMs: 30_000,
  totalTimeoutMs: 300_000,
  maxResponseBytes: 10 * 1024 * 1024,
  maxRatio: 100,
  maxRedirects: 5,
};

/** Small bodies of blanks pack better than any bomb, and do no harm. */
export const RATIO_FROM_BYTES: number = 1024 * 1024;

/** Headers of an answer. Node's own default, but not changed by its flags. */
export const MAX_HEADER_BYTES: number = 16 * 1024;

/** What one call may ask for itself: less than the guard's own, never more. */
export interface CallCaps {
  /** Also the time that headers may take. */
  readonly totalTimeoutMs?: number;
  readonly maxResponseBytes?: number;
}

export function lowerCaps(caps: GuardCaps, call: CallCaps): GuardCaps {
  const totalTimeoutMs = Math.min(caps.totalTimeoutMs, call.totalTimeoutMs ?? Infinity);
  return {
    ...caps,
    totalTimeoutMs,
    // Who asks for two minutes expects a slow answer.
    headersTimeoutMs: call.totalTimeoutMs === undefined ? caps.headersTimeoutMs : totalTimeoutMs,
    maxResponseBytes: Math.min(caps.maxResponseBytes, call.maxResponseBytes ?? Infinity),
  };
}

/** @throws {MillraceError} option.invalid */
export function parseCaps(caps: Partial<GuardCaps>): GuardCaps {
  const names = Object.keys(DEFAULT_CAPS);
  for (const [name, value] of Object.entries(caps)) {
    if (!names.includes(name)) throw unknownName("cap", name, names);
    const least = name === "maxRedirects" ? 0 : 1;
    if (Number.isSafeInteger(value) && value >= least) continue;
    throw new MillraceError(
      "option.invalid",
      `The cap ${name} must be a whole number of at least ${least}, received ${value}`,
    );
  }
  return { ...DEFAULT_CAPS, ...caps };
}

export function unknownName(what: string, name: string, known: readonly string[]): MillraceError {
  const near = nearName(name, known);
  const hint = near === undefined ? `There are ${known.join(", ")}` : `Did you mean "${near}"?`;
  return new MillraceError("option.invalid", `There is no ${what} "${name}". ${hint}`);
}
