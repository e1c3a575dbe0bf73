// The fake Stripe of the sandbox behind a port of its own, so that it outlives the servers that call it.
import { createMemorySandboxStore, createSandbox } from "@millrace/connectors";
import { DEFAULT_TENANT, type JsonValue } from "@millrace/protocol";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

export interface FakeStripe extends AsyncDisposable {
  readonly url: string;
  /** Calls back once, as soon as the next answer to such a request is on the wire. */
  afterAnswer(isIt: (method: string, path: string) => boolean, act: () => void): void;
  list(
    kind: "invoices" | "invoiceitems",
  ): Promise<readonly { readonly [key: string]: JsonValue }[]>;
}

interface Watch {
  readonly isIt: (method: string, path: string) => boolean;
  readonly act: () => void;
}

export async function openFakeStripe(): Promise<FakeStripe> {
  const sandbox = createSandbox({ store: createMemorySandboxStore() });
  const answer = sandbox.stripe(DEFAULT_TENANT);
  let watch: Watch | null = null;
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = "GET", url = "/", headers } = request;
    const body = await text(request);
    const answered = await answer(`https://stripe.invalid${url}`, {
      method,
      headers: toHeaders(headers),
      ...(body === "" ? {} : { body }),
    });
    const done = await answered.text();
    response.writeHead(answered.status, Object.fromEntries(answered.headers));
    response.end(done, () => {
      if (watch?.isIt(method, url) !== true) return;
      const { act } = watch;
      watch = null;
      act();
    });
  };
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  // A TCP server has no other kind of address.
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    afterAnswer: (isIt, act) => {
      watch = { isIt, act };
    },
    list: (kind) => sandbox.list(DEFAULT_TENANT, kind, { before: null, limit: 10_000 }),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function toHeaders(headers: IncomingMessage["headers"]): Headers {
  const given = new Headers();
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value === "string") given.set(name, value);
  }
  return given;
}
