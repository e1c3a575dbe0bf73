import { toDurationMs, type JsonText } from "@millrace/protocol";
import { toStoredJson } from "./to-stored-json.ts";
import type { HttpCall } from "./workflow-context.ts";

export interface HttpInput {
  /** As the action `http.request` takes it. */
  readonly input: JsonText;
  /** null: the action's own. */
  readonly timeoutMs: number | null;
}

/** @throws {StepError} input.invalid; {MillraceError} option.invalid */
export function toHttpInput(step: string, call: HttpCall): HttpInput {
  const { url, timeout, retries: _, backoff: __, ...rest } = call;
  const timeoutMs = timeout === undefined ? null : toDurationMs(timeout, "timeout");
  const limit = timeoutMs === null ? {} : { timeoutMs };
  const input = toStoredJson(step, "The call", { url: String(url), ...rest, ...limit });
  return { input, timeoutMs };
}
