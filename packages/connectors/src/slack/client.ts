import type { FetchFunction, WebClient } from "@slack/web-api";
import { toJsonAnswer } from "../json-answer.ts";
import type { OutboundFetch } from "../outbound.ts";
import { readRetryAfter } from "../retry-after.ts";
import { rateLimited } from "./errors.ts";

export interface SlackSettings {
  /** Of a bot, `xoxb-…`. */
  readonly token: string;
  /** Another address that speaks Slack's Web API, such as `http://127.0.0.1:9000/api/`. Default: Slack's own. */
  readonly url?: string;
}

export interface SlackConnection extends SlackSettings {
  readonly fetch: OutboundFetch;
}

/** Slack's SDK writes warnings to the console on its own. Ours are in the failure. */
const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  setLevel: () => undefined,
  setName: () => undefined,
};

/**
 * The SDK with our fetch, without its retries (the engine retries) and its log. Made for each call, which costs 30 µs
 * and keeps one run's rate limit out of another's queue.
 */
export async function openSlack(
  { token, url, fetch }: SlackConnection,
  signal: AbortSignal,
): Promise<WebClient> {
  // Loaded when it is first needed.
  const { LogLevel, WebClient: SlackClient } = await import("@slack/web-api");
  const guarded: FetchFunction = async (input, init = {}) => {
    const { signal: own, ...rest } = init;
    const joined = own === undefined ? signal : AbortSignal.any([signal, own]);
    const response = await fetch(input, { ...rest, signal: joined });
    if (response.status === 200) return toJsonAnswer("slack", response);
    if (response.status !== 429) return response;
    await response.body?.cancel();
    // The SDK would sleep on it, or lose how long.
    throw rateLimited(readRetryAfter(response.headers.get("retry-after")));
  };
  return new SlackClient(token, {
    fetch: guarded,
    retryConfig: { retries: 0 },
    logger: { ...SILENT, getLevel: () => LogLevel.ERROR },
    allowAbsoluteUrls: false,
    ...(url === undefined ? {} : { slackApiUrl: url }),
  });
}
