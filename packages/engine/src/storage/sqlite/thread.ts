// The main side of the wire to a thread. Calls made in one turn of the event loop travel as one
// message; there is one port each way, and no hop between.
import { Worker } from "node:worker_threads";
import { MillraceError } from "@millrace/protocol";
import { toConditions } from "../thread-conditions.ts";
import type { Call, Reply, SentFault, Verbs } from "./serve.ts";

/**
 * Shared by the threads of one store: when one of them meets a failed disk, all of it has failed.
 */
export interface Health {
  failure: MillraceError | null;
}

interface Waiting {
  resolve(value: unknown): void;
  reject(error: MillraceError): void;
}

export class Thread<T extends Verbs<T>> {
  readonly #name: string;
  readonly #worker: Worker;
  readonly #health: Health;
  readonly #waiting = new Map<number, Waiting>();
  #outgoing: Call[] = [];
  #lastId = 0;
  #closing: Promise<void> | undefined;
  /** It answers nothing any more. */
  #isGone = false;
  readonly #exited: Promise<void>;

  /** @param entry file of the thread */
  constructor(name: string, entry: URL, workerData: unknown, health: Health) {
    this.#name = name;
    this.#health = health;
    const execArgv = toConditions(process.execArgv);
    this.#worker = new Worker(entry, { name: `millrace-${name}`, workerData, execArgv });
    this.#worker.on("message", (batch: readonly Reply[]) => this.#receive(batch));
    this.#worker.on("error", (error) => this.#die(error));
    this.#worker.on("exit", (code) => this.#die(new Error(`the thread exited with code ${code}`)));
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", () => resolve());
    });
  }

  /**
   * @throws {MillraceError} what the verb met; storage.failed: the store has failed, or the thread
   * died
   */
  call<K extends keyof T & string>(verb: K, ...args: Parameters<T[K]>): Promise<ReturnType<T[K]>> {
    if (this.#health.failure !== null) return Promise.reject(this.#health.failure);
    if (this.#closing !== undefined) {
      return Promise.reject(new MillraceError("storage.unavailable", "The store has been closed."));
    }
    // The thread answers with what the verb of this name returns.
    return this.#send(verb, args) as Promise<ReturnType<T[K]>>;
  }

  /**
   * After the calls made before it. Safe to call twice; never fails, since nothing is left to do
   * about it.
   */
  close(): Promise<void> {
    this.#closing ??= this.#stop();
    return this.#closing;
  }

  async #stop(): Promise<void> {
    if (!this.#isGone) await this.#send("close", []).catch(() => null);
    // It ends by itself once it has closed; ending it by force would do so in the middle of its own cleaning up.
    await Promise.race([this.#exited, forced(this.#worker)]);
  }

  #send(verb: string, args: readonly unknown[]): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#lastId += 1;
    this.#waiting.set(this.#lastId, { resolve, reject });
    if (this.#outgoing.length === 0) queueMicrotask(() => this.#flush());
    this.#outgoing.push([this.#lastId, verb, args]);
    return promise;
  }

  #flush(): void {
    const batch = this.#outgoing;
    this.#outgoing = [];
    try {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      this.#worker.postMessage(batch);
    } catch (cause) {
      const message =
        "A value of this call cannot be sent to the store's thread; nothing was written.";
      const error = new MillraceError("storage.rejected", message, { cause });
      for (const [id] of batch) this.#settle(id)?.reject(error);
    }
  }

  #receive(batch: readonly Reply[]): void {
    for (const [id, ok, answer] of batch) {
      const waiting = this.#settle(id);
      if (ok) {
        waiting?.resolve(answer);
        continue;
      }
      const error = toMillraceError(answer);
      if (error.code === "storage.failed") this.#health.failure ??= error;
      waiting?.reject(error);
    }
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #die(cause: unknown): void {
    this.#isGone = true;
    if (this.#closing === undefined) {
      const message =
        `The store's ${this.#name} thread has died; what it was writing is not known, and the store takes no more ` +
        "calls. Start the process again; please report the cause.";
      this.#health.failure ??= new MillraceError("storage.failed", message, { cause });
    }
    const error =
      this.#health.failure ??
      new MillraceError("storage.unavailable", "The store has been closed.");
    for (const waiting of this.#waiting.values()) waiting.reject(error);
    this.#waiting.clear();
  }
}

function toMillraceError({ code, message, cause }: SentFault): MillraceError {
  return new MillraceError(code, message, cause === null ? {} : { cause: new Error(cause) });
}

/** A thread that hangs in its last call must not keep its process from ending. */
const EXIT_GRACE_MS = 5_000;

function forced(worker: Worker): Promise<unknown> {
  return new Promise((resolve) => {
    setTimeout(() => resolve(worker.terminate()), EXIT_GRACE_MS).unref();
  });
}
