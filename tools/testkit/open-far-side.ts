// Servers that stand for the world outside: well-behaved, hostile or broken. Each on a port of its own.
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import type { SelfSigned } from "./self-signed.ts";

export interface FarSide extends AsyncDisposable {
  /** Origin, with the address it listens on. */
  readonly url: string;
  readonly port: number;
  /** Connections made so far. */
  readonly connectionCount: number;
}

export interface FarSideOptions {
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly tls?: SelfSigned;
}

export async function openFarSide(
  listener: RequestListener,
  { host, tls }: FarSideOptions = {},
): Promise<FarSide> {
  const server = tls === undefined ? createHttpServer(listener) : createHttpsServer(tls, listener);
  return listen(server, tls === undefined ? "http" : "https", host);
}

/** Answers each request with bytes of its own choice. What it is given has at least the head of a request. */
export async function openRawSide(
  answer: (socket: Socket, head: string) => void,
): Promise<FarSide> {
  const server = createTcpServer((socket) => {
    // Whoever is cut off may say so.
    socket.on("error", () => {});
    socket.on("data", (chunk) => answer(socket, chunk.toString("latin1")));
  });
  return listen(server, "http");
}

async function listen(server: Server, scheme: string, host = "127.0.0.1"): Promise<FarSide> {
  const open = new Set<Socket>();
  let connectionCount = 0;
  server.on("connection", (socket) => {
    connectionCount += 1;
    open.add(socket);
    socket.on("close", () => open.delete(socket));
  });
  server.listen(0, host);
  await once(server, "listening");
  // It listens on a port.
  const { port } = server.address() as AddressInfo;
  return {
    url: `${scheme}://${host}:${port}`,
    port,
    get connectionCount() {
      return connectionCount;
    },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
