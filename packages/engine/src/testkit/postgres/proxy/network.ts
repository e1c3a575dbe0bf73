// The network between the proxy and its two sides: what arrives is passed on late, or not at all while the network
// is dead. Its order stays, the end of a connection included.
import type { Socket } from "node:net";

export interface Receiver {
  readonly receive: (bytes: Buffer) => void;
  /** The other side has closed, or has vanished. Called once, and nothing after it. */
  readonly closed: () => void;
}

interface Parcel {
  readonly dueAtMs: number;
  readonly deliver: () => void;
}

export class Network {
  readonly #sockets = new Set<Socket>();
  readonly #lines = new Set<Line>();
  #delayMs = 0;
  #isDead = false;
  #isClosed = false;

  get delayMs(): number {
    return this.#delayMs;
  }

  set delayMs(delayMs: number) {
    this.#delayMs = delayMs;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  set isDead(isDead: boolean) {
    this.#isDead = isDead;
    if (!isDead) for (const line of this.#lines) line.move();
  }

  /** From now on what arrives at the socket, which allows half-open connections, goes to the receiver. */
  attach(socket: Socket, { receive, closed }: Receiver): void {
    if (this.#isClosed) {
      socket.destroy();
      return;
    }
    const line = new Line(this);
    this.#lines.add(line);
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("data", (bytes) => line.send(() => receive(bytes)));
    socket.on("end", () => line.send(() => socket.end()));
    // `close` follows.
    socket.on("error", () => {});
    socket.on("close", () => {
      this.#sockets.delete(socket);
      line.send(() => {
        this.#lines.delete(line);
        closed();
      });
    });
  }

  /** Ends all connections with a reset. */
  cutAll(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** For good. */
  close(): void {
    this.#isClosed = true;
    this.isDead = false;
    this.cutAll();
  }
}

/** One direction of one connection. */
class Line {
  readonly #network: Network;
  readonly #parcels: Parcel[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(network: Network) {
    this.#network = network;
  }

  send(deliver: () => void): void {
    this.#parcels.push({ dueAtMs: performance.now() + this.#network.delayMs, deliver });
    this.move();
  }

  move(): void {
    clearTimeout(this.#timer);
    while (!this.#network.isDead) {
      const [first] = this.#parcels;
      if (first === undefined) return;
      const leftMs = first.dueAtMs - performance.now();
      if (leftMs > 0) {
        this.#timer = setTimeout(() => this.move(), leftMs);
        return;
      }
      this.#parcels.shift();
      first.deliver();
    }
  }
}
