// One address for a database that moves: what a virtual address or a name that is changed is in production.
import { connect, createServer, type AddressInfo, type Socket } from "node:net";

interface Place {
  readonly host: string;
  readonly port: number;
}

export interface Relay extends AsyncDisposable {
  /** The place's, by way of the relay. */
  urlOf(url: string): string;
  /** Cuts every connection; the next ones go there. */
  pointTo(place: Place): void;
}

export async function startRelay(first: Place): Promise<Relay> {
  let place = first;
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    // `close` follows.
    return socket.on("error", () => undefined).on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    const upstream = keep(connect({ host: place.host, port: place.port }));
    keep(client).on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    client.pipe(upstream).pipe(client);
  });
  await new Promise<void>((resolve) => {
    server.listen({ host: "127.0.0.1", port: 0 }, resolve);
  });
  // A server that listens on a port has an address of this kind.
  const { port } = server.address() as AddressInfo;
  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    urlOf: (url) => {
      const own = new URL(url);
      own.host = `127.0.0.1:${port}`;
      return own.href;
    },
    pointTo: (to) => {
      place = { host: to.host, port: to.port };
      cutAll();
    },
    [Symbol.asyncDispose]: async () => {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      cutAll();
      await closed;
    },
  };
}
