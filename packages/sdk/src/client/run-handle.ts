import {
  MillraceError,
  type ClientTransport,
  type JsonValue,
  type NotifyResult,
  type RunSnapshot,
  type RunStatus,
  type StreamItem,
  type WatchedEvent,
} from "@millrace/protocol";
import { newKey } from "./new-key.ts";
import { RunCancelledError, RunFailedError } from "./run-errors.ts";
import { readStream } from "./read-stream.ts";
import { toText } from "./to-command.ts";

export interface WaitOptions {
  /** Gives up waiting; the run goes on. `AbortSignal.timeout(60_000)` bounds it. */
  readonly signal?: AbortSignal;
}

/** One run, by its id. Making a handle asks nobody. */
export interface RunHandle<Output = JsonValue> {
  readonly id: string;
  /**
   * Waits for the end, however long that takes, also while the server is away.
   *
   * @throws {RunFailedError} @throws {RunCancelledError} @throws {MillraceError} run.not-found
   */
  result(options?: WaitOptions): Promise<Output>;
  /** @throws {MillraceError} run.not-found */
  status(): Promise<RunStatus>;
  /** With its steps. @throws {MillraceError} run.not-found */
  get(): Promise<RunSnapshot>;
  /** @returns false: it has ended, or there is none. Else the request is durable, and the run ends soon. */
  cancel(reason?: string): Promise<boolean>;
  /** To a wait of that name, now or later; many arrive in the order in which they were sent. */
  signal(name: string, data?: unknown): Promise<NotifyResult>;
  /** What happens to it, from its beginning or behind `after`, to its end. Goes on after a lost connection. */
  events(
    options?: WaitOptions & { readonly after?: number },
  ): AsyncIterableIterator<WatchedEvent, void>;
  /** What its code appends to the stream of this name, from `offset` (default 0), to the end of the run. */
  stream(
    name: string,
    options?: WaitOptions & { readonly offset?: number },
  ): AsyncIterableIterator<StreamItem, void>;
}

/** Of one wait at the transport, which may be many requests. */
const WAIT_MS = 60 * 60 * 1_000;

export class TransportRunHandle<Output> implements RunHandle<Output> {
  readonly id: string;
  readonly #transport: ClientTransport;

  constructor(transport: ClientTransport, id: string) {
    this.#transport = transport;
    this.id = id;
  }

  async result({ signal }: WaitOptions = {}): Promise<Output> {
    const options = signal === undefined ? {} : { signal };
    for (;;) {
      signal?.throwIfAborted();
      const run = await this.#transport.waitForRun(this.id, { timeoutMs: WAIT_MS, ...options });
      if (run === null) throw notFound(this.id);
      switch (run.status) {
        case "completed":
          // The contract's type, or what the caller says it is.
          return run.output as Output;
        case "failed":
          throw new RunFailedError(this.id, run.failure);
        case "cancelled":
          throw new RunCancelledError(this.id);
        default:
      }
    }
  }

  async status(): Promise<RunStatus> {
    return (await this.get()).status;
  }

  async get(): Promise<RunSnapshot> {
    const run = await this.#transport.getRun(this.id);
    if (run === null) throw notFound(this.id);
    return run;
  }

  async cancel(reason?: string): Promise<boolean> {
    const options = reason === undefined ? {} : { reason };
    const { count } = await this.#transport.cancelRuns({ ids: [this.id] }, options);
    return count > 0;
  }

  async signal(name: string, data: unknown = null): Promise<NotifyResult> {
    const eventData = toText(data, "data");
    const [result] = await this.#transport.notify([
      { eventId: name, eventData, runId: this.id, id: newKey() },
    ]);
    if (result === undefined) throw new Error("the server gave no outcome for a signal");
    return result;
  }

  events(
    options: WaitOptions & { readonly after?: number } = {},
  ): AsyncIterableIterator<WatchedEvent, void> {
    return iterate(this.#transport.watchRun(this.id, options));
  }

  stream(
    name: string,
    { offset = 0, signal }: WaitOptions & { readonly offset?: number } = {},
  ): AsyncIterableIterator<StreamItem, void> {
    const options = signal === undefined ? {} : { signal };
    return readStream(this.#transport.watchRun(this.id, options), name, offset);
  }
}

async function* iterate<T>(events: AsyncIterable<T>): AsyncGenerator<T, void> {
  yield* events;
}

const notFound = (id: string): MillraceError =>
  new MillraceError("run.not-found", `There is no run ${id}`);
