import type { Action, Actions, JsonValue } from "@millrace/protocol";
import { REDIRECT_STATUSES } from "../guard/follow-redirect.ts";
import type { Guard } from "../guard/guard.ts";
import { toKeyHeader } from "./header-text.ts";
import { readAnswer } from "./read-answer.ts";
import { parseRequestInput } from "./request-input.ts";
import { toShownUrl } from "./shown-url.ts";
import { toStatusError } from "./status-error.ts";
import { USER_AGENT } from "./user-agent.ts";

/** `http.request`: any HTTP API, through the guard. */
export function createHttpActions(guard: Guard): Actions {
  return { "http.request": createRequestAction(guard) };
}

function createRequestAction(guard: Guard): Action {
  return async (input, context) => {
    const { url, method, headers, body, ...rest } = parseRequestInput(input, guard.caps);
    if (!headers.has("user-agent")) headers.set("user-agent", USER_AGENT);
    if (method !== "GET" && method !== "HEAD" && !headers.has("idempotency-key")) {
      headers.set("idempotency-key", toKeyHeader(context.idempotencyKey));
    }
    const { signal } = context;
    // Who expects to be redirected wants to see where to.
    const redirect = REDIRECT_STATUSES.some(rest.isExpected) ? "manual" : "follow";
    const send = guard.withCaps(rest.caps);
    const response = await send(url, { method, headers, body, redirect, signal });
    if (!rest.isExpected(response.status)) {
      const call = `${method} ${toShownUrl(url)}`;
      throw await toStatusError(response, { call, secrets: rest.secrets });
    }
    return {
      status: response.status,
      headers: toPlainHeaders(response.headers),
      body: await readAnswer(response, rest.parse, url.host),
    };
  };
}

/** Names in lower case. Repeated ones are one text, but `set-cookie`, which is a list. */
function toPlainHeaders(headers: Headers): JsonValue {
  const plain: Record<string, JsonValue> = Object.fromEntries(headers);
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) plain["set-cookie"] = cookies;
  return plain;
}
