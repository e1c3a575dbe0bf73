// One worker that is attached over HTTP: the commands that it has not acknowledged, and the reports that it sends.
//
//   W1. Commands are numbered from 1 and kept until they are acknowledged, so a broken stream goes on where it was.
//   W2. Batches of reports are numbered from 1; each counts once, and a repeat is answered as the first was.
//   W3. A worker that does not read what it is sent is given up before it costs more than its share of memory.
//   W4. A worker that was given up says and hears nothing any more; who comes back under its id is told so.
import {
  MillraceError,
  type HostCommand,
  type HostReport,
  type TenantId,
  type Timestamp,
  type WorkerLink,
  type WorkerOffer,
} from "@millrace/protocol";

export interface RemoteWorkerOptions {
  readonly id: string;
  readonly tenant: TenantId;
  readonly offer: WorkerOffer;
  readonly since: Timestamp;
  readonly bounds: BufferBounds;
  /** Called once, however it ends. */
  readonly onEnded: () => void;
}

/** Of the commands that one worker has not acknowledged. A single command is kept whatever its size. */
export interface BufferBounds {
  readonly commands: number;
  readonly characters: number;
}

export interface SentCommand {
  /** W1. */
  readonly number: number;
  /** JSON. */
  readonly text: string;
}

export interface ReportBatch {
  /** W2. */
  readonly batch: number;
  /** Number of the last command that the worker has. */
  readonly acknowledged: number;
  readonly reports: readonly HostReport[];
}

/** What one event of the stream holds at most, unless a single command is larger. */
const EVENT_CHARACTERS = 256 * 1024;

export class RemoteWorker {
  readonly id: string;
  readonly tenant: TenantId;
  readonly offer: WorkerOffer;
  readonly since: Timestamp;
  readonly #bounds: BufferBounds;
  readonly #onEnded: () => void;
  #link: WorkerLink | null = null;
  #commands: SentCommand[] = [];
  #characters = 0;
  #lastSent = 0;
  #acknowledged = 0;
  #lastBatch = 0;
  #batchTaken: Promise<void> = Promise.resolve();
  #turn = 0;
  #isDraining = false;
  #ended: MillraceError | null = null;
  /** Sessions and calls that it holds. */
  readonly #held = new Set<string>();
  readonly #waiting = new Set<() => void>();

  constructor({ id, tenant, offer, since, bounds, onEnded }: RemoteWorkerOptions) {
    this.id = id;
    this.tenant = tenant;
    this.offer = offer;
    this.since = since;
    this.#bounds = bounds;
    this.#onEnded = onEnded;
  }

  get usedSlots(): number {
    return this.#held.size;
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Why it was given up; null: it was not. */
  get ended(): MillraceError | null {
    return this.#ended;
  }

  /** @throws {MillraceError} worker.lost: it was given up before it had begun */
  begin(link: WorkerLink): void {
    this.#link = link;
    if (this.#ended === null) return;
    void link.close();
    throw this.#ended;
  }

  /** Never throws. */
  receive(commands: readonly HostCommand[]): void {
    if (this.#ended !== null) return;
    for (const command of commands) {
      this.#note(command);
      const text = JSON.stringify(command);
      this.#commands.push({ number: ++this.#lastSent, text });
      this.#characters += text.length;
    }
    const { length } = this.#commands;
    if (length > this.#bounds.commands || this.#isTooMuch(length)) {
      // W3.
      this.end(lost(`${this.offer.name} does not read what it is sent: ${length} commands wait`));
      return;
    }
    this.#wake();
  }

  /**
   * What comes after that number, until the worker is given up, another reader comes, or `signal` is given. The first
   * item is empty: whoever asked is heard at once.
   *
   * @throws {MillraceError} worker.out-of-order: it is gone already, or was never sent
   */
  follow(after: number, signal: AbortSignal): AsyncGenerator<readonly SentCommand[], void> {
    if (after > this.#lastSent || after < this.#acknowledged) {
      const has = `commands ${this.#acknowledged + 1} to ${this.#lastSent}`;
      throw new MillraceError("worker.out-of-order", `There are ${has}, none after ${after}`);
    }
    const turn = ++this.#turn;
    this.#wake();
    return this.#follow(after, turn, signal);
  }

  async *#follow(
    after: number,
    turn: number,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SentCommand[], void> {
    let last = after;
    yield [];
    while (!signal.aborted && this.#ended === null && turn === this.#turn) {
      const some = this.#takeAfter(last);
      last = some.at(-1)?.number ?? last;
      if (some.length > 0) yield some;
      else await this.#untilWoken(signal);
    }
  }

  /** @throws {MillraceError} worker.out-of-order */
  async report({ batch, acknowledged, reports }: ReportBatch): Promise<void> {
    if (batch > this.#lastBatch + 1) {
      const message = `Batch ${this.#lastBatch + 1} comes next, not ${batch}`;
      throw new MillraceError("worker.out-of-order", message);
    }
    this.#acknowledge(acknowledged);
    if (batch === this.#lastBatch + 1) {
      this.#lastBatch = batch;
      for (const report of reports) if (report.type === "called") this.#held.delete(callOf(report));
      this.#batchTaken = this.#link?.report(reports) ?? Promise.resolve();
    }
    await this.#batchTaken;
  }

  async drain(): Promise<void> {
    this.#isDraining = true;
    await this.#link?.drain();
  }

  /** W4. What it holds is given to others. */
  end(reason: MillraceError): void {
    if (this.#ended !== null) return;
    this.#ended = reason;
    this.#commands = [];
    this.#held.clear();
    this.#onEnded();
    this.#wake();
    void this.#link?.close();
  }

  #acknowledge(number: number): void {
    if (number > this.#lastSent) {
      const message = `Command ${number} was never sent; the last one is ${this.#lastSent}`;
      throw new MillraceError("worker.out-of-order", message);
    }
    if (number <= this.#acknowledged) return;
    const gone = this.#commands.splice(0, number - this.#acknowledged);
    for (const { text } of gone) this.#characters -= text.length;
    this.#acknowledged = number;
  }

  #isTooMuch(count: number): boolean {
    return count > 1 && this.#characters > this.#bounds.characters;
  }

  #takeAfter(number: number): readonly SentCommand[] {
    const some: SentCommand[] = [];
    let characters = 0;
    // An acknowledgement may have overtaken its own stream.
    for (let i = Math.max(0, number - this.#acknowledged); i < this.#commands.length; i++) {
      const command = this.#commands[i];
      if (command === undefined) break;
      characters += command.text.length;
      if (some.length > 0 && characters > EVENT_CHARACTERS) break;
      some.push(command);
    }
    return some;
  }

  #note(command: HostCommand): void {
    if (command.type === "open") this.#held.add(`session ${command.session}`);
    else if (command.type === "close") this.#held.delete(`session ${command.session}`);
    else if (command.type === "call") this.#held.add(callOf(command));
  }

  #untilWoken(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener("abort", done);
    });
  }

  #wake(): void {
    for (const done of this.#waiting) done();
  }
}

const callOf = ({ call }: { readonly call: string }): string => `call ${call}`;

export const lost = (message: string): MillraceError => new MillraceError("worker.lost", message);
