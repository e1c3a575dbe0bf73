// Nodes on one PostgreSQL database: real servers in processes of their own, each with a data folder of its own.
import type { Server, ServerOptions, StartingServer } from "./server.ts";
import type { World } from "./world.ts";

export class PostgresCluster {
  readonly #world: World;
  readonly #url: string;
  #key: string | undefined;

  /** @param url of the database */
  constructor(world: World, url: string) {
    this.#world = world;
    this.#url = url;
  }

  /** The first that serves makes the key, which the others use. */
  async start(name: string, options: Partial<ServerOptions> = {}): Promise<Server> {
    const server = await this.spawn(name, options).ready;
    this.#key ??= server.key;
    return server;
  }

  /** @param name of its data folder */
  spawn(name: string, options: Partial<ServerOptions> = {}): StartingServer {
    return this.#world.spawn({
      args: ["--log-level", "warn"],
      data: name,
      ...(this.#key === undefined ? {} : { key: this.#key }),
      ...options,
      env: { MILLRACE_DATABASE_URL: this.#url, ...options.env },
    });
  }
}
