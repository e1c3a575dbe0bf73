// A process that executes code for an engine: attached as long as it runs, through all that happens to the engine.
//
//   W1. A worker that lost its engine attaches again by itself, with growing pauses, until it is stopped.
//   W2. A first attachment that the engine refuses for good is the caller's mistake, and is thrown.
import { MillraceError, type WorkerOffer, type WorkerTransport } from "@millrace/protocol";
import { pauseMs, type Pace } from "../client/pace.ts";
import { Attachment, type CreateHost } from "./attachment.ts";

export const WORKER_STATES = ["new", "attaching", "attached", "draining", "stopped"] as const;
export type WorkerState = (typeof WORKER_STATES)[number];

export interface WorkerStatus {
  readonly state: WorkerState;
  /** Code runs that it holds now. */
  readonly sessions: number;
  /** Why it is not attached; null: it is, or never was. */
  readonly error: MillraceError | null;
}

export interface StopOptions {
  /** How long bodies of steps may go on. Default: 30,000 ms. */
  readonly graceMs?: number;
}

export interface Worker {
  readonly status: WorkerStatus;
  /**
   * Resolves when it is attached. A server that does not answer is waited for. Safe to call twice.
   *
   * @throws {MillraceError} what the server says against it: request.unauthorized, workflow.exists, …
   */
  start(): Promise<void>;
  /** Drains: takes nothing new, lets bodies end, hands back what waits. Safe to call twice. */
  stop(options?: StopOptions): Promise<void>;
  /** Starts, and works until this process is told to end (SIGTERM or SIGINT); then stops. */
  run(options?: StopOptions): Promise<void>;
}

export interface SupervisedWorkerOptions {
  readonly transport: WorkerTransport;
  /** Ends what the transport is at. */
  readonly closeTransport: () => void;
  readonly offer: WorkerOffer;
  readonly createHost: CreateHost;
  /** W1 does not hold for an engine in this process: one that has stopped does not come back. */
  readonly attachesAgain: boolean;
  readonly pace: Pace;
}

const DEFAULT_GRACE_MS = 30_000;
const STOP_SIGNALS = ["SIGTERM", "SIGINT"] as const;

export class SupervisedWorker implements Worker {
  readonly #options: SupervisedWorkerOptions;
  readonly #stopping = new AbortController();
  #state: WorkerState = "new";
  #error: MillraceError | null = null;
  #attachment: Attachment | null = null;
  #started: Promise<void> | null = null;
  #stopped: Promise<void> | null = null;

  constructor(options: SupervisedWorkerOptions) {
    this.#options = options;
  }

  get status(): WorkerStatus {
    const sessions = this.#attachment?.sessions ?? 0;
    return { state: this.#state, sessions, error: this.#error };
  }

  start(): Promise<void> {
    if (this.#stopping.signal.aborted) return Promise.reject(wasStopped());
    return (this.#started ??= this.#attach());
  }

  stop({ graceMs = DEFAULT_GRACE_MS }: StopOptions = {}): Promise<void> {
    return (this.#stopped ??= this.#stop(graceMs));
  }

  async run(options?: StopOptions): Promise<void> {
    const told = Promise.withResolvers<void>();
    const onSignal = (): void => told.resolve();
    for (const signal of STOP_SIGNALS) process.once(signal, onSignal);
    try {
      await Promise.race([this.start(), told.promise]);
      const stopped = new Promise<void>((resolve) => {
        this.#stopping.signal.addEventListener("abort", () => resolve());
      });
      await Promise.race([told.promise, stopped]);
    } finally {
      // From now on a second signal ends the process.
      for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
      await this.stop(options);
    }
  }

  async #attach(): Promise<void> {
    this.#state = "attaching";
    const { transport, offer, createHost } = this.#options;
    try {
      const attachment = await Attachment.open({
        transport,
        offer,
        createHost,
        onLost: (error) => void this.#onLost(error),
      });
      if (this.#stopping.signal.aborted) {
        await attachment.leave(Promise.resolve());
        throw wasStopped();
      }
      this.#attachment = attachment;
      this.#state = "attached";
      this.#error = null;
    } catch (error) {
      if (this.#state === "attaching") this.#state = "new";
      this.#started = null;
      throw error;
    }
  }

  /** W1. */
  async #onLost(error: MillraceError): Promise<void> {
    const { pace, attachesAgain } = this.#options;
    const { signal } = this.#stopping;
    this.#attachment = null;
    this.#error = error;
    if (!attachesAgain) {
      this.#state = "stopped";
      this.#stopping.abort();
      return;
    }
    if (signal.aborted) return;
    this.#state = "attaching";
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        await this.#attach();
        return;
      } catch (refused) {
        if (MillraceError.is(refused)) this.#error = refused;
        if (!signal.aborted) this.#state = "attaching";
      }
      await pace.sleep(pauseMs(tries, pace), signal);
    }
  }

  async #stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    const attachment = this.#attachment;
    if (attachment !== null) {
      this.#state = "draining";
      const early = new AbortController();
      const patience = this.#options.pace.sleep(graceMs, early.signal);
      await attachment.leave(patience);
      early.abort();
    }
    this.#options.closeTransport();
    this.#attachment = null;
    this.#state = "stopped";
  }
}

const wasStopped = (): MillraceError =>
  new MillraceError("engine.stopping", "The worker was stopped");
