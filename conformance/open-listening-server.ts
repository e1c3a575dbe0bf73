// Servers behind a real port, for samples that speak HTTP. The hosts that samples name lead to them.
import type { TestServerOptions } from "../tools/testkit/open-test-server.ts";
import { openNodes, type SampleNodes } from "./open-nodes.ts";
import type { PrintedRequest } from "./printed-request.ts";

export interface ListeningServer extends AsyncDisposable {
  readonly server: SampleServer;
  readonly nodeCount: number;
  /** Where it listens. */
  readonly url: string;
  /** Of one node, where there are several: for a worker. */
  workerUrl(): string;
  /** As the global one. */
  readonly fetch: (url: string, init?: RequestInit) => Promise<Response>;
  send(request: PrintedRequest): Promise<SampleAnswer>;
}

export interface SampleServer extends Pick<SampleNodes, "key" | "newKey" | "makeTenant"> {
  /** Creates and activates. @returns its id */
  install(definition: object): Promise<string>;
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
  const nodes = await openNodes(options);
  const { key, newKey, makeTenant, port } = nodes;
  const url = `http://127.0.0.1:${port}`;
  const fetchHere: ListeningServer["fetch"] = (asked, init) => {
    if (!HOSTS.test(asked)) throw new Error(`no sample names ${asked}`);
    return fetch(asked.replace(HOSTS, url), init);
  };
  const install: SampleServer["install"] = async (definition) => {
    const send = async (path: string, body?: object): Promise<SampleBody> => {
      const headers = { "x-api-key": key, "content-type": "application/json" };
      const text = body === undefined ? {} : { body: JSON.stringify(body) };
      const answer = await fetch(`${url}/api/v1${path}`, { method: "POST", headers, ...text });
      if (!answer.ok) throw new Error(await answer.text());
      // What is not of this shape fails the test that looks into it.
      return (await answer.json()) as SampleBody;
    };
    const id = String((await send("/workflows", definition)).data["id"]);
    await send(`/workflows/${id}/activate`);
    return id;
  };
  return {
    server: { key, newKey, makeTenant, install },
    url,
    nodeCount: nodes.nodeCount,
    workerUrl: () => `http://127.0.0.1:${nodes.nextPort()}`,
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
    [Symbol.asyncDispose]: () => nodes.close(),
  };
}
