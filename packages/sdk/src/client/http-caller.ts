// One request to the server, sent again as long as that is of use and does no harm.
//
//   H1. A call that may be repeated is: when nothing or only a proxy answers, when the server says that it cannot now.
//       Until it works, the caller gives up, or the server has been gone for `retryForMs`.
//   H2. A call that may not be repeated is sent again only if the server has said that it did nothing (429).
//   H3. What a repeat would not mend is told at once.
import { MillraceError } from "@millrace/protocol";
import { linkSignals, type LinkedSignal } from "./linked-signal.ts";
import { pauseMs, type Pace } from "./pace.ts";
import { readEnvelope, type Envelope } from "./read-fault.ts";

export interface HttpCallerOptions {
  /** Without a slash at its end. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly fetch: typeof fetch;
  readonly retryForMs: number;
  readonly pace: Pace;
}

export interface HttpCall {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Below the address, with its query. */
  readonly path: string;
  /** JSON. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** H1 and H2. */
  readonly isRepeatable: boolean;
  /** Of one try. Default 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface HttpAnswer extends Envelope {
  readonly status: number;
  readonly headers: Headers;
}

const TRY_MS = 30_000;
/** Of what the server calls a mistake of its own, or a collision. */
const MOST_TRIES_OF_FAULTS = 4;

/** How one try ended that did not succeed. */
interface Failed {
  readonly error: MillraceError;
  /** `gone`: nobody answered for the server. */
  readonly kind: "gone" | "refused";
  /** As the server wishes; null: it does not say. */
  readonly retryAfterMs: number | null;
}

export class HttpCaller {
  readonly #options: HttpCallerOptions;
  readonly #closing = new AbortController();
  readonly #links = new Set<LinkedSignal>();

  constructor(options: HttpCallerOptions) {
    this.#options = options;
  }

  get closed(): AbortSignal {
    return this.#closing.signal;
  }

  /** A signal that closing gives as well. By a list of our own: signals warn of many listeners. */
  link(signal: AbortSignal | undefined): LinkedSignal {
    const link = linkSignals(signal);
    if (this.closed.aborted) link.abort(this.closed.reason);
    this.#links.add(link);
    return {
      ...link,
      dispose: () => {
        this.#links.delete(link);
        link.dispose();
      },
    };
  }

  get pace(): Pace {
    return this.#options.pace;
  }

  get retryForMs(): number {
    return this.#options.retryForMs;
  }

  /** @throws {MillraceError} what the server says; server.unreachable @throws the reason of the signal */
  async call(call: HttpCall): Promise<HttpAnswer> {
    const { pace, retryForMs } = this.#options;
    const link = this.link(call.signal);
    const untilMs = pace.nowMs() + retryForMs;
    try {
      for (let tries = 1; ; tries++) {
        throwIfAborted(link.signal);
        const answer = await this.#try(call, link.signal);
        if ("data" in answer) return answer;
        throwIfAborted(link.signal);
        const waitMs = waitBefore(answer, tries, call.isRepeatable, pace);
        if (waitMs === null || pace.nowMs() + waitMs > untilMs) throw answer.error;
        await pace.sleep(waitMs, link.signal);
      }
    } finally {
      link.dispose();
    }
  }

  async #try(call: HttpCall, signal: AbortSignal): Promise<HttpAnswer | Failed> {
    const link = linkSignals(signal);
    const timer = setTimeout(() => link.abort(TIMED_OUT), call.timeoutMs ?? TRY_MS);
    try {
      const response = await this.send(call, link.signal);
      const { status, headers } = response;
      const envelope = readEnvelope(status, await response.text());
      if ("data" in envelope) return { ...envelope, status, headers };
      return toFailed(envelope, status, headers);
    } catch (error) {
      return { kind: "gone", error: unreachable(this.#options.url, error), retryAfterMs: null };
    } finally {
      clearTimeout(timer);
      link.dispose();
    }
  }

  /** One request, whose answer nobody has read yet. */
  send({ method, path, body, headers }: HttpCall, signal: AbortSignal): Promise<Response> {
    const { url, fetch: send, headers: own } = this.#options;
    const sent = body === undefined ? {} : { "content-type": "application/json" };
    return send(`${url}${path}`, {
      method,
      headers: { ...own, ...sent, ...headers },
      ...(body === undefined ? {} : { body }),
      signal,
    });
  }

  /** Ends what is under way. */
  close(): void {
    const reason = new MillraceError("server.unreachable", "The client was closed");
    this.#closing.abort(reason);
    for (const link of this.#links) link.abort(reason);
  }
}

const TIMED_OUT = new Error("no answer in time");

export function unreachable(url: string, cause: unknown): MillraceError {
  const message = `No answer from ${url}: ${describeCause(cause)}`;
  return new MillraceError("server.unreachable", message, { cause });
}

/** `fetch` says only that it failed; the system's reason stands in its cause. */
function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return "the connection failed";
  const { cause } = error;
  if (cause instanceof Error && cause.message !== "") return cause.message;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? cause.code : "";
  return typeof code === "string" && code !== "" ? code : error.message;
}

export function throwIfAborted(signal: AbortSignal): void {
  if (signal.aborted) throw signal.reason;
}

function toFailed(error: MillraceError, status: number, headers: Headers): Failed {
  const retryAfterMs = readRetryAfter(headers.get("retry-after"));
  const isGone = status === 502 || status === 503 || status === 504;
  return { error, kind: isGone ? "gone" : "refused", retryAfterMs };
}

/** Seconds, or a date. */
function readRetryAfter(text: string | null): number | null {
  if (text === null) return null;
  const ms = /^\d{1,6}$/.test(text.trim()) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

/** @returns null: it is over */
export function waitBefore(
  { error, kind, retryAfterMs }: Failed,
  tries: number,
  isRepeatable: boolean,
  pace: Pace,
): number | null {
  const { retry } = error.entry;
  if (retry === "never") return null;
  const pause = pauseMs(tries, pace);
  if (error.code === "request.rate-limited") return retryAfterMs ?? pause;
  if (!isRepeatable) return null;
  if (kind === "gone") return Math.max(pause, Math.min(retryAfterMs ?? 0, 5_000));
  return tries < MOST_TRIES_OF_FAULTS ? pause : null;
}
