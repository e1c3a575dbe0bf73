import { MillraceError, type ConnectableEngine } from "@millrace/protocol";
import { TransportClient, type Client } from "./client.ts";
import { HttpCaller } from "./http-caller.ts";
import { HttpTransport } from "./http-transport.ts";
import { SYSTEM_PACE, type Pace } from "./pace.ts";

export interface HttpClientOptions {
  /** Of the server: `http://127.0.0.1:3000`. A path before `/api/v1` may stand there. */
  readonly url: string;
  /** An API key. */
  readonly key?: string;
  /** Name of a tenant; of use with the administrator's key alone, which acts for all. Default: the key's own. */
  readonly namespace?: string;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
  /** How long a call goes on while nobody answers. Less fails earlier. Default: 60,000 ms. */
  readonly retryForMs?: number;
}

export interface EngineClientOptions {
  /** One that was started. */
  readonly engine: ConnectableEngine;
  /** Name of the tenant. Default: `default`. */
  readonly namespace?: string;
}

export type ClientOptions = HttpClientOptions | EngineClientOptions;

const DEFAULT_RETRY_FOR_MS = 60_000;

/**
 * Connects to nobody yet.
 *
 * @throws {MillraceError} option.invalid
 *
 * @example
 * const client = createClient({ url: "http://127.0.0.1:3000", key });
 * const run = await client.start("greet", { name: "Ada" });
 * const text = await run.result();
 */
export function createClient(options: ClientOptions): Client {
  if ("engine" in options) {
    return new TransportClient(options.engine.connect(options.namespace).client);
  }
  return createHttpClient(options, SYSTEM_PACE);
}

function createHttpClient(options: HttpClientOptions, pace: Pace): Client {
  return new TransportClient(new HttpTransport(openCaller(options, pace).caller));
}

/** How requests go to a server, and what each of them carries. */
export interface OpenCaller {
  readonly caller: HttpCaller;
  /** Without a slash at its end. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** @throws {MillraceError} option.invalid */
export function openCaller(options: HttpClientOptions, pace: Pace): OpenCaller {
  const { key, namespace, retryForMs = DEFAULT_RETRY_FOR_MS } = options;
  checkHeader("key", key);
  checkHeader("namespace", namespace);
  if (!(retryForMs >= 0)) throw invalid("retryForMs", "must be a number from 0");
  const url = readUrl(options.url);
  const headers = {
    ...(key === undefined ? {} : { "x-api-key": key }),
    ...(namespace === undefined ? {} : { "x-millrace-tenant": namespace }),
  };
  const caller = new HttpCaller({
    url,
    headers,
    // Browsers want it called on nothing but the global object.
    fetch: options.fetch ?? ((input, init) => fetch(input, init)),
    retryForMs,
    pace,
  });
  return { caller, url, headers };
}

function readUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw invalid("url", "must be an absolute address that begins with http:// or https://");
  }
  if (url.username !== "" || url.search !== "" || url.hash !== "") {
    throw invalid("url", "must have neither user name, query nor fragment");
  }
  return url.href.replace(/\/+$/, "");
}

/** What cannot be sent would look as if the server were gone. */
function checkHeader(name: string, value: string | undefined): void {
  if (value === undefined || /^[\x21-\x7e]+$/.test(value)) return;
  throw invalid(name, "must be printable characters without spaces");
}

const invalid = (name: string, problem: string): MillraceError =>
  new MillraceError("option.invalid", `\`${name}\` ${problem}`);
