// A good client of several servers: it asks until it has an answer that counts, another server each time, and what it
// repeats has the key or id that it had.
import type { Random } from "../packages/engine/src/simulation/random.ts";
import { pause } from "./pause.ts";

export interface Call {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: object;
}

export interface Answer {
  readonly status: number;
  /** `data` of the envelope. */
  readonly data: unknown;
  /** `error.reason` of the envelope; undefined: no error. */
  readonly reason: string | undefined;
}

/** Of one try; a server that is frozen takes connections and says nothing. */
const TRY_MS = 4_000;
const PAUSE_MS = 150;

export class Caller {
  /** Answers that say that a server met a mistake of its own, a sentence each. */
  readonly mistakes: string[] = [];
  /** Requests, and those among them that had no answer that counts. */
  tryCount = 0;
  unansweredCount = 0;
  readonly #urls: readonly string[];
  readonly #key: string;
  readonly #random: Random;
  readonly #signal: AbortSignal;

  /** @param signal ends all waiting, for good */
  constructor(urls: readonly string[], key: string, random: Random, signal: AbortSignal) {
    this.#urls = urls;
    this.#key = key;
    this.#random = random;
    this.#signal = signal;
  }

  /** One try, at a node or at any. @returns null: nobody knows what became of it */
  async once(
    call: Call,
    { node = this.#anyNode(), timeoutMs = TRY_MS }: { node?: number; timeoutMs?: number } = {},
  ): Promise<Answer | null> {
    this.tryCount += 1;
    const answer = await this.#send(call, node, timeoutMs).catch(() => null);
    if (answer?.status === 500) {
      this.mistakes.push(`${call.method} ${call.path} was answered with 500 (${answer.reason})`);
    }
    if (answer !== null && isFinal(answer)) return answer;
    this.unansweredCount += 1;
    return null;
  }

  /** @throws {Error} it was told to give up */
  async call(call: Call, first: number = this.#anyNode()): Promise<Answer> {
    for (let node = first; ; node = (node + 1) % this.#urls.length) {
      if (this.#signal.aborted) throw new Error(`no answer to ${call.method} ${call.path}`);
      const answer = await this.once(call, { node });
      if (answer !== null) return answer;
      await pause(PAUSE_MS, this.#signal);
    }
  }

  #anyNode(): number {
    return this.#random.between(0, this.#urls.length - 1);
  }

  async #send({ method, path, body }: Call, node: number, timeoutMs: number): Promise<Answer> {
    const response = await fetch(`${this.#urls[node]}${path}`, {
      method,
      headers: { "x-api-key": this.#key, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    // The API's envelope.
    const { data, error } = JSON.parse(await response.text()) as {
      readonly data?: unknown;
      readonly error?: { readonly reason: string };
    };
    return { status: response.status, data, reason: error?.reason };
  }
}

/** Others may be something else next time. */
const isFinal = ({ status }: Answer): boolean => status < 500 && status !== 429 && status !== 408;
