import { Connection, type Answer } from "./connection.ts";

export interface ClientOptions {
  readonly port: number;
  readonly key: string;
  readonly connectionCount: number;
}

export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: string;
  readonly idempotencyKey?: string;
}

/**
 * Calls the server with a key, over a fixed set of connections. When all are in use, calls wait in order. Of those
 * that are idle the one that has rested longest is next: a server closes a connection on which nothing comes.
 */
export class Client implements Disposable {
  readonly #key: string;
  readonly #connections: readonly Connection[];
  readonly #idle: Connection[];
  readonly #waiting: ((connection: Connection) => void)[] = [];

  private constructor(key: string, connections: readonly Connection[]) {
    this.#key = key;
    this.#connections = connections;
    this.#idle = [...connections];
  }

  static async open({ port, key, connectionCount }: ClientOptions): Promise<Client> {
    const opening = Array.from({ length: connectionCount }, () => Connection.open(port));
    return new Client(key, await Promise.all(opening));
  }

  /** Rejects when the connection breaks: whether the server has heard of the call is not known then. */
  async call(call: Call): Promise<Answer> {
    const request = this.#write(call);
    const connection =
      this.#idle.shift() ??
      (await new Promise<Connection>((resolve) => this.#waiting.push(resolve)));
    try {
      return await connection.send(request);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#idle.push(connection);
      else next(connection);
    }
  }

  [Symbol.dispose](): void {
    for (const connection of this.#connections) connection.close();
  }

  #write({ method, path, body = "", idempotencyKey }: Call): string {
    const length = body === "" ? 0 : Buffer.byteLength(body);
    const once = idempotencyKey === undefined ? "" : `idempotency-key: ${idempotencyKey}\r\n`;
    const content = `content-type: application/json\r\ncontent-length: ${length}\r\n`;
    return (
      `${method} ${path} HTTP/1.1\r\nhost: localhost\r\nx-api-key: ${this.#key}\r\n` +
      `${once}${method === "GET" ? "" : content}\r\n${body}`
    );
  }
}
