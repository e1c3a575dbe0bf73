// The one place that turns faults into answers of REST v1.
import type { Issue, MillraceError } from "@millrace/protocol";
import type { Answer } from "../../route.ts";
import { jsonAnswer } from "./envelope.ts";

/** The seed's envelope, with our stable code as `reason`. */
export function toErrorAnswer(fault: MillraceError): Answer {
  const { status, wire } = fault.entry;
  const details = fault.issues.length === 0 ? undefined : fault.issues.map(toDetail);
  return jsonAnswer(status, {
    success: false,
    error: { code: wire, message: fault.message, details, reason: fault.code },
  });
}

const toDetail = ({ path, message, hint }: Issue): object => ({
  path,
  field: toField(path),
  message,
  hint,
});

/** `steps[0].id`, as people write a path. */
export function toField(path: Issue["path"]): string {
  let field = "";
  for (const part of path) {
    if (typeof part === "number") field += `[${part}]`;
    else field += field === "" ? part : `.${part}`;
  }
  return field;
}
