import { checkUrl } from "./check-url.ts";
import type { Outgoing } from "./outgoing.ts";
import { Refusal } from "./refusal.ts";

/** Where an answer sends us, and with which status. */
export interface Redirect {
  readonly status: number;
  readonly location: string;
}

/** All that another origin gets to see. A list of what to keep: secrets stand in headers of any name. */
const KEPT_ACROSS_ORIGINS: ReadonlySet<string> = new Set([
  "accept",
  "accept-language",
  "content-type",
  "idempotency-key",
  "user-agent",
]);
const OF_THE_BODY: readonly string[] = [
  "content-encoding",
  "content-language",
  "content-location",
  "content-type",
];

/** 300 and 304 are answers. Source: "redirect status" of the Fetch standard. */
export const REDIRECT_STATUSES: readonly number[] = [301, 302, 303, 307, 308];

/**
 * The request that a redirect asks for, by the Fetch standard, and stricter with headers.
 *
 * @throws {Refusal}
 */
export function followRedirect(from: Outgoing, { status, location }: Redirect): Outgoing {
  const url = URL.parse(location, from.url.href);
  if (url === null) throw new Refusal("it leads to something that is not a URL");
  checkUrl(url);
  if (from.url.protocol === "https:" && url.protocol === "http:") {
    throw new Refusal("it leads from https: down to http:");
  }
  const dropsBody = becomesGet(from.method, status);
  const staysHome = url.origin === from.url.origin;
  const headers = new Headers(
    [...from.headers].filter(([name]) => staysHome || KEPT_ACROSS_ORIGINS.has(name)),
  );
  if (dropsBody) for (const name of OF_THE_BODY) headers.delete(name);
  if (!dropsBody) return { ...from, url, headers };
  return { url, method: "GET", headers, body: null };
}

function becomesGet(method: string, status: number): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return method === "POST" && (status === 301 || status === 302);
}
