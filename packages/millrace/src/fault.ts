import type { Log } from "@millrace/engine";
import { MillraceError } from "@millrace/protocol";
import type { Call } from "./route.ts";

/** What a door may tell: a coded fault as it is; anything else is our mistake, told to the log alone. */
export function toFault(error: unknown, call: Call, log: Log): MillraceError {
  const { requestId } = call;
  if (MillraceError.is(error) && error.code !== "internal.error") {
    // Without a stack: a full disk would fill the log with them.
    if (error.entry.status >= 500) {
      log.warn({ requestId, reason: error.code, ...toWhy(error) }, error.message);
    }
    return error;
  }
  log.error({ requestId, err: error }, "a request met a mistake of ours");
  return new MillraceError(
    "internal.error",
    `Something went wrong inside Millrace; its log says more under ${requestId}`,
  );
}

/** A store that is away: where it is, and what the network said, is for the log alone. */
function toWhy({ code, cause }: MillraceError): { readonly why?: string } {
  if (code !== "storage.unavailable" || !(cause instanceof Error)) return {};
  // Several addresses were tried, and each failed.
  const causes: readonly unknown[] = cause instanceof AggregateError ? cause.errors : [cause];
  return { why: causes.map((it) => (it instanceof Error ? it.message : String(it))).join("; ") };
}
