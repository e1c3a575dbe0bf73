import type Stripe from "stripe";
import { ActionError } from "@millrace/protocol";
import { toJsonAnswer } from "../json-answer.ts";
import type { OutboundFetch } from "../outbound.ts";

export interface StripeSettings {
  /** Secret key, `sk_…` or `rk_…`. */
  readonly key: string;
  /** Another host that speaks Stripe's API, without a path. Default: Stripe's own. */
  readonly url?: string;
}

export interface StripeConnection extends StripeSettings {
  readonly fetch: OutboundFetch;
}

/** What was tried against; Stripe keeps answering an older version as it did. */
const API_VERSION = "2026-10-28.endive";

/**
 * The SDK with nothing of its own on the way out: our fetch, no retries (the engine retries), no telemetry. Made for
 * each call, which costs 50 µs and lets the attempt's signal end its requests.
 */
export async function openStripe(
  { key, url, fetch }: StripeConnection,
  signal: AbortSignal,
): Promise<Stripe> {
  // Loaded when it is first needed: it takes 0.1 s and 36 MB (Node 24, November 2026).
  const { default: StripeSdk } = await import("stripe");
  const httpClient = StripeSdk.createFetchHttpClient(async (input, init) =>
    toJsonAnswer(
      "stripe",
      await fetch(input, { ...init, signal: joinSignals(signal, init?.signal) }),
    ),
  );
  return new StripeSdk(key, {
    apiVersion: API_VERSION,
    httpClient,
    maxNetworkRetries: 0,
    telemetry: false,
    ...(url === undefined ? {} : toHost(url)),
  });
}

const joinSignals = (ours: AbortSignal, theirs: AbortSignal | null | undefined): AbortSignal =>
  theirs === null || theirs === undefined ? ours : AbortSignal.any([ours, theirs]);

interface Host {
  readonly host: string;
  readonly port: string;
  readonly protocol: "http" | "https";
}

/** @throws {ActionError} connection.invalid */
function toHost(text: string): Host {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && url.pathname === "/" && url.search === "" && url.username === "";
  if (!isPlain || (url.protocol !== "http:" && url.protocol !== "https:")) {
    const message = "The address of Stripe must be http or https, a host and perhaps a port";
    throw new ActionError("connection.invalid", message, { source: "definition" });
  }
  const protocol = url.protocol === "http:" ? "http" : "https";
  return { host: url.hostname, port: url.port || (protocol === "http" ? "80" : "443"), protocol };
}
