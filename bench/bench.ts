// What a scenario works with: sizes, a place for data, engine processes, servers, and somewhere to say how far it is.
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Place, StoreName } from "./engine/store.ts";
import type { JobName, Order, Result } from "./jobs.ts";
import type { Measurement } from "./measurement.ts";
import {
  DURABILITY,
  startDatabaseServer,
  type DatabaseServer,
} from "./postgres/database-server.ts";
import { ownFolder } from "./processes.ts";
import type { Progress } from "./progress.ts";
import { runJob, startJob, type RunJobOptions, type RunningJob } from "./run-job.ts";
import type { Sizes } from "./sizes.ts";

export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  /** Why it makes no sense on a store. Default: it does on all. */
  readonly leftOut?: Partial<Readonly<Record<StoreName, string>>>;
  /** Gives the rows of the table, each as soon as it is known. */
  run(bench: Bench): AsyncIterable<Measurement>;
}

export interface BenchOptions {
  readonly sizes: Sizes;
  readonly store: StoreName;
  readonly profiles: string | null;
  readonly progress: Progress;
}

/** A new, empty place; its space is free again when it is disposed. */
export interface OpenedPlace extends AsyncDisposable {
  readonly place: Place;
}

/** What is measured, as the table has it. */
export interface StoreDescription {
  readonly name: StoreName;
  readonly version: string;
  /** Beside each number. */
  readonly durability: string;
  /** What was set for the machine; null: there is nothing to set. */
  readonly settings: string | null;
}

export const ROOT: string = dirname(import.meta.dirname);

export class Bench implements AsyncDisposable {
  readonly sizes: Sizes;
  readonly store: StoreDescription;
  readonly progress: Progress;
  /** Holds all data of this run; gone at its end. */
  readonly folder: string;
  readonly #profiles: string | null;
  /** null: the store is a file. */
  readonly #server: DatabaseServer | null;
  #filled: Promise<Place> | undefined;
  #folders = 0;

  private constructor(
    { sizes, profiles, progress }: BenchOptions,
    folder: string,
    server: DatabaseServer | null,
  ) {
    this.sizes = sizes;
    this.store = describeStore(server);
    this.progress = progress;
    this.folder = folder;
    this.#profiles = profiles;
    this.#server = server;
  }

  /** Data lies below the project, on its disk: a temporary folder may be memory, where nothing is durable. */
  static async open(options: BenchOptions): Promise<Bench> {
    const folder = await mkdtemp(join(ROOT, "node_modules", ".bench-"));
    ownFolder(folder);
    const server = options.store === "postgres" ? await startDatabaseServer() : null;
    return new Bench(options, folder, server);
  }

  /** @param server default: the benchmark's own, which all places share */
  async openPlace(server: DatabaseServer | null = this.#server): Promise<OpenedPlace> {
    this.#folders += 1;
    const folder = join(this.folder, String(this.#folders));
    await mkdir(folder, { mode: 0o700 });
    const database = await server?.createDatabase();
    return {
      place:
        database === undefined
          ? { store: "sqlite", folder }
          : { store: "postgres", folder, url: database.url },
      [Symbol.asyncDispose]: async () => {
        await database?.drop();
        await rm(folder, { recursive: true, force: true });
      },
    };
  }

  /** Gives `use` a new place. */
  async inPlace<T>(use: (place: Place) => Promise<T>): Promise<T> {
    await using opened = await this.openPlace();
    return await use(opened.place);
  }

  /** A place with many finished runs. Filled once, for all scenarios that ask. */
  filledStore(): Promise<Place> {
    this.#filled ??= this.#fill();
    return this.#filled;
  }

  runJob<K extends JobName>(name: K, order: Order<K>): Promise<Result<K>> {
    return runJob(name, order, this.#jobOptions);
  }

  /** The caller says when it may go on. */
  startJob<K extends JobName>(name: K, order: Order<K>): RunningJob<Result<K>> {
    return startJob(name, order, this.#jobOptions);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    await rm(this.folder, { recursive: true, force: true });
  }

  get #jobOptions(): RunJobOptions {
    return { tell: (text) => this.progress.update(text), profiles: this.#profiles };
  }

  async #fill(): Promise<Place> {
    const { place } = await this.openPlace();
    const { finishedRuns } = this.sizes;
    this.progress.stage(`filling a store with ${finishedRuns.toLocaleString("en")} finished runs`);
    const { seconds } = await this.runJob("fill", { place, finishedRuns });
    this.progress.say(`    filled in ${seconds.toFixed(0)} s`);
    return place;
  }
}

function describeStore(server: DatabaseServer | null): StoreDescription {
  if (server !== null) {
    const { version, settings } = server;
    return { name: "postgres", version: `PostgreSQL ${version}`, durability: DURABILITY, settings };
  }
  const version = `SQLite ${process.versions["sqlite"] ?? "unknown"}`;
  const durability = "SQLite WAL, synchronous=FULL";
  return { name: "sqlite", version, durability, settings: null };
}
