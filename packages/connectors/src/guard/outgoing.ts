import { checkHeader } from "./check-headers.ts";
import { checkUrl, nameOf } from "./check-url.ts";
import { Refusal, refused } from "./refusal.ts";

/** A request that was checked, whole in memory, so that a redirect can send it again. */
export interface Outgoing {
  readonly url: URL;
  /** Upper case. */
  readonly method: string;
  readonly headers: Headers;
  readonly body: Uint8Array | null;
}

type Input = string | URL | Request;

/** `TRACE` gives back what it was sent, credentials included; `CONNECT` asks for a tunnel. */
const METHODS_REFUSED: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/**
 * Reads what `fetch` takes, of any copy of it.
 *
 * @throws {ActionError} outbound.refused
 */
export async function toOutgoing(input: Input, init: RequestInit = {}): Promise<Outgoing> {
  const request = input instanceof Request ? input : undefined;
  const url = URL.parse(input instanceof Request ? input.url : input.toString());
  if (url === null) throw refused("a URL", "it is not one");
  try {
    checkUrl(url);
    const method = (init.method ?? request?.method ?? "GET").toUpperCase();
    if (METHODS_REFUSED.has(method)) throw new Refusal(`the method ${method} is not possible`);
    const headers = toHeaders(init.headers ?? request?.headers ?? {});
    // Any kind of body there is, with the content type that belongs to it.
    const packed = new Response(init.body ?? request?.body ?? null);
    const body = packed.body === null ? null : new Uint8Array(await packed.arrayBuffer());
    if (body !== null && (method === "GET" || method === "HEAD")) {
      throw new Refusal(`a ${method} has no body`);
    }
    const contentType = packed.headers.get("content-type");
    if (contentType !== null && !headers.has("content-type")) {
      headers.set("content-type", contentType);
    }
    return { url, method, headers, body };
  } catch (error) {
    if (error instanceof Refusal) throw refused(nameOf(url), error.message);
    throw error;
  }
}

function toHeaders(init: NonNullable<RequestInit["headers"]>): Headers {
  const headers = new Headers();
  for (const [name, value] of readPairs(init)) {
    // Libraries count it themselves; what we send is counted anew, and comes to the same.
    if (name.toLowerCase() === "content-length") continue;
    checkHeader(name, value);
    headers.append(name, value);
  }
  return headers;
}

/** As they are: making `Headers` of wrong ones throws an error that quotes the value. */
function readPairs(
  init: NonNullable<RequestInit["headers"]>,
): readonly (readonly [string, string])[] {
  const isIterable = Symbol.iterator in init && typeof init[Symbol.iterator] === "function";
  const pairs: Iterable<readonly unknown[]> = isIterable
    ? (init as Iterable<readonly unknown[]>)
    : Object.entries(init);
  return Array.from(pairs, ([name, value]) => [String(name), String(value)]);
}
