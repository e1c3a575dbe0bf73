// From what Stripe's SDK throws to what the engine understands: who is to blame, and when to try again.
import { ActionError, type JsonValue } from "@millrace/protocol";
import { findActionError, hideSecrets, innermost, toWord } from "../far-side-errors.ts";
import { readRetryAfter } from "../retry-after.ts";

/** As far as it is looked at. The SDK's class is not named here, so that it is loaded only where it is used. */
interface StripeProblem {
  readonly type: string;
  readonly rawType?: string;
  readonly code?: string;
  readonly decline_code?: string;
  readonly param?: string;
  readonly statusCode?: number;
  readonly requestId?: string;
  readonly message: string;
  readonly detail?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const isStripeProblem = (error: unknown): error is StripeProblem =>
  error instanceof Error &&
  "type" in error &&
  typeof error.type === "string" &&
  error.type.startsWith("Stripe");

/** @param secrets never shown, whatever the far side repeats */
export function toActionError(error: unknown, secrets: readonly string[]): ActionError {
  const inner = findActionError(error);
  if (inner !== undefined) return inner;
  if (!isStripeProblem(error)) {
    const message = "Stripe's answer cannot be read";
    return new ActionError("stripe.answer-invalid", message, { source: "infrastructure" });
  }
  const { statusCode: status } = error;
  if (error.type === "StripeConnectionError") return unreachable(error, secrets);
  if (status === 401 || status === 403) return refusedKey(error, status);
  if (status === undefined || status >= 500 || status === 429 || status === 409) {
    return unavailable(error, secrets);
  }
  const word = toWord(error.code ?? error.rawType ?? "error");
  return new ActionError(`stripe.${word}`, hideSecrets(error.message, secrets), {
    details: toDetails(error),
  });
}

function unreachable(error: StripeProblem, secrets: readonly string[]): ActionError {
  const why = hideSecrets(innermost(error.detail) ?? error.message, secrets);
  return new ActionError("stripe.unreachable", `Stripe cannot be reached: ${why}`, {
    source: "infrastructure",
  });
}

/** In our own words: Stripe's repeat a part of the key. */
function refusedKey(error: StripeProblem, status: 401 | 403): ActionError {
  const message =
    status === 401
      ? "Stripe does not accept the key in MILLRACE_STRIPE_KEY"
      : "The key in MILLRACE_STRIPE_KEY lacks a permission that this call needs";
  const code = status === 401 ? "stripe.authentication-failed" : "stripe.permission-missing";
  return new ActionError(code, message, { source: "definition", details: toDetails(error) });
}

function unavailable(error: StripeProblem, secrets: readonly string[]): ActionError {
  const code = error.statusCode === 429 ? "stripe.rate-limited" : "stripe.unavailable";
  const retryAfterMs = readRetryAfter(error.headers?.["retry-after"]);
  return new ActionError(code, hideSecrets(error.message, secrets), {
    source: "infrastructure",
    details: toDetails(error),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function toDetails(error: StripeProblem): JsonValue {
  const { rawType, code, decline_code: declineCode, param, statusCode: status, requestId } = error;
  const details = { type: rawType, code, declineCode, param, status, requestId };
  return Object.fromEntries(
    Object.entries(details).flatMap(([name, value]) =>
      typeof value === "number" || (typeof value === "string" && value !== "")
        ? [[name, value]]
        : [],
    ),
  );
}
