// The main thread's side of the heartbeat: joins, beats, and hints.
import { Worker } from "node:worker_threads";
import {
  MillraceError,
  toTimestamp,
  type ErrorCode,
  type NodeId,
  type Timestamp,
} from "@millrace/protocol";
import type { Row } from "../rows/cells.ts";
import { toConditions } from "../thread-conditions.ts";
import type { Hint, Hints, NodeDescription, Pulse } from "../storage.ts";
import { fencedNode } from "./errors.ts";
import type { Asked, HeartbeatOptions, Word } from "./heartbeat.ts";
import { toPulse } from "./pulse.ts";
import { readWords, writeWords } from "./words.ts";

export type Answer =
  | { readonly kind: "row"; readonly id: number; readonly row: Row }
  | {
      readonly kind: "error";
      readonly id: number;
      readonly code: ErrorCode;
      readonly message: string;
    }
  | { readonly kind: "heard"; readonly text: string };

export interface Session {
  readonly hints: Hints;
  join(node: NodeDescription, now: number | null): Promise<Timestamp>;
  beat(node: NodeId, now: number | null): Promise<Pulse>;
  /** The node is dead: nobody beats for it any more. */
  forget(node: NodeId): void;
  close(): Promise<void>;
}

/** Hints that come close after one another travel together. */
const GATHER_MS = 5;
const CLOSE_WITHIN_MS = 5_000;

export function openSession(options: HeartbeatOptions): Session {
  const wire = new Wire(options);
  const listeners = new Map<NodeId, (hint: Hint) => void>();
  wire.onHeard = (text) => {
    const { to, hints } = readWords(text);
    for (const [node, hear] of listeners) {
      if (to === null || to === node) for (const hint of hints) hear(hint);
    }
  };
  const outgoing = new Outgoing(
    (words) => void wire.ask({ kind: "tell", words }).catch(() => undefined),
  );
  return {
    hints: {
      travels: !options.isPooled,
      tell: (to, hint) => {
        if (!options.isPooled) outgoing.add(to, hint);
      },
      listen: (node, hear) => {
        listeners.set(node, hear);
        // Without it, the node finds all by its pulses; the next connection listens.
        wire.ask({ kind: "listen", node }).catch(() => undefined);
        return () => {
          listeners.delete(node);
          wire.ask({ kind: "unlisten", node }).catch(() => undefined);
        };
      },
    },
    join: async ({ id, host, pid }, now) => {
      const [time] = await wire.ask({ kind: "join", node: { id, host, pid }, now });
      return toTimestamp(Number(time));
    },
    beat: async (node, now) => {
      const pulse = toPulse(await wire.ask({ kind: "beat", node, now }));
      if (pulse === null) throw fencedNode(node);
      return pulse;
    },
    forget: (node) => void wire.ask({ kind: "forget", node }).catch(() => undefined),
    close: () => wire.close(),
  };
}

interface Waiting {
  resolve(row: Row): void;
  reject(error: MillraceError): void;
}

class Wire {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #exited: Promise<void>;
  #lastId = 0;
  #closing: Promise<void> | undefined;
  /** Why nothing is answered any more. */
  #failure: MillraceError | undefined;
  onHeard: (text: string) => void = () => undefined;

  constructor(options: HeartbeatOptions) {
    this.#worker = new Worker(toEntry(), {
      name: "millrace-heartbeat",
      workerData: options,
      execArgv: toConditions(process.execArgv),
    });
    this.#worker.on("message", (answer: Answer) => this.#receive(answer));
    this.#worker.on("error", (error) => this.#giveUp(error));
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#giveUp();
        resolve();
      });
    });
  }

  ask(asked: Asked): Promise<Row> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#closing !== undefined && asked.kind !== "close") return Promise.reject(closed());
    this.#lastId += 1;
    const { promise, resolve, reject } = Promise.withResolvers<Row>();
    this.#waiting.set(this.#lastId, { resolve, reject });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
    this.#worker.postMessage({ id: this.#lastId, asked });
    return promise;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const closed = this.ask({ kind: "close" }).catch(() => undefined);
    const alarm = setTimeout(() => void this.#worker.terminate(), CLOSE_WITHIN_MS);
    await closed;
    await this.#exited;
    clearTimeout(alarm);
  }

  #receive(answer: Answer): void {
    if (answer.kind === "heard") {
      this.onHeard(answer.text);
      return;
    }
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (answer.kind === "row") waiting?.resolve(answer.row);
    else waiting?.reject(new MillraceError(answer.code, answer.message));
  }

  /** Nobody beats any more, so this process is no node. @param cause null: not known */
  #giveUp(cause: unknown = null): void {
    const message = "The thread of the heartbeat has ended. Start this process anew.";
    this.#failure ??=
      this.#closing === undefined
        ? new MillraceError("storage.failed", message, { cause })
        : closed();
    for (const waiting of this.#waiting.values()) waiting.reject(this.#failure);
    this.#waiting.clear();
  }
}

const closed = (): MillraceError =>
  new MillraceError("storage.unavailable", "The store has been closed.");

/** The compiler does not rewrite the endings in texts. */
const toEntry = (): URL =>
  new URL(
    import.meta.url.endsWith(".ts") ? "./heartbeat-thread.ts" : "./heartbeat-thread.js",
    import.meta.url,
  );

/** Hints of a moment: each once, as few texts as they fit in. */
class Outgoing {
  readonly #send: (words: readonly Word[]) => void;
  readonly #gathered = new Map<NodeId | null, Set<string>>();
  #isPlanned = false;

  constructor(send: (words: readonly Word[]) => void) {
    this.#send = send;
  }

  add(to: NodeId | null, hint: Hint): void {
    const texts = this.#gathered.get(to) ?? new Set();
    this.#gathered.set(to, texts.add(JSON.stringify(hint)));
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    setTimeout(() => this.#flush(), GATHER_MS).unref();
  }

  #flush(): void {
    this.#isPlanned = false;
    const words: Word[] = [];
    for (const [to, texts] of this.#gathered) words.push(...writeWords(to, texts));
    this.#gathered.clear();
    this.#send(words);
  }
}
