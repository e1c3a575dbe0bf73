import type { ErrorCode } from "@millrace/protocol";
import type { Route } from "../../route.ts";

const OF_KEYS: readonly ErrorCode[] = [
  "request.unauthorized",
  "request.forbidden",
  "request.rate-limited",
  "tenant.not-found",
];

const OF_BODIES: readonly ErrorCode[] = [
  "request.malformed",
  "request.too-large",
  "request.timeout",
];

const OF_STORES: readonly ErrorCode[] = [
  "storage.unavailable",
  "storage.outcome-unknown",
  "storage.full",
  "storage.failed",
  "storage.fenced-node",
  "engine.stopping",
];

/** All that a route may answer when something is wrong: what follows from its kind, then what it says itself. */
export function faultsOf(route: Route): readonly ErrorCode[] {
  const codes: ErrorCode[] = [];
  if (route.scope !== "public") codes.push("request.invalid", ...OF_KEYS, ...OF_STORES);
  if (route.body !== undefined) codes.push("request.invalid", ...OF_BODIES);
  codes.push(...(route.faults ?? []), "internal.error");
  return [...new Set(codes)];
}
