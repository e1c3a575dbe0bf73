// From what Slack's SDK throws to what the engine understands.
import { ActionError } from "@millrace/protocol";
import { findActionError, hideSecrets, innermost, toWord } from "../far-side-errors.ts";

/** Answers that say that the token is no good for this; another attempt is no better. */
const REFUSED: ReadonlySet<string> = new Set([
  "access_denied",
  "account_inactive",
  "enterprise_is_restricted",
  "invalid_auth",
  "missing_scope",
  "no_permission",
  "not_allowed_token_type",
  "not_authed",
  "org_login_required",
  "team_access_not_granted",
  "token_expired",
  "token_revoked",
]);

/** Answers that pass by themselves. */
const PASSING: ReadonlySet<string> = new Set([
  "fatal_error",
  "internal_error",
  "rate_limited",
  "ratelimited",
  "request_timeout",
  "service_unavailable",
]);

/** @param secrets never shown, whatever the far side repeats */
export function toActionError(error: unknown, secrets: readonly string[]): ActionError {
  const inner = findActionError(error);
  if (inner !== undefined) return inner;
  const word = readAnswer(error);
  if (word !== undefined) return toRefusal(hideSecrets(word, secrets));
  const status = readStatus(error);
  if (status !== undefined) return toHttpError(status);
  const why = hideSecrets(innermost(error) ?? "no reason is known", secrets);
  return new ActionError("slack.unreachable", `Slack cannot be reached: ${why}`, {
    source: "infrastructure",
  });
}

/** What Slack said in an answer with `ok: false`. */
function readAnswer(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("data" in error)) return undefined;
  const { data } = error;
  if (typeof data !== "object" || data === null || !("error" in data)) return undefined;
  return typeof data.error === "string" ? data.error : "";
}

function toRefusal(word: string): ActionError {
  if (!/^[a-z][a-z0-9_]{0,63}$/.test(word)) {
    const message = "Slack's answer cannot be read";
    return new ActionError("slack.answer-invalid", message, { source: "infrastructure" });
  }
  if (REFUSED.has(word)) {
    const message = `Slack does not accept the token in MILLRACE_SLACK_TOKEN for this: ${word}`;
    return new ActionError(`slack.${toWord(word)}`, message, { source: "definition" });
  }
  const source = PASSING.has(word) ? "infrastructure" : "code";
  return new ActionError(`slack.${toWord(word)}`, `Slack refuses the message: ${word}`, { source });
}

function readStatus(error: unknown): number | undefined {
  if (typeof error !== "object" || error === null || !("statusCode" in error)) return undefined;
  return typeof error.statusCode === "number" ? error.statusCode : undefined;
}

const toHttpError = (status: number): ActionError =>
  new ActionError("slack.unavailable", `Slack answers with status ${status}`, {
    source: status >= 500 ? "infrastructure" : "code",
    details: { status },
  });

/** @param retryAfterMs undefined: Slack did not say how long */
export const rateLimited = (retryAfterMs: number | undefined): ActionError =>
  new ActionError("slack.rate-limited", "Slack asks to send more slowly", {
    source: "infrastructure",
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
