// One worker whose code runs in a process of its own, which is started again when it ends.
//
//   W1. What a process was at when it ended is given to others: its seat at the engine is closed with it.
//   W2. While no other worker is there, a new seat is taken before the old one is closed, and keeps what comes for the
//       next process: a step that calls a function must not find that nobody has it.
//   W3. A process that ends soon after its start waits for longer and longer before the next one.
import type {
  HostCommand,
  HostReport,
  SessionId,
  WorkerLink,
  WorkerOffer,
  WorkerTransport,
} from "@millrace/protocol";
import { setImmediate as nextTurn, setTimeout as pause } from "node:timers/promises";
import type { ChildCode } from "./child-messages.ts";
import { CodeChild, type CodeChildOptions } from "./code-child.ts";

export interface IsolatedWorkerOptions extends Omit<CodeChildOptions, "onReports"> {
  /** W2. */
  readonly isAlone: (worker: IsolatedWorker) => boolean;
}

/** Runs and calls at once. A process that ends takes all of its own with it, so they are not many. */
const SLOTS = 100;
const FIRST_DELAY_MS = 50;
const LONGEST_DELAY_MS = 10_000;
/** A process that lived for so long was well. */
const WELL_AFTER_MS = 10_000;
const CLOSE_GRACE_MS = 2_000;

export class IsolatedWorker {
  readonly #options: IsolatedWorkerOptions;
  readonly #closing = new AbortController();
  #child: CodeChild;
  #seat: Seat | null = null;
  #isAttached = false;
  #startedAtMs = 0;
  #earlyEnds = 0;

  constructor(options: IsolatedWorkerOptions) {
    this.#options = options;
    this.#child = this.#spawn();
  }

  /** A process of its takes commands. */
  get isServing(): boolean {
    return this.#seat?.isBound === true;
  }

  /** Of its first process. @throws {Error} in a sentence */
  get ready(): Promise<ChildCode> {
    return this.#child.ready;
  }

  /** When `ready` has resolved; again, if it failed. @throws {MillraceError} workflow.exists */
  async attach(transport: WorkerTransport): Promise<void> {
    if (this.#isAttached) return;
    await this.#serve(transport);
    this.#isAttached = true;
    void this.#keepAlive(transport);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const child = this.#child;
    child.close();
    const timer = setTimeout(() => child.kill(), CLOSE_GRACE_MS);
    await child.ended;
    clearTimeout(timer);
  }

  #spawn(): CodeChild {
    this.#startedAtMs = performance.now();
    return new CodeChild({
      ...this.#options,
      onReports: (reports) => this.#seat?.report(reports),
    });
  }

  async #serve(transport: WorkerTransport): Promise<void> {
    const child = this.#child;
    const code = await child.ready;
    this.#seat ??= await this.#takeSeat(transport, code);
    this.#seat.bind(child);
  }

  async #keepAlive(transport: WorkerTransport): Promise<void> {
    const { name, log } = this.#options;
    while (!this.#closing.signal.aborted) {
      try {
        await this.#keepOnce(transport);
      } catch (error) {
        if (this.#closing.signal.aborted) return;
        log.error({ worker: name, err: error }, "a worker's process cannot be started");
        this.#child.kill();
      }
    }
  }

  /** From the end of a process until the next one serves. */
  async #keepOnce(transport: WorkerTransport): Promise<void> {
    const { name, log, isAlone } = this.#options;
    const { signal } = this.#closing;
    const how = await this.#child.ended;
    const { suspects } = this.#child;
    if (signal.aborted) return;
    log.warn({ worker: name, pid: this.#child.pid, how }, "a worker's process has ended");
    // What it said last is on its way through the engine.
    await nextTurn();
    const left = this.#seat;
    this.#seat = null;
    const code = await this.#child.ready.catch(() => null);
    if (code !== null && isAlone(this)) {
      // If it cannot now, whoever serves next tries again.
      this.#seat = await this.#takeSeat(transport, code).catch(() => null);
    }
    await left?.leave(suspects);
    await pause(this.#nextDelayMs(), undefined, { signal });
    this.#child = this.#spawn();
    await this.#serve(transport);
  }

  /** W3. */
  #nextDelayMs(): number {
    const livedMs = performance.now() - this.#startedAtMs;
    this.#earlyEnds = livedMs >= WELL_AFTER_MS ? 0 : this.#earlyEnds + 1;
    if (this.#earlyEnds === 0) return 0;
    return Math.min(FIRST_DELAY_MS * 2 ** (this.#earlyEnds - 1), LONGEST_DELAY_MS);
  }

  #takeSeat(transport: WorkerTransport, { workflows, functions }: ChildCode): Promise<Seat> {
    const { name } = this.#options;
    return Seat.take(transport, { name, workflows, functions, slots: SLOTS, labels: {} });
  }
}

/** One attachment to the engine: of one process, or of the one to come. */
class Seat {
  #link: WorkerLink | undefined;
  #child: CodeChild | null = null;
  #unsent: HostCommand[] = [];
  #isLeft = false;

  static async take(transport: WorkerTransport, offer: WorkerOffer): Promise<Seat> {
    const seat = new Seat();
    const receive = (commands: readonly HostCommand[]): void => seat.#receive(commands);
    // Whoever stops the engine closes its workers, too.
    const onLost = (): void => {};
    seat.#link = await transport.attach(offer, receive, onLost);
    return seat;
  }

  get isBound(): boolean {
    return this.#child !== null;
  }

  bind(child: CodeChild): void {
    this.#child = child;
    child.obey(this.#unsent);
    this.#unsent = [];
  }

  report(reports: readonly HostReport[]): void {
    void this.#link?.report(reports);
  }

  /** W1. */
  async leave(suspects: readonly SessionId[] | undefined): Promise<void> {
    this.#isLeft = true;
    await this.#link?.close(suspects);
  }

  #receive(commands: readonly HostCommand[]): void {
    if (this.#isLeft) return;
    if (this.#child === null) this.#unsent.push(...commands);
    else this.#child.obey(commands);
  }
}
