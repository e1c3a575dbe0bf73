import { MillraceError } from "@millrace/protocol";
import type { Category } from "../route.ts";
import type { Caller } from "./caller.ts";
import type { RateLimiter } from "./rate-limiter.ts";

/**
 * Counts a request of a caller whose key is limited, and says in `headers` how much is left.
 *
 * @throws {MillraceError} request.rate-limited
 */
export function limitRate(
  limiter: RateLimiter,
  { keyId, limits }: Caller,
  category: Category,
  headers: Record<string, string>,
): void {
  const limit = category === "probe" ? null : limits[category];
  if (category === "probe" || limit === null) return;
  const decision = limiter.take({ keyId, category, limit });
  headers["X-RateLimit-Limit"] = String(limit);
  headers["X-RateLimit-Remaining"] = String(decision.remaining);
  headers["X-RateLimit-Reset"] = String(decision.resetAtSeconds);
  if (decision.isAllowed) return;
  headers["Retry-After"] = String(decision.retryAfterSeconds);
  const message = `Rate limit exceeded. Limit: ${limit} requests per minute.`;
  throw new MillraceError("request.rate-limited", message);
}
