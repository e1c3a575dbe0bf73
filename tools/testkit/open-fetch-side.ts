// A far side whose answers are written as functions from `Request` to `Response`.
import type { IncomingMessage } from "node:http";
import { openFarSide, type FarSide } from "./open-far-side.ts";

export interface FetchSide extends FarSide {
  /** What it was asked, in order. */
  readonly requests: readonly AskedRequest[];
}

export interface AskedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Headers;
  readonly text: string;
}

/** @param answer null: the connection is closed without an answer */
export async function openFetchSide(
  answer: (request: Request) => Response | null | Promise<Response | null>,
): Promise<FetchSide> {
  const requests: AskedRequest[] = [];
  const side = await openFarSide((incoming, outgoing) => {
    void (async () => {
      const asked = await toAsked(incoming);
      requests.push(asked);
      const response = await answer(toRequest(asked));
      if (response === null) {
        incoming.socket.destroy();
        return;
      }
      outgoing.writeHead(response.status, Object.fromEntries(response.headers));
      outgoing.end(Buffer.from(await response.arrayBuffer()));
    })();
  });
  return { ...side, requests };
}

async function toAsked(incoming: IncomingMessage): Promise<AskedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk as Uint8Array));
  const { method = "GET", url: path = "/", headers } = incoming;
  const pairs = Object.entries(headers).map(([name, value]): [string, string] => [
    name,
    String(value),
  ]);
  const text = Buffer.concat(chunks).toString();
  return { method, path, headers: new Headers(pairs), text };
}

function toRequest({ method, path, headers, text }: AskedRequest): Request {
  const hasBody = method !== "GET" && method !== "HEAD";
  return new Request(`http://far.side${path}`, {
    method,
    headers,
    ...(hasBody ? { body: text } : {}),
  });
}
