// A process of the cluster that is killed, frozen and started again.
import type { Launched } from "../e2e/command.ts";
import { pause } from "./pause.ts";

export interface Starting {
  readonly process: Launched;
  /** Rejects if the process ends first. */
  readonly ready: Promise<unknown>;
}

/** Of a process that was told to end. */
const LONGEST_DRAIN_MS = 60_000;
/** A database that is away for long, twice in a row, may be more than a start can bear. */
const STARTS = 5;

export class Member {
  readonly name: string;
  /** What it did by itself that it must not, a sentence each. */
  readonly faults: string[] = [];
  /** How often it gave up its start for want of a database, which whoever keeps processes alive starts again. */
  failedStartCount = 0;
  readonly #spawn: () => Starting;
  #process: Launched | null = null;
  #isFrozen = false;
  #isReady = false;

  constructor(name: string, spawn: () => Starting) {
    this.name = name;
    this.#spawn = spawn;
  }

  /** 0: it does not run. */
  get pid(): number {
    return this.#process?.pid ?? 0;
  }

  /** Resolves when it is ready. */
  async start(): Promise<void> {
    for (let left = STARTS; this.#process === null; left--) {
      const { process: launched, ready } = this.#spawn();
      this.#process = launched;
      this.#isReady = false;
      void launched.exited.then(({ code, signal }) => this.#noteExit(launched, code ?? signal));
      try {
        await ready;
        this.#isReady = true;
      } catch (error) {
        if (left === 1) throw error;
        await this.kill();
      }
    }
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    const launched = this.#process;
    this.#process = null;
    this.#isFrozen = false;
    await launched?.kill();
  }

  /** SIGTERM; resolves when it is gone. */
  async drain(): Promise<void> {
    const launched = this.#process;
    if (launched === null) return;
    this.#process = null;
    process.kill(launched.pid, "SIGTERM");
    const isGone = launched.exited.then(() => true);
    const late = new AbortController();
    const isLate = pause(LONGEST_DRAIN_MS, late.signal).then(() => false);
    const ended = await Promise.race([isGone, isLate]);
    late.abort();
    if (ended) return;
    this.faults.push(`${this.name} did not end within ${LONGEST_DRAIN_MS} ms of SIGTERM`);
    await launched.kill();
  }

  freeze(): void {
    if (this.#process === null) return;
    process.kill(this.#process.pid, "SIGSTOP");
    this.#isFrozen = true;
  }

  thaw(): void {
    if (this.#process === null || !this.#isFrozen) return;
    process.kill(this.#process.pid, "SIGCONT");
    this.#isFrozen = false;
  }

  #noteExit(launched: Launched, how: number | string | null): void {
    if (this.#process !== launched) return;
    this.#process = null;
    const said = launched.stderr().slice(-2_000);
    if (!this.#isReady && said.includes("storage.unavailable")) {
      this.failedStartCount += 1;
      return;
    }
    this.faults.push(`${this.name} ended by itself with ${how}: ${said}`);
  }
}
