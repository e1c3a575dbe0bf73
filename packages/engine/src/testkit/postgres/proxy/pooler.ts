// Many clients on a few connections to the server, as PgBouncer's transaction mode has it: a client owns one from its
// first message until the server is idle again. What a session would keep, is lost or somebody else's: prepared
// statements, settings, temporary tables, LISTEN.
import { connect, type Socket } from "node:net";
import { Exchange } from "./exchange.ts";
import {
  isCancelRequest,
  isEncryptionRequest,
  MessageReader,
  NO_ENCRYPTION,
  readStartup,
  toAuthenticated,
  toFatal,
  toKey,
  toReady,
  toStartup,
  type Message,
} from "./messages.ts";
import type { Passage } from "./passage.ts";
import { StatementReader } from "./statements.ts";

/** Those that PgBouncer takes; clients that differ in one do not share a connection here. */
const PARAMETERS = new Set([
  "user",
  "database",
  "client_encoding",
  "datestyle",
  "timezone",
  "standard_conforming_strings",
  "application_name",
]);

/** @returns serves a client that has connected */
export function createPooler(
  passage: Passage,
  serverConnectionCount: number,
): (client: Socket) => void {
  const pools = new Map<string, Pool>();
  let lastPid = 0;
  const poolOf = (parameters: ReadonlyMap<string, string>): Pool => {
    const key = [...parameters]
      .map(([name, value]) => `${name}=${value}`)
      .toSorted()
      .join("\0");
    const pool = pools.get(key) ?? new Pool(passage, parameters, serverConnectionCount);
    pools.set(key, pool);
    return pool;
  };
  return (socket) => {
    lastPid += 1;
    serveClient(socket, { passage, poolOf, pid: lastPid });
  };
}

interface ClientContext {
  readonly passage: Passage;
  readonly poolOf: (parameters: ReadonlyMap<string, string>) => Pool;
  readonly pid: number;
}

function serveClient(socket: Socket, { passage, poolOf, pid }: ClientContext): void {
  const reader = new MessageReader("client");
  const statements = new StatementReader();
  let client: PooledClient | undefined;
  const start = (message: Message): void => {
    if (isEncryptionRequest(message)) {
      socket.write(NO_ENCRYPTION);
      return;
    }
    if (isCancelRequest(message)) {
      socket.end();
      return;
    }
    const parameters = readStartup(message);
    const strange = [...parameters.keys()].find((name) => !PARAMETERS.has(name.toLowerCase()));
    if (strange !== undefined) {
      socket.end(toFatal("08P01", `unsupported startup parameter: ${strange}`));
      return;
    }
    client = new PooledClient(socket, poolOf(parameters), pid);
  };
  const ask = (message: Message): void => {
    // It has been told that this is the end, or was cut off.
    if (socket.writableEnded || socket.destroyed) return undefined;
    if (client === undefined) return start(message);
    // Terminate
    if (message.type === "X") {
      socket.end();
      return undefined;
    }
    passage.statements.add(statements.read(message));
    return client.ask(message);
  };
  passage.network.attach(socket, {
    receive: (bytes) => reader.read(bytes).forEach(ask),
    closed: () => client?.leave(),
  });
}

/** A client that has said who it is. */
class PooledClient {
  readonly #socket: Socket;
  readonly #pool: Pool;
  readonly #pid: number;
  readonly #waiting: Message[] = [];
  #server: PooledServer | undefined;
  /** It waits for a connection: to learn the server's parameters if it is the first, or to be served. */
  #isQueued = true;
  #isGreeted = false;

  constructor(socket: Socket, pool: Pool, pid: number) {
    this.#socket = socket;
    this.#pool = pool;
    this.#pid = pid;
    if (pool.parameters === undefined) pool.give(this);
    else this.#greet(pool.parameters);
  }

  #greet(parameters: Buffer): void {
    this.#isGreeted = true;
    this.#isQueued = false;
    this.write(Buffer.concat([toAuthenticated(), parameters, toKey(this.#pid, 1), toReady()]));
  }

  ask(message: Message): void {
    if (this.#server !== undefined) {
      this.#server.ask(message);
      return;
    }
    this.#waiting.push(message);
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#pool.give(this);
  }

  /** @returns whether it keeps the connection */
  take(server: PooledServer): boolean {
    this.#isQueued = false;
    if (!this.#isGreeted) this.#greet(server.parameters);
    if (this.#waiting.length === 0) return false;
    this.#server = server;
    for (const message of this.#waiting.splice(0)) server.ask(message);
    return true;
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  release(): void {
    this.#server = undefined;
  }

  /** Ends its connection, with last words or without. */
  end(words?: Buffer): void {
    this.#server = undefined;
    if (words === undefined) this.#socket.destroy();
    else this.#socket.end(words);
  }

  /** Its connection has ended. What it left open on the server ends by ending that, too. */
  leave(): void {
    this.#pool.forget(this);
    this.#server?.end();
    this.#server = undefined;
  }
}

/** Connections to the server that are alike, and the clients that wait for one. */
class Pool {
  readonly #passage: Passage;
  readonly #parameters: ReadonlyMap<string, string>;
  readonly #most: number;
  readonly #idle: PooledServer[] = [];
  readonly #all = new Set<PooledServer>();
  readonly #queue: PooledClient[] = [];
  /** What a server told of itself, as messages; undefined: none has been reached yet. */
  parameters: Buffer | undefined;

  constructor(passage: Passage, parameters: ReadonlyMap<string, string>, most: number) {
    this.#passage = passage;
    this.#parameters = parameters;
    this.#most = most;
  }

  give(client: PooledClient): void {
    this.#queue.push(client);
    this.#serve();
    this.#open();
  }

  /** One more connection, if somebody waits and there may be one. */
  #open(): void {
    if (this.#queue.length === 0 || this.#all.size >= this.#most) return;
    this.#all.add(new PooledServer(this.#passage, this.#parameters, this));
  }

  forget(client: PooledClient): void {
    const at = this.#queue.indexOf(client);
    if (at >= 0) this.#queue.splice(at, 1);
  }

  isFree(server: PooledServer): void {
    this.#idle.push(server);
    this.#serve();
  }

  isGone(server: PooledServer): void {
    this.#all.delete(server);
    const at = this.#idle.indexOf(server);
    if (at >= 0) this.#idle.splice(at, 1);
    this.#open();
  }

  /** @param words what the server said when it refused the connection; undefined: it was not reached */
  isRefused(server: PooledServer, words: Buffer | undefined): void {
    this.#all.delete(server);
    // Others are there or on their way; without them, whoever waits would do so for ever.
    if (this.#all.size > 0) return;
    const none = toFatal("08P01", "server login has been failing, connect failed");
    for (const client of this.#queue.splice(0)) client.end(words ?? none);
  }

  #serve(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const server = this.#idle.shift();
      const client = this.#queue.shift();
      if (server !== undefined && client !== undefined) server.serve(client);
    }
  }
}

class PooledServer {
  /** What it tells of itself, as messages. */
  parameters: Buffer = Buffer.alloc(0);
  readonly #passage: Passage;
  readonly #pool: Pool;
  readonly #socket: Socket;
  readonly #exchange = new Exchange();
  #client: PooledClient | undefined;
  #isStarted = false;
  #refusal: Buffer | undefined;

  constructor(passage: Passage, parameters: ReadonlyMap<string, string>, pool: Pool) {
    this.#passage = passage;
    this.#pool = pool;
    this.#socket = connect({ ...passage.target, allowHalfOpen: true });
    const reader = new MessageReader("server");
    passage.network.attach(this.#socket, {
      receive: (bytes) => {
        for (const message of reader.read(bytes)) this.#hear(message);
      },
      closed: () => this.#closed(),
    });
    this.#socket.write(toStartup(parameters));
  }

  serve(client: PooledClient): void {
    this.#client = client;
    if (client.take(this)) return;
    this.#client = undefined;
    this.#pool.isFree(this);
  }

  ask(message: Message): void {
    this.#exchange.fromClient(message);
    this.#socket.write(message.bytes);
  }

  end(): void {
    this.#client = undefined;
    this.#socket.destroy();
  }

  #hear(message: Message): void {
    if (!this.#isStarted) return this.#start(message);
    const { toClient, isCommit } = this.#exchange.fromServer(message);
    if (isCommit && this.#passage.isCommitCut()) {
      this.#client?.end();
      return this.end();
    }
    // What comes while nobody is served, as a notification, is nobody's.
    for (const bytes of toClient) this.#client?.write(bytes);
    if (this.#client === undefined || message.type !== "Z" || !this.#exchange.isIdle) {
      return undefined;
    }
    this.#client.release();
    this.#client = undefined;
    return this.#pool.isFree(this);
  }

  #start({ type, bytes }: Message): void {
    if (type === "S") this.parameters = Buffer.concat([this.parameters, bytes]);
    if (type === "E") this.#refusal = bytes;
    if (type !== "Z") return;
    this.#isStarted = true;
    this.#pool.parameters ??= this.parameters;
    this.#pool.isFree(this);
  }

  #closed(): void {
    this.#client?.end(toFatal("08P01", "server conn crashed?"));
    this.#client = undefined;
    if (this.#isStarted) this.#pool.isGone(this);
    else this.#pool.isRefused(this, this.#refusal);
  }
}
