// What a module has open: the way to the engine, the classes that were found, the worker. It opens when the application
// starts, or with the first use before that, and closes in this order: worker, client, engine.
import { MillraceError } from "@millrace/protocol";
import type { Client } from "@millrace/sdk/client";
import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
} from "@nestjs/common";
import type { ModulesContainer } from "@nestjs/core";
import { hostname } from "node:os";
import { openConnection, type Connection } from "./connection.ts";
import { discover } from "./discover.ts";
import { ModuleWorker } from "./module-worker.ts";
import { checkOptions, type MillraceOptions } from "./options.ts";
import type { Registry } from "./registry.ts";

export class MillraceRuntime
  implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown
{
  readonly options: MillraceOptions;
  readonly #modules: ModulesContainer;
  readonly #connection: Connection;
  #worker: ModuleWorker | null = null;
  #ready: Promise<Registry> | null = null;
  #isClosing = false;

  /** @throws {MillraceError} option.invalid */
  constructor(options: MillraceOptions, modules: ModulesContainer) {
    checkOptions(options);
    this.options = options;
    this.#modules = modules;
    this.#connection = openConnection(options);
  }

  get client(): Client {
    return this.#connection.client;
  }

  get workerId(): string {
    const { worker } = this.options;
    const name = worker === false ? undefined : worker?.name;
    return name ?? `${hostname()}:${process.pid}`;
  }

  /**
   * The application's classes, when runs of them can be started.
   *
   * @throws {MillraceError} option.invalid, and why the engine or the worker cannot start; engine.stopping: the
   * application has closed without having started
   */
  async ready(): Promise<Registry> {
    // Nobody would close what opens now.
    if (this.#ready === null && this.#isClosing) throw closed();
    // What is thrown while providers are being made is not remembered.
    this.#ready ??= this.#open(discover(this.#modules, this.options.workspaces ?? []));
    return this.#ready;
  }

  /** Resolves when the server knows the application's own workflows. @throws {MillraceError} server.unreachable */
  async announced(): Promise<void> {
    await this.#worker?.firstAttached();
  }

  /** null: runs can be started and executed. Else why not. */
  async findProblem(): Promise<string | null> {
    const gone = await this.#connection.probe();
    return gone?.message ?? this.#worker?.problem ?? null;
  }

  async onApplicationBootstrap(): Promise<void> {
    await this.ready();
  }

  /** While requests are answered still. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#isClosing = true;
    // First, since a worker that is attaching still keeps the application from being ready.
    await this.#worker?.stop();
    // Why it did not start was told when it did not.
    await this.#ready?.catch(() => undefined);
  }

  /** After the last request. */
  async onApplicationShutdown(): Promise<void> {
    await this.#connection.close();
    if (!("engine" in this.options)) return;
    const { engine, stopsEngine = true } = this.options;
    if (stopsEngine) await engine.stop?.();
  }

  async #open(registry: Registry): Promise<Registry> {
    const { options } = this;
    if ("engine" in options) await options.engine.start?.();
    if (this.#isClosing) throw closed();
    const { workflows } = registry;
    if (options.worker === false || workflows.length === 0) return registry;
    const connection = this.#connection;
    this.#worker = new ModuleWorker({ options, connection, workflows, name: this.workerId });
    await this.#worker.start();
    return registry;
  }
}

const closed = (): MillraceError =>
  new MillraceError("engine.stopping", "The application has closed");
