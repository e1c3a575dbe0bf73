// What a scenario works with: sizes, a place for data, engine processes, servers, and somewhere to say how far it is.
import { mkdtemp, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { StoreName } from "./engine/store.ts";
import type { JobName, Order, Result } from "./jobs.ts";
import type { Measurement } from "./measurement.ts";
import { ownFolder } from "./processes.ts";
import type { Progress } from "./progress.ts";
import { runJob } from "./run-job.ts";
import type { Sizes } from "./sizes.ts";

export interface Scenario {
  /** For `--only`. */
  readonly name: string;
  /** Gives the rows of the table, each as soon as it is known. */
  run(bench: Bench): AsyncIterable<Measurement>;
}

export interface BenchOptions {
  readonly sizes: Sizes;
  readonly store: StoreName;
  readonly profiles: string | null;
  readonly progress: Progress;
}

export interface Folder extends AsyncDisposable {
  readonly path: string;
}

export const ROOT: string = dirname(import.meta.dirname);

export class Bench implements AsyncDisposable {
  readonly sizes: Sizes;
  readonly store: StoreName;
  readonly progress: Progress;
  /** Holds all data of this run; gone at its end. */
  readonly folder: string;
  readonly #profiles: string | null;
  #filled: Promise<string> | undefined;
  #folders = 0;

  private constructor({ sizes, store, profiles, progress }: BenchOptions, folder: string) {
    this.sizes = sizes;
    this.store = store;
    this.progress = progress;
    this.folder = folder;
    this.#profiles = profiles;
  }

  /** Data lies below the project, on its disk: a temporary folder may be memory, where nothing is durable. */
  static async open(options: BenchOptions): Promise<Bench> {
    const folder = await mkdtemp(join(ROOT, "node_modules", ".bench-"));
    ownFolder(folder);
    return new Bench(options, folder);
  }

  /** A new empty folder; its space is free again when it is disposed. */
  async openFolder(): Promise<Folder> {
    this.#folders += 1;
    const path = join(this.folder, String(this.#folders));
    await mkdir(path, { mode: 0o700 });
    return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
  }

  /** Gives `use` a new folder. */
  async inFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
    await using folder = await this.openFolder();
    return await use(folder.path);
  }

  /** The folder of a store with many finished runs. Filled once, for all scenarios that ask. */
  filledStore(): Promise<string> {
    this.#filled ??= this.#fill();
    return this.#filled;
  }

  runJob<K extends JobName>(name: K, order: Omit<Order<K>, "store">): Promise<Result<K>> {
    const tell = (text: string): void => this.progress.update(text);
    const options = { tell, profiles: this.#profiles };
    return runJob(name, { ...order, store: this.store }, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  async #fill(): Promise<string> {
    const { path: folder } = await this.openFolder();
    const { finishedRuns } = this.sizes;
    this.progress.stage(`filling a store with ${finishedRuns.toLocaleString("en")} finished runs`);
    const { seconds } = await this.runJob("fill", { folder, finishedRuns });
    this.progress.say(`    filled in ${seconds.toFixed(0)} s`);
    return folder;
  }
}
