import {
  ActionError,
  parseJson,
  type ActionContext,
  type FunctionCaller,
  type FunctionTarget,
} from "@millrace/protocol";
import type { Guard } from "../guard/guard.ts";
import { isSuccess } from "./expected-status.ts";
import { toKeyHeader, toTextHeader } from "./header-text.ts";
import { readAnswer } from "./read-answer.ts";
import { toShownUrl } from "./shown-url.ts";
import { toStatusError, withReason } from "./status-error.ts";
import { USER_AGENT } from "./user-agent.ts";

/**
 * Calls functions over HTTP. The body is the input and nothing else; who calls stands in headers: `x-millrace-run-id`,
 * `x-millrace-step` (percent-encoded), `x-millrace-attempt`, `Idempotency-Key`. The answer is JSON, the step's output;
 * an empty one is null. A function fails by its status, and may say why:
 * `{ "error": { "message": "…", "retryable": false } }`.
 *
 * @throws {ActionError} http.status, and what the guard throws
 */
export function createFunctionCaller(guard: Guard): FunctionCaller {
  return async (target, input, context) => {
    const url = URL.parse(target.url);
    if (url === null) {
      const message = "The address of the function is not a URL";
      throw new ActionError("outbound.refused", message, { source: "definition" });
    }
    const { method = "POST", headers = {}, timeoutMs } = target;
    const send =
      timeoutMs === undefined ? guard.fetch : guard.withCaps({ totalTimeoutMs: timeoutMs });
    const response = await send(url, {
      method,
      headers: headersFor(headers, context),
      body: JSON.stringify(input),
      signal: context.signal,
    });
    if (isSuccess(response.status)) return readAnswer(response, "json", url.host);
    const call = `${method} ${toShownUrl(url)}`;
    const error = await toStatusError(response, { call, secrets: Object.values(headers) });
    const said = parseJson(bodyOf(error));
    throw said.ok ? withReason(error, said.value) : error;
  };
}

/** In this order, so that no stored header can pose as one of ours. */
function headersFor(
  headers: NonNullable<FunctionTarget["headers"]>,
  context: ActionContext,
): [name: string, value: string][] {
  const ours: readonly [name: string, value: string][] = [
    ["content-type", "application/json"],
    ["accept", "application/json"],
    ["idempotency-key", toKeyHeader(context.idempotencyKey)],
    ["x-millrace-run-id", context.runId],
    ["x-millrace-step", toTextHeader(context.step)],
    ["x-millrace-attempt", String(context.attempt)],
  ];
  const names = new Set(ours.map(([name]) => name));
  const theirs = Object.entries(headers).filter(([name]) => !names.has(name.toLowerCase()));
  const hasAgent = theirs.some(([name]) => name.toLowerCase() === "user-agent");
  return [
    ...theirs,
    ...(hasAgent ? [] : [["user-agent", USER_AGENT] as [string, string]]),
    ...ours,
  ];
}

function bodyOf({ details }: ActionError): string {
  const body: unknown =
    typeof details === "object" && details !== null && "body" in details ? details.body : "";
  return typeof body === "string" ? body : "";
}
