// A network that fails, and on request a pooler, between a client of PostgreSQL and a real server.
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createRandom, type Random } from "../../../simulation/random.ts";
import { serveDirectly } from "./direct.ts";
import { Network } from "./network.ts";
import type { Passage, Target } from "./passage.ts";
import { createPooler } from "./pooler.ts";
import { StatementCounts } from "./statements.ts";

export interface ProxyFaults {
  /**
   * Share of the commits (0 to 1) after which both connections are cut: the server has committed, and the client
   * does not hear of it. Default 0.
   */
  readonly cutAfterCommit: number;
  /** Of each direction, so an answer takes twice as long. Default 0. */
  readonly delayMs: number;
}

export interface ProxyOptions extends Partial<ProxyFaults> {
  /** Of what is left to chance. Default 1. */
  readonly seed?: number;
  /**
   * `transaction`: clients share a few connections to the server, each for a transaction at a time, as with PgBouncer
   * before 1.21. Default: a connection each.
   */
  readonly pooling?: "transaction";
  /** Default 4; of a pooler, for each user, database and set of parameters. */
  readonly serverConnectionCount?: number;
}

export interface Proxy extends AsyncDisposable {
  readonly host: "127.0.0.1";
  readonly port: number;
  /** Of the server, with the proxy in its place. */
  urlOf(url: string): string;
  /** Those named change at once. */
  setFaults(faults: Partial<ProxyFaults>): void;
  /** Resets every connection. New ones are taken. */
  cutAll(): void;
  /** From now on connections are accepted, and nothing passes, not even their end. */
  blackhole(): void;
  /** What was held arrives. */
  restore(): void;
  /** How often each text was executed by a client, whether it was prepared or not. */
  readonly statements: ReadonlyMap<string, number>;
  /** Sum of `statements`. */
  readonly statementCount: number;
  clearStatements(): void;
  /** Commits that the server answered. */
  readonly commitCount: number;
  /** Commits of which the client did not hear. */
  readonly cutCommitCount: number;
}

export async function startProxy(target: Target, options: ProxyOptions = {}): Promise<Proxy> {
  const proxy = new RunningProxy(target, options);
  await proxy.listen();
  return proxy;
}

class RunningProxy implements Proxy {
  readonly host = "127.0.0.1";
  readonly #network = new Network();
  readonly #statements = new StatementCounts();
  readonly #random: Random;
  readonly #server: Server;
  #cutAfterCommit = 0;
  #commitCount = 0;
  #cutCommitCount = 0;

  constructor({ host, port }: Target, options: ProxyOptions) {
    this.#random = createRandom(options.seed ?? 1);
    this.setFaults(options);
    const passage: Passage = {
      target: { host, port },
      network: this.#network,
      statements: this.#statements,
      isCommitCut: () => this.#isCommitCut(),
    };
    const serve =
      options.pooling === undefined
        ? (client: Socket): void => serveDirectly(client, passage)
        : createPooler(passage, options.serverConnectionCount ?? 4);
    // An end that comes from one side must not reach it back while the network is dead.
    this.#server = createServer({ allowHalfOpen: true }, serve);
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject).listen({ host: this.host, port: 0 }, resolve);
    });
  }

  get port(): number {
    // A server that listens on a port has an address of this kind.
    return (this.#server.address() as AddressInfo).port;
  }

  urlOf(url: string): string {
    const own = new URL(url);
    own.host = `${this.host}:${this.port}`;
    return own.href;
  }

  setFaults({ cutAfterCommit, delayMs }: Partial<ProxyFaults>): void {
    this.#cutAfterCommit = cutAfterCommit ?? this.#cutAfterCommit;
    this.#network.delayMs = delayMs ?? this.#network.delayMs;
  }

  cutAll(): void {
    this.#network.cutAll();
  }

  blackhole(): void {
    this.#network.isDead = true;
  }

  restore(): void {
    this.#network.isDead = false;
  }

  get statements(): ReadonlyMap<string, number> {
    return this.#statements.byText;
  }

  get statementCount(): number {
    return this.#statements.total;
  }

  clearStatements(): void {
    this.#statements.clear();
  }

  get commitCount(): number {
    return this.#commitCount;
  }

  get cutCommitCount(): number {
    return this.#cutCommitCount;
  }

  #isCommitCut(): boolean {
    const isCut = this.#random.chance(this.#cutAfterCommit);
    this.#commitCount += 1;
    if (isCut) this.#cutCommitCount += 1;
    return isCut;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#network.close();
    await closed;
  }
}
