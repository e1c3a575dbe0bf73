// A test server behind a real port, for samples that speak HTTP. The hosts that samples name lead to it.
import { listen } from "millrace";
import {
  openTestServer,
  type TestServer,
  type TestServerOptions,
} from "../tools/testkit/open-test-server.ts";
import type { PrintedRequest } from "./printed-request.ts";

export interface ListeningServer extends AsyncDisposable {
  readonly server: TestServer;
  /** Where it listens. */
  readonly url: string;
  /** As the global one. */
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
  send(request: PrintedRequest): Promise<SampleAnswer>;
}

export interface SampleAnswer {
  readonly status: number;
  readonly headers: Headers;
  /** Each test knows what it asked for. */
  readonly body: SampleBody;
}

export interface SampleBody {
  readonly success: boolean;
  readonly data: Readonly<Record<string, unknown>>;
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly details: readonly { readonly path: readonly unknown[]; readonly message: string }[];
  };
}

const HOSTS = /^(http:\/\/localhost:3000|https:\/\/api\.example\.com)(?=\/)/;

export async function openListeningServer(
  options: TestServerOptions = {},
): Promise<ListeningServer> {
  const server = await openTestServer(options);
  const listener = await listen({ app: server.app, host: "127.0.0.1", port: 0 });
  const fetchHere: ListeningServer["fetch"] = (url, init) => {
    if (!HOSTS.test(url)) throw new Error(`no sample names ${url}`);
    return fetch(url.replace(HOSTS, `http://127.0.0.1:${listener.port}`), init);
  };
  return {
    server,
    url: `http://127.0.0.1:${listener.port}`,
    fetch: fetchHere,
    send: async ({ method, url, headers, body }) => {
      const init = body === undefined ? { method, headers } : { method, headers, body };
      const response = await fetchHere(url, init);
      return {
        status: response.status,
        headers: response.headers,
        // What is not of this shape fails the test that looks into it.
        body: (await response.json()) as SampleBody,
      };
    },
    [Symbol.asyncDispose]: async () => {
      await listener.close({ graceMs: 0 });
      await server[Symbol.asyncDispose]();
    },
  };
}
