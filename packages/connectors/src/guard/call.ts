// One call with all its redirects: `fetch` of undici, a hop at a time.
import { ActionError } from "@millrace/protocol";
import { fetch as send, type Agent, type Response as Received } from "undici";
import type { GuardCaps } from "./caps.ts";
import { nameOf } from "./check-url.ts";
import { followRedirect, REDIRECT_STATUSES } from "./follow-redirect.ts";
import { createMeter, type Meter } from "./meter.ts";
import type { Outgoing } from "./outgoing.ts";
import { createPatience, type Patience } from "./patience.ts";
import { overSize, receiveBody } from "./received-body.ts";
import { Refusal } from "./refusal.ts";
import { late, toActionError, unreadable, type Sending } from "./to-action-error.ts";

export interface CallOptions {
  readonly agent: Agent;
  readonly caps: GuardCaps;
  /** As `fetch` takes it: follow, hand out the 3xx, or refuse it. */
  readonly redirect: "follow" | "manual" | "error";
  readonly signal: AbortSignal | null;
}

interface Hop {
  readonly outgoing: Outgoing;
  readonly via: string | null;
}

/** A status that a body cannot have, by the Fetch standard. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304]);

/**
 * @throws {ActionError} outbound.refused, http.unreachable, http.timeout, http.response-invalid,
 * http.response-too-large; reading the body throws the last four, too
 * @throws the reason of `options.signal`
 */
export async function call(outgoing: Outgoing, options: CallOptions): Promise<Response> {
  const { caps } = options;
  const first = nameOf(outgoing.url);
  const patience = createPatience({
    totalMs: caps.totalTimeoutMs,
    onLate: () => late(`${first} was not done after ${caps.totalTimeoutMs} ms`),
    caller: options.signal,
  });
  try {
    let hop: Hop = { outgoing, via: null };
    for (let count = 0; ; count++) {
      const [received, receiving] = await exchange(hop, options, patience);
      const location = received.headers.get("location");
      const isFinal = location === null || !REDIRECT_STATUSES.includes(received.status);
      if (isFinal || options.redirect === "manual") return await toResponse(received, receiving);
      await received.body?.cancel();
      hop = nextHop(hop, { status: received.status, location, count }, options);
    }
  } catch (error) {
    patience[Symbol.dispose]();
    throw error;
  }
}

interface Step {
  readonly status: number;
  readonly location: string;
  /** Redirects that were followed before. */
  readonly count: number;
}

function nextHop({ outgoing }: Hop, step: Step, { redirect, caps }: CallOptions): Hop {
  const host = nameOf(outgoing.url);
  try {
    if (redirect === "error") throw new Refusal("this call follows none");
    if (step.count >= caps.maxRedirects) {
      throw new Refusal(`there were more than ${caps.maxRedirects}`);
    }
    // Headers are read as Latin-1; a location may be UTF-8 all the same.
    const location = Buffer.from(step.location, "latin1").toString("utf8");
    return { outgoing: followRedirect(outgoing, { status: step.status, location }), via: host };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    throw new ActionError(
      "outbound.refused",
      `Refused to follow a redirect of ${host}: ${error.message}`,
      { source: "definition" },
    );
  }
}

interface Exchanged {
  readonly outgoing: Outgoing;
  readonly meter: Meter;
  readonly options: CallOptions;
  readonly patience: Patience;
  readonly toError: (error: unknown) => Error;
}

/** One request and the head of its answer. */
async function exchange(
  { outgoing, via }: Hop,
  options: CallOptions,
  patience: Patience,
): Promise<readonly [Received, Exchanged]> {
  const { caps } = options;
  const host = nameOf(outgoing.url);
  const meter = createMeter(options.agent, (size) =>
    size > caps.maxResponseBytes ? overSize(host, caps) : null,
  );
  const toError = (error: unknown): Error => {
    // Whoever gave up knows why; what undici makes of it does not matter.
    const reason: unknown = patience.signal.aborted ? patience.signal.reason : error;
    const sending: Sending = { host, via, wasSent: meter.wasSent };
    const isCallers = patience.signal.aborted && reason === options.signal?.reason;
    if (!isCallers) return toActionError(reason, sending);
    return reason instanceof Error
      ? reason
      : new DOMException("The call was given up", "AbortError");
  };
  try {
    patience.signal.throwIfAborted();
    patience.allow(caps.headersTimeoutMs, () =>
      late(`${host} did not begin to answer within ${caps.headersTimeoutMs} ms`),
    );
    const received = await send(outgoing.url, {
      method: outgoing.method,
      headers: [...outgoing.headers],
      body: outgoing.body,
      redirect: "manual",
      signal: patience.signal,
      dispatcher: meter.dispatcher,
    });
    patience.rest();
    return [received, { outgoing, meter, options, patience, toError }];
  } catch (error) {
    throw toError(error);
  }
}

/** A `Response` of Node's own, since callers are not told that another copy of `fetch` is at work. */
async function toResponse(received: Received, exchanged: Exchanged): Promise<Response> {
  const { outgoing, meter, patience, toError } = exchanged;
  const { caps } = exchanged.options;
  const host = nameOf(outgoing.url);
  const { status } = received;
  if (status < 200 || status > 599) {
    await received.body?.cancel();
    throw unreadable(`The answer of ${host} has the status ${status}, which HTTP does not know`);
  }
  const head = { status, headers: new Headers([...received.headers]) };
  if (received.body === null || outgoing.method === "HEAD" || WITHOUT_BODY.has(status)) {
    await received.body?.cancel();
    patience[Symbol.dispose]();
    return at(outgoing.url, new Response(null, head));
  }
  if (head.headers.get("content-encoding") === null) {
    // Without it there is nothing to compare; the bytes are counted as they come.
    const declared = Number(head.headers.get("content-length") ?? 0);
    if (declared > caps.maxResponseBytes) {
      await received.body.cancel();
      throw overSize(host, caps);
    }
  }
  const body = receiveBody(received.body, { host, caps, meter, patience, toError });
  return at(outgoing.url, new Response(body, head));
}

/** A made response has no address; libraries look at it. */
const at = (url: URL, response: Response): Response =>
  Object.defineProperty(response, "url", { value: url.href });
