import { ActionError } from "@millrace/protocol";
import { errors } from "undici";
import { MAX_HEADER_BYTES } from "./caps.ts";
import { Refusal, refused } from "./refusal.ts";

/** What was known of a call when it failed. */
export interface Sending {
  readonly host: string;
  /** Who redirected here; null: nobody did. */
  readonly via: string | null;
  /** Whether a byte of the request may have been sent. */
  readonly wasSent: boolean;
}

/** Of what unpacks bodies: gzip and deflate, Brotli, Zstandard. */
const UNPACKING = /^(?:Z_|ERR__|ERR_BROTLI|ZSTD_)/;
const LATE: ReadonlySet<string> = new Set(["UND_ERR_CONNECT_TIMEOUT", "ETIMEDOUT"]);

/** Every failure of a call with a code of ours, and no word of the URL but its host. */
export function toActionError(error: unknown, sending: Sending): ActionError {
  const chain = causesOf(error);
  const own = chain.find((it) => ActionError.is(it));
  if (own !== undefined) return own;
  const { host } = sending;
  const refusal = chain.find((it) => it instanceof Refusal);
  if (refusal !== undefined) return refused(host, refusal.message, sending.via);
  // It has no code (undici 8.12), but what the far side sent.
  if (chain.some((it) => it instanceof errors.HTTPParserError)) {
    return unreadable(`The answer of ${host} is not HTTP/1.1`);
  }
  const named = chain.find((it) => codeOf(it) !== "");
  const code = codeOf(named);
  if (code === "UND_ERR_HEADERS_OVERFLOW") {
    return tooLarge(`The answer of ${host} has more than ${MAX_HEADER_BYTES} bytes of headers`);
  }
  if (UNPACKING.test(code)) return unreadable(`The answer of ${host} cannot be unpacked (${code})`);
  return broken(sending, code, named ?? error);
}

function broken({ host, wasSent }: Sending, code: string, cause: unknown): ActionError {
  const why = code === "" ? "" : ` (${code})`;
  const infrastructure = { source: "infrastructure", cause } as const;
  if (LATE.has(code) && !wasSent) {
    return new ActionError(
      "http.timeout",
      `Could not connect to ${host} in time${why}`,
      infrastructure,
    );
  }
  const message = wasSent
    ? `The connection to ${host} broke off before its answer was complete${why}; what it did is not known`
    : `Could not connect to ${host}${why}`;
  return new ActionError("http.unreachable", message, infrastructure);
}

export const unreadable = (message: string): ActionError =>
  new ActionError("http.response-invalid", message);

export const tooLarge = (message: string): ActionError =>
  new ActionError("http.response-too-large", message, { source: "definition" });

export const late = (message: string): ActionError =>
  new ActionError("http.timeout", message, { source: "infrastructure" });

/** undici says "fetch failed" or "terminated", and why in the cause of it. */
function causesOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [];
  let next = error;
  while (next instanceof Error && !chain.includes(next)) {
    chain.push(next);
    next = next.cause;
  }
  return chain;
}

function codeOf(error: unknown): string {
  const code: unknown =
    typeof error === "object" && error !== null && "code" in error ? error.code : "";
  return typeof code === "string" ? code : "";
}
