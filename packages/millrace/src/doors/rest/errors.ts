// The one place that turns faults into answers of REST v1.
import type { Issue, MillraceError } from "@millrace/protocol";
import type { Answer } from "../../route.ts";
import { jsonAnswer } from "./envelope.ts";

/** Seconds; the faults of a moment last about as long, and a caller who comes too early is only told again. */
const RETRY_AFTER = { "retry-after": "1" };

/** The seed's envelope, with our stable code as `reason`. */
export function toErrorAnswer(fault: MillraceError): Answer {
  const { status, wire, retry } = fault.entry;
  const details = fault.issues.length === 0 ? undefined : fault.issues.map(toDetail);
  const answer = jsonAnswer(status, {
    success: false,
    error: { code: wire, message: fault.message, details, reason: fault.code },
  });
  if (status !== 503 || retry === "never") return answer;
  return { ...answer, headers: { ...answer.headers, ...RETRY_AFTER } };
}

/** A mistake or a warning, with its path also as people write one. */
export const toDetail = ({ path, message, hint }: Issue): object => ({
  path,
  field: toField(path),
  message,
  hint,
});

/** `steps[0].id`, as people write a path. */
function toField(path: Issue["path"]): string {
  let field = "";
  for (const part of path) {
    if (typeof part === "number") field += `[${part}]`;
    else field += field === "" ? part : `.${part}`;
  }
  return field;
}
