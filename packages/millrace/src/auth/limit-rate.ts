import type { KeyCommands } from "@millrace/engine";
import { MillraceError } from "@millrace/protocol";
import type { Category } from "../route.ts";
import type { Caller } from "./caller.ts";
import type { LimitedCategory } from "./key-limits.ts";
import type { RateDecision, RateLimiter } from "./rate-limiter.ts";

export interface RateCounters {
  /** Counts over all nodes of the store, where there may be several. */
  readonly keys: Pick<KeyCommands, "countRequest">;
  /** Counts what comes in here. */
  readonly limiter: RateLimiter;
}

/**
 * Counts a request of a caller whose key is limited, and says in `headers` how much is left.
 *
 * @throws {MillraceError} request.rate-limited
 */
export async function limitRate(
  counters: RateCounters,
  caller: Caller,
  category: Category,
  headers: Record<string, string>,
): Promise<void> {
  const limit = category === "probe" ? null : caller.limits[category];
  if (category === "probe" || limit === null) return;
  const decision = await count(counters, caller, category, limit);
  headers["X-RateLimit-Limit"] = String(limit);
  headers["X-RateLimit-Remaining"] = String(decision.remaining);
  headers["X-RateLimit-Reset"] = String(decision.resetAtSeconds);
  if (decision.isAllowed) return;
  headers["Retry-After"] = String(decision.retryAfterSeconds);
  const message = `Rate limit exceeded. Limit: ${limit} requests per minute.`;
  throw new MillraceError("request.rate-limited", message);
}

async function count(
  { keys, limiter }: RateCounters,
  { tenant, keyId }: Caller,
  category: LimitedCategory,
  limit: number,
): Promise<Omit<RateDecision, "limit">> {
  const counted = await keys.countRequest({ tenant, key: keyId, category, limit });
  // A node that is left to itself lets its own part through; more would be too much if all others did so, too.
  if (counted.kind === "uncounted")
    return limiter.take({ keyId, category, limit: Math.ceil(limit / counted.nodes) });
  // The day it is left to itself, it knows what has passed here.
  if (counted.isAllowed) limiter.note({ keyId, category });
  return counted;
}
