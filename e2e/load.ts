// An open-loop load: starts go out on time, however many answers are still missing.
//
// Every start has an idempotency key. One whose answer never came (the server was killed) may have been accepted or
// not; it is sent again until there is an answer.
import type { Random } from "../packages/engine/src/simulation/random.ts";
import { runIdOf, type Client } from "./client.ts";
import { pauseMsOf, STARTED } from "./workload.ts";

export interface Start {
  readonly workflow: string;
  readonly n: number;
  readonly key: string;
  /** null: nobody has acknowledged it yet. */
  runId: string | null;
}

/** Enough to have some runs in every state at every moment, and less than two cores can do beside the test itself. */
const EVERY_MS = 2;

/** Of all starts: so many clients wait for the end of their run. */
const FOLLOWED = 0.3;

export class Load {
  readonly starts: Start[] = [];
  /** Runs of which a client was told that they have ended. */
  readonly ended = new Set<string>();
  /** What no server may answer, a sentence each. */
  readonly broken: string[] = [];
  readonly #random: Random;
  readonly #flying = new Set<Promise<void>>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Sends until `signal` aborts, first whatever has no answer, and some that have. */
  run(client: Client, signal: AbortSignal): void {
    this.repeat(client);
    const timer = setInterval(() => this.#send(client, this.#draw()), EVERY_MS);
    signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  }

  /** Sends what has no answer, and a few that have one. */
  repeat(client: Client): void {
    for (const start of this.starts) if (start.runId === null) this.#send(client, start);
    for (let i = 0; i < 3 && this.starts.length > 0; i++) {
      const start = this.starts[this.#random.between(0, this.starts.length - 1)];
      if (start !== undefined && start.runId !== null) this.#send(client, start);
    }
  }

  /** Resolves when every request has its answer, or knows that it gets none. */
  async landed(): Promise<void> {
    await Promise.all(this.#flying);
  }

  #draw(): Start {
    const workflow = this.#random.pick(STARTED).definition.id;
    const key = `start-${this.starts.length}`;
    const start = { workflow, n: this.#random.between(0, 999), key, runId: null };
    this.starts.push(start);
    return start;
  }

  #send(client: Client, start: Start): void {
    const flight = this.#post(client, start).finally(() => this.#flying.delete(flight));
    this.#flying.add(flight);
  }

  async #post(client: Client, start: Start): Promise<void> {
    const { workflow, n, key } = start;
    const known = start.runId;
    const sent = client.start(workflow, { n, pauseMs: pauseMsOf(n) }, key);
    // The server was killed before all of the answer came: it may have been anything.
    const answer = await sent.catch(() => null);
    if (answer === null) return;
    if (answer.status !== 200 && answer.status !== 201) {
      this.broken.push(`${key} was answered with ${answer.status} (${answer.message})`);
      return;
    }
    const runId = runIdOf(answer);
    if (known !== null && answer.status === 201) {
      this.broken.push(`${key}, acknowledged before as ${known}, was accepted as new`);
    }
    if (start.runId !== null && start.runId !== runId) {
      this.broken.push(`${key} was acknowledged as ${start.runId} and then as ${runId}`);
    }
    start.runId = runId;
    if (this.#random.chance(FOLLOWED)) await this.#follow(client, runId);
  }

  async #follow(client: Client, runId: string): Promise<void> {
    const run = await client.ended(runId).catch(() => null);
    if (run !== null) this.ended.add(runId);
  }
}
