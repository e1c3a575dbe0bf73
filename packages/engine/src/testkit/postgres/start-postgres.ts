// A real PostgreSQL server for tests: started at once, killed at will, and gone with the process that started it.
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { findAccount } from "./account.ts";
import { runStatements } from "./admin.ts";
import { findBinaries, toUsable, type Binaries, type PostgresMajor } from "./binaries.ts";
import { fillCluster, SUPERUSER } from "./cluster.ts";
import { findFreePort } from "./free-port.ts";
import { fillStandby, waitForStandby } from "./standby.ts";
import type { StopMode } from "./supervisor.ts";
import { Supervised } from "./supervised.ts";

export interface PostgresOptions {
  /** Default 18; of a standby that of its primary. */
  readonly major?: PostgresMajor;
  /** Of `postgresql.conf`; a standby has those of its primary, too. */
  readonly settings?: Readonly<Record<string, string>>;
  /**
   * Default true. False: a commit does not wait for the log, so the server must not be killed, nor stopped
   * immediately.
   */
  readonly durable?: boolean;
  /**
   * Whether the data lies in memory, where there is room, and not on disk. Default: if it is not durable. True for a
   * durable server: it survives being killed, but what is measured says nothing of a real one.
   */
  readonly inMemory?: boolean;
  /** Follows this server, which runs. */
  readonly standbyOf?: PostgresServer;
  /** The primary's commits wait for this standby. Default false. */
  readonly synchronous?: boolean;
}

/** An empty database of a test's own. */
export interface TestDatabase extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  /** Ends its connections. Safe to call twice. */
  drop(): Promise<void>;
}

/** Its methods wait until what they say has happened. One at a time. */
export interface PostgresServer extends AsyncDisposable {
  readonly major: PostgresMajor;
  readonly host: "127.0.0.1";
  /** The same for life. */
  readonly port: number;
  /** Of the database `postgres`, as superuser `millrace`, without a password. */
  readonly url: string;
  /** Its data. */
  readonly folder: string;
  readonly settings: Readonly<Record<string, string>>;
  /** Of the postmaster; 0: it does not run. */
  readonly pid: number;
  /** In UTF-8, ordered by bytes. */
  createDatabase(): Promise<TestDatabase>;
  start(): Promise<void>;
  stop(mode: StopMode): Promise<void>;
  restart(mode: StopMode): Promise<void>;
  /** All its processes by SIGKILL, as in a power cut; the disk keeps what it was given. */
  kill(): Promise<void>;
  /** All its processes stop where they are; connections stay, and get no answer. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Makes a standby a primary. */
  promote(): Promise<void>;
}

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  max_connections: "200",
  max_wal_senders: "8",
  log_checkpoints: "off",
  // In the data folder, which is removed with the server; elsewhere they would outlive one that was killed.
  dynamic_shared_memory_type: "mmap",
};
const NOT_DURABLE: Readonly<Record<string, string>> = {
  fsync: "off",
  synchronous_commit: "off",
  full_page_writes: "off",
  // It may lie in memory.
  max_wal_size: "256MB",
};

export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const { standbyOf: primary, durable = true } = options;
  const major = options.major ?? primary?.major ?? 18;
  const account = findAccount();
  const supervised = await Supervised.open({ account, inMemory: options.inMemory ?? !durable });
  try {
    const { programs, data } = await supervised.folders;
    const binaries = toUsable(findBinaries(major), account, programs);
    const server = new Server(supervised, binaries, data, {
      ...SETTINGS,
      ...(durable ? {} : NOT_DURABLE),
      ...primary?.settings,
      ...options.settings,
    });
    if (primary === undefined) {
      await fillCluster(binaries, account, data);
      await server.startOnFreePort();
    } else {
      const name = await fillStandby(primary, data, account);
      await server.startOnFreePort();
      await waitForStandby(primary, name, options.synchronous ?? false);
    }
    return server;
  } catch (error) {
    await supervised.close();
    throw error;
  }
}

/** Several processes may choose the same port at the same time; it is enough that one of these is free. */
const MOST_PORTS = 20;

class Server implements PostgresServer {
  readonly host = "127.0.0.1";
  readonly major: PostgresMajor;
  readonly folder: string;
  readonly settings: Readonly<Record<string, string>>;
  port = 0;
  pid = 0;
  readonly #supervised: Supervised;
  readonly #program: string;

  constructor(
    supervised: Supervised,
    binaries: Binaries,
    data: string,
    settings: Readonly<Record<string, string>>,
  ) {
    this.#supervised = supervised;
    this.#program = join(binaries.folder, "bin", "postgres");
    this.major = binaries.major;
    this.folder = data;
    this.settings = settings;
  }

  get url(): string {
    return this.#urlOf("postgres");
  }

  #urlOf(database: string): string {
    return `postgres://${SUPERUSER}@${this.host}:${this.port}/${database}`;
  }

  async startOnFreePort(): Promise<void> {
    for (let left = MOST_PORTS; ; left--) {
      this.port = await findFreePort();
      try {
        return await this.start();
      } catch (error) {
        const isTaken = error instanceof Error && error.message.includes("Address already in use");
        if (!isTaken || left === 1) throw error;
      }
    }
  }

  async start(): Promise<void> {
    const settings = Object.entries({ ...this.settings, port: String(this.port) });
    const args = settings.flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    this.pid = await this.#supervised.call({ kind: "start", program: this.#program, args });
  }

  async stop(mode: StopMode): Promise<void> {
    this.pid = await this.#supervised.call({ kind: "stop", mode });
  }

  async restart(mode: StopMode): Promise<void> {
    await this.stop(mode);
    await this.start();
  }

  async kill(): Promise<void> {
    this.pid = await this.#supervised.call({ kind: "kill" });
  }

  async pause(): Promise<void> {
    await this.#supervised.call({ kind: "pause" });
  }

  async resume(): Promise<void> {
    await this.#supervised.call({ kind: "resume" });
  }

  async promote(): Promise<void> {
    await runStatements(this.url, "select pg_promote(true)");
  }

  /** Copying files needs a checkpoint, which is quick where nothing is flushed: 13 ms in all, by log 25 ms (measured). */
  get #strategy(): string {
    return this.settings["fsync"] === "off" ? "file_copy" : "wal_log";
  }

  async createDatabase(): Promise<TestDatabase> {
    const name = `test_${randomUUID().replaceAll("-", "")}`;
    const { url } = this;
    await runStatements(
      url,
      `create database ${name} template template0 strategy ${this.#strategy}`,
    );
    const drop = async (): Promise<void> => {
      await runStatements(url, `drop database if exists ${name} with (force)`);
    };
    return { name, url: this.#urlOf(name), drop, [Symbol.asyncDispose]: drop };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervised.close();
    this.pid = 0;
  }
}
