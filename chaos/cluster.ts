// The real thing: three servers, two workers and one durable PostgreSQL behind two networks that fail.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { PostgresProfile } from "@millrace/engine/postgres";
import { createClient, type Client } from "../e2e/client.ts";
import { launch, type Launched } from "../e2e/command.ts";
import { soon } from "../e2e/deadline.ts";
import { spawnServer } from "../e2e/server.ts";
import {
  startProxy,
  type Proxy,
} from "../packages/engine/src/testkit/postgres/proxy/start-proxy.ts";
import {
  startPostgres,
  type PostgresServer,
  type TestDatabase,
} from "../packages/engine/src/testkit/postgres/start-postgres.ts";
import { readFile } from "node:fs/promises";
import { findPort } from "./find-port.ts";
import { Member, type Starting } from "./member.ts";
import type { Plant } from "./plants.ts";
import { NETWORK_COUNT, NODE_COUNT, WORKER_COUNT } from "./plan-faults.ts";
import { DEFINITIONS } from "./workflows.ts";

export interface ClusterOptions {
  /** Of what the networks leave to chance. */
  readonly seed: number;
  readonly nodeCount?: number;
  readonly workerCount?: number;
  /** How far the clock of the last node is off, one way and the other at each of its starts. Default 0. */
  readonly clockShiftMs?: number;
  /** Of the nodes. Default null: what the server is. */
  readonly profile?: PostgresProfile | null;
  /** Deliberate mistakes; the workers know theirs. */
  readonly plants?: readonly Plant[];
  /** Serves in place of the command. */
  readonly script?: string;
}

const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));
const PRELOAD = new URL("shift-clock.ts", import.meta.url).href;

export class Cluster implements AsyncDisposable {
  readonly folder: string;
  readonly postgres: PostgresServer;
  readonly database: TestDatabase;
  readonly networks: readonly Proxy[];
  readonly nodes: readonly Member[];
  readonly workers: readonly Member[];
  /** Of the nodes. */
  readonly urls: readonly string[];
  key: string | undefined;
  readonly #options: ClusterOptions;
  readonly #launched: Launched[] = [];
  #shiftedStarts = 0;

  private constructor(
    options: ClusterOptions,
    folder: string,
    postgres: PostgresServer,
    database: TestDatabase,
    networks: readonly Proxy[],
    ports: readonly number[],
  ) {
    this.#options = options;
    this.folder = folder;
    this.postgres = postgres;
    this.database = database;
    this.networks = networks;
    this.urls = ports.map((port) => `http://127.0.0.1:${port}`);
    this.nodes = ports.map((port, n) => new Member(`node-${n}`, () => this.#spawnNode(n, port)));
    this.workers = Array.from(
      { length: options.workerCount ?? WORKER_COUNT },
      (_, n) => new Member(`worker-${n}`, () => this.#spawnWorker(n)),
    );
  }

  /** Resolves when all serve, and all workflows are there. */
  static async open(options: ClusterOptions): Promise<Cluster> {
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), "millrace-chaos-"));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const postgres = stack.use(await startPostgres({ durable: true }));
    const database = await postgres.createDatabase();
    const networks: Proxy[] = [];
    for (let n = 0; n < NETWORK_COUNT; n++) {
      networks.push(stack.use(await startProxy(postgres, { seed: options.seed + n })));
    }
    const ports = await Promise.all(
      Array.from({ length: options.nodeCount ?? NODE_COUNT }, findPort),
    );
    const cluster = new Cluster(options, folder, postgres, database, networks, ports);
    cluster.#stack = stack.move();
    try {
      await cluster.#start();
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  #stack: AsyncDisposableStack | undefined;

  get members(): readonly Member[] {
    return [...this.nodes, ...this.workers];
  }

  /** Of what processes did by themselves. */
  get exits(): readonly string[] {
    return this.members.flatMap(({ faults }) => faults);
  }

  get failedStartCount(): number {
    return this.members.reduce((sum, { failedStartCount }) => sum + failedStartCount, 0);
  }

  client(node: number): Client {
    return createClient(this.urls[node] ?? "", this.key ?? "");
  }

  /** Every process runs, and every network is well. */
  async heal(): Promise<void> {
    for (const network of this.networks) {
      network.setFaults({ cutAfterCommit: 0, delayMs: 0 });
      network.restore();
    }
    for (const member of this.members) member.thaw();
    if (this.postgres.pid === 0) await this.postgres.start();
    await Promise.all(this.members.map((member) => member.start()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()));
    await Promise.all(this.#launched.map((launched) => launched.kill()));
    await this.#stack?.disposeAsync();
  }

  async #start(): Promise<void> {
    const [first, ...others] = this.nodes;
    // It makes the key that the others use.
    await first?.start();
    this.key = (await readFile(join(this.folder, "node-0", "dev-key"), "utf8")).trim();
    await Promise.all(others.map((node) => node.start()));
    for (const definition of DEFINITIONS) await this.client(0).install(definition);
    await Promise.all(this.workers.map((worker) => worker.start()));
  }

  #spawnNode(n: number, port: number): Starting {
    const network = this.networks[n === NODE_COUNT - 1 ? 1 : 0];
    const { profile = null, script } = this.#options;
    const starting = spawnServer({
      folder: this.folder,
      functions: here("functions"),
      data: `node-${n}`,
      args: ["--port", `${port}`, "--log-level", "warn"],
      env: {
        MILLRACE_DATABASE_URL: network?.urlOf(this.database.url) ?? "",
        ...(profile === null ? {} : { MILLRACE_DATABASE_PROFILE: profile }),
        ...this.#clockOf(n),
      },
      ...(this.key === undefined ? {} : { key: this.key }),
      ...(script === undefined ? {} : { script }),
    });
    this.#launched.push(starting.process);
    return starting;
  }

  #clockOf(n: number): Readonly<Record<string, string>> {
    const { clockShiftMs = 0 } = this.#options;
    if (n !== NODE_COUNT - 1 || clockShiftMs === 0) return {};
    this.#shiftedStarts += 1;
    const shiftMs = this.#shiftedStarts % 2 === 1 ? clockShiftMs : -clockShiftMs;
    return { NODE_OPTIONS: `--import=${PRELOAD}`, CHAOS_CLOCK_SHIFT_MS: `${shiftMs}` };
  }

  /** Each is attached to a node of its own. */
  #spawnWorker(n: number): Starting {
    const { folder, key = "", urls } = this;
    const url = urls[n % urls.length] ?? "";
    const args = ["--url", url, "--key", key, "--name", `worker-${n}`];
    const { plants = [] } = this.#options;
    args.push(...plants.flatMap((plant) => ["--plant", plant]));
    const launched = launch({ folder, script: here("worker-process.ts"), args });
    this.#launched.push(launched);
    const ready = soon("a worker to attach", launched.firstLine, launched.stderr);
    ready.catch(() => {});
    return { process: launched, ready };
  }
}
