// The worker of an application: it executes the workflow classes, from the application's start to its end.
import { MillraceError } from "@millrace/protocol";
import type { AnyWorkflow } from "@millrace/sdk";
import { createWorker, type Worker, type WorkerOptions } from "@millrace/sdk/worker";
import { Logger } from "@nestjs/common";
import { isGone, type Connection } from "./connection.ts";
import type { MillraceOptions, ModuleWorkerOptions } from "./options.ts";

export interface ModuleWorkerRequest {
  readonly options: MillraceOptions;
  readonly connection: Connection;
  readonly workflows: readonly AnyWorkflow[];
  readonly name: string;
}

export class ModuleWorker {
  readonly #connection: Connection;
  readonly #worker: Worker;
  readonly #graceMs: number | undefined;
  readonly #log = new Logger("Millrace");
  /** Resolves when the worker asks for the first time, and nobody answers. */
  readonly #away = Promise.withResolvers<void>();
  /** Settles with the first attachment. */
  #attached: Promise<void> = Promise.resolve();
  #isStopping = false;
  #refusal: MillraceError | null = null;

  /** @throws {MillraceError} option.invalid */
  constructor({ options, connection, workflows, name }: ModuleWorkerRequest) {
    const settings: ModuleWorkerOptions = options.worker === false ? {} : (options.worker ?? {});
    this.#connection = connection;
    this.#graceMs = settings.graceMs;
    const worker = toWorkerOptions(options, settings, { workflows, name });
    this.#worker = createWorker(watchFetch(worker, () => this.#away.resolve()));
  }

  /**
   * Resolves when it is attached. A server that is away is not waited for: the worker attaches when it comes.
   *
   * @throws {MillraceError} what the server says against it: request.unauthorized, workflow.exists, …
   */
  async start(): Promise<void> {
    this.#attached = this.#worker.start();
    // Whoever waits for it hears of it as well.
    this.#attached.catch(() => undefined);
    const { url } = this.#connection;
    const problem = url === null ? null : await this.#connection.probe();
    // It may go away after it was asked, too.
    if ((problem === null || !isGone(problem)) && (await this.#attaches())) return;
    const why = problem?.message ?? `No answer from ${url ?? "the engine"}`;
    this.#log.warn(`${why}. The worker attaches when the server answers`);
    this.#attached.then(
      () => this.#log.log("The worker is attached"),
      (error: unknown) => this.#refuse(error),
    );
  }

  /**
   * Before it attached for the first time, the server may not know its workflows.
   *
   * @throws {MillraceError} server.unreachable: after as long as a call goes on
   */
  async firstAttached(): Promise<void> {
    if (this.#worker.status.state === "attached") return;
    const { retryForMs, url } = this.#connection;
    const why = `The worker of this process could not attach to ${url ?? "the engine"}`;
    const late = new MillraceError("server.unreachable", `${why} in ${retryForMs} ms`);
    // A refusal is no reason not to ask: workers elsewhere may have been accepted.
    const attached = this.#attached.catch(() => undefined);
    await within(attached, retryForMs, late);
  }

  /** null: it is attached. */
  get problem(): string | null {
    const { state, error } = this.#worker.status;
    if (state === "attached") return null;
    const why = this.#refusal ?? error;
    return `the worker is ${state}${why === null ? "" : `: ${why.message}`}`;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#worker.stop(this.#graceMs === undefined ? {} : { graceMs: this.#graceMs });
  }

  /** false: nobody answers. @throws as `start` */
  #attaches(): Promise<boolean> {
    return Promise.race([this.#attached.then(() => true), this.#away.promise.then(() => false)]);
  }

  #refuse(error: unknown): void {
    if (this.#isStopping) return;
    if (MillraceError.is(error)) this.#refusal = error;
    this.#log.error(`The worker could not attach: ${String(error)}`);
  }
}

function toWorkerOptions(
  options: MillraceOptions,
  { slots }: ModuleWorkerOptions,
  offer: Pick<ModuleWorkerRequest, "workflows" | "name">,
): WorkerOptions {
  const { namespace } = options;
  const common = {
    ...offer,
    ...(slots === undefined ? {} : { slots }),
    ...(namespace === undefined ? {} : { namespace }),
  };
  if ("engine" in options) return { ...common, engine: options.engine };
  const { url, key, fetch } = options;
  return {
    ...common,
    url,
    ...(key === undefined ? {} : { key }),
    ...(fetch === undefined ? {} : { fetch }),
  };
}

/** Calls back when a request of the worker finds nobody who could answer it. */
function watchFetch(options: WorkerOptions, onAway: () => void): WorkerOptions {
  if (!("url" in options)) return options;
  const send = options.fetch ?? fetch;
  return {
    ...options,
    fetch: async (input, init) => {
      try {
        const response = await send(input, init);
        if (response.status >= 500) onAway();
        return response;
      } catch (error) {
        onAway();
        throw error;
      }
    },
  };
}

/** @throws `late`, if `promise` has not settled after so long */
async function within(promise: Promise<void>, ms: number, late: MillraceError): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const end = new Promise<void>((_, reject) => {
    timer = setTimeout(() => reject(late), ms);
  });
  try {
    await Promise.race([promise, end]);
  } finally {
    clearTimeout(timer);
  }
}
