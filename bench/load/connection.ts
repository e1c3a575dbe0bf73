// One HTTP/1.1 connection, one request at a time. Written by hand because the load shares two cores with the server:
// `fetch` would take more time for a request than the server does.
import { connect, type Socket } from "node:net";

export interface Answer {
  readonly status: number;
  readonly body: string;
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

const HEAD_END = "\r\n\r\n";

export class Connection {
  readonly #socket: Socket;
  #waiting: Waiting | null = null;
  /** One character a byte. */
  #received = "";

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => this.#receive(text));
    socket.on("error", (error) => this.#break(error));
    socket.on("close", () => this.#break(new Error("the connection was closed")));
  }

  /** To this machine. @throws nobody listens */
  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1" });
      socket.once("error", reject);
      socket.once("connect", () => {
        socket.off("error", reject);
        resolve(new Connection(socket));
      });
    });
  }

  get isOpen(): boolean {
    return this.#socket.writable;
  }

  /** @param request head and body. Rejects when the connection breaks before the whole answer is there. */
  send(request: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (!this.isOpen || this.#waiting !== null) {
        reject(new Error("the connection is closed or in use"));
        return;
      }
      this.#waiting = { resolve, reject };
      this.#socket.write(request, "utf8");
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #receive(text: string): void {
    this.#received += text;
    const headEnd = this.#received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = this.#received.slice(0, headEnd);
    const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
    if (length === undefined) {
      this.#socket.destroy(new Error("an answer without content-length cannot be read here"));
      return;
    }
    const start = headEnd + HEAD_END.length;
    const end = start + Number(length);
    if (this.#received.length < end) return;
    const body = Buffer.from(this.#received.slice(start, end), "latin1").toString("utf8");
    this.#received = this.#received.slice(end);
    const waiting = this.#waiting;
    this.#waiting = null;
    // "HTTP/1.1 201 …"
    waiting?.resolve({ status: Number(head.slice(9, 12)), body });
  }

  #break(error: Error): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(error);
  }
}
