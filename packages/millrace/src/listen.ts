// The only file that opens a port. Bounds what a connection may cost: size and time of headers and bodies, idle
// time, number of connections. Everything else is the app's.
import { getRequestListener, RequestError, type HttpBindings } from "@hono/node-server";
import { MillraceError, type ErrorCode } from "@millrace/protocol";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { App } from "./app.ts";

export interface ListenOptions {
  readonly app: App;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Time for the headers of a request. Default 10 s. */
  readonly headersTimeoutMs?: number;
  /** Time for a whole request, body and all; longer lets slow uploads through and slow attackers too. Default 30 s. */
  readonly requestTimeoutMs?: number;
  /** Idle time before a kept connection is closed; more than load balancers take, commonly 60 s. Default 72 s. */
  readonly keepAliveTimeoutMs?: number;
}

export interface Listener {
  readonly port: number;
  /**
   * Accepts nothing new and lets requests finish; after `graceMs` (default 5 s) cuts off what is left.
   * Safe to call twice.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>;
}

const MAX_HEADER_BYTES = 16 * 1024;
const MAX_HEADER_COUNT = 100;
const MAX_CONNECTIONS = 10_000;
/** A connection on which nothing moves for this long is closed; longer than the longest long poll. */
const SILENT_CONNECTION_MS = 120_000;
const CLOSE_IDLE_EVERY_MS = 50;

/** @throws the system's error: EADDRINUSE, EACCES, ENOTFOUND, … */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { app, host, port } = options;
  let isClosing = false;
  const handle = toRequestHandler(app);
  const { headersTimeoutMs = 10_000, requestTimeoutMs = 30_000 } = options;
  const server = createServer({
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: options.keepAliveTimeoutMs ?? 72_000,
    connectionsCheckingInterval: Math.min(1_000, headersTimeoutMs, requestTimeoutMs),
    maxHeaderSize: MAX_HEADER_BYTES,
  });
  server.maxHeadersCount = MAX_HEADER_COUNT;
  server.maxConnections = MAX_CONNECTIONS;
  server.timeout = SILENT_CONNECTION_MS;
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    if (isClosing) response.shouldKeepAlive = false;
    void handle(request, response);
  };
  server.on("request", onRequest);
  // Without "continue" a sender that asked first never sends a body that is refused.
  server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) => {
    const length = Number(request.headers["content-length"]);
    if (!(length > app.bodyLimitOf(request.url ?? ""))) response.writeContinue();
    onRequest(request, response);
  });
  server.on("clientError", (error, socket) => refuse(app, error, socket));
  await bind(server, host, port);
  // A server that listens on a port has an address of this form.
  const { port: bound } = server.address() as AddressInfo;
  let closed: Promise<void> | undefined;
  return {
    port: bound,
    close: ({ graceMs = 5_000 } = {}) => {
      isClosing = true;
      return (closed ??= close(server, graceMs));
    },
  };
}

function toRequestHandler(app: App): ReturnType<typeof getRequestListener> {
  const Response = takeQuickResponse();
  return getRequestListener(
    (request, env) => {
      // HTTP/2 is not offered, so the bindings are those of HTTP/1.
      const { incoming } = env as HttpBindings;
      const address = incoming.socket.remoteAddress;
      return app.fetch(request, address === undefined ? { Response } : { Response, address });
    },
    {
      overrideGlobalObjects: false,
      errorHandler: (error) => {
        const isUnreadable = error instanceof RequestError;
        const fault = isUnreadable
          ? new MillraceError("request.malformed", BAD_ADDRESS)
          : new MillraceError("internal.error");
        return app.refuse(fault, { Response });
      },
    },
  );
}

const BAD_ADDRESS = "The request's address or Host header cannot be read";

/**
 * The adapter's own class answers without streams, twice as fast or more (35,000 against 17,000 probes a second, measured
 * 2026-11-20), but it is only to be had as the global one.
 * As the global one it would break `x instanceof Response` in users' functions, so the globals are put back.
 */
function takeQuickResponse(): typeof Response {
  const before = (["Request", "Response"] as const).map(
    (name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const,
  );
  getRequestListener(() => new Response(), { overrideGlobalObjects: true });
  const quick = globalThis.Response;
  for (const [name, descriptor] of before) {
    if (descriptor !== undefined) Object.defineProperty(globalThis, name, descriptor);
  }
  return quick;
}

function bind(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

async function close(server: Server, graceMs: number): Promise<void> {
  const ended = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  const idle = setInterval(() => server.closeIdleConnections(), CLOSE_IDLE_EVERY_MS);
  const grace = setTimeout(() => server.closeAllConnections(), graceMs);
  await ended;
  clearInterval(idle);
  clearTimeout(grace);
}

/** What Node's parser says, by what the sender did. */
const PARSER_FAULTS: Readonly<Record<string, readonly [number, ErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: [
    431,
    "request.malformed",
    `The headers are larger than ${MAX_HEADER_BYTES} bytes`,
  ],
  ERR_HTTP_REQUEST_TIMEOUT: [408, "request.timeout", "The request did not arrive in time"],
};

/** Nothing that the app could see: not HTTP, headers too large, or too slow. The connection ends. */
function refuse(app: App, error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  const known = PARSER_FAULTS[error.code ?? ""];
  const [status, code, message] = known ?? [
    400,
    "request.malformed",
    "This is not an HTTP request",
  ];
  const answer = app.refuse(new MillraceError(code, message));
  void answer.text().then((body) => {
    const headers = [...answer.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const length = `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n`;
    socket.end(`HTTP/1.1 ${status} Refused\r\n${headers}${length}\r\n${body}`);
  });
}
