// Reports on their way to the server.
//
//   Q1. One batch is in flight; what comes meanwhile is the next one.
//   Q2. A batch is sent until it is answered, under one number, so each report counts once and in order.
//   Q3. Commands are acknowledged with the next batch; if there is none, an empty one goes after a while.
import { engineFailure, type HostReport, type MillraceError } from "@millrace/protocol";
import type { Pace } from "../client/pace.ts";

export interface ReportQueueOptions {
  /** Sends a body until it is answered. */
  readonly send: (body: string) => Promise<void>;
  /** A batch will never be taken: nothing is sent any more. */
  readonly onRefused: (error: unknown) => void;
  readonly pace: Pace;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** A batch may be larger by its last report. */
const BATCH_CHARACTERS = 1024 * 1024;
const BATCH_REPORTS = 5_000;
/** Servers refuse bodies above 64 MiB. */
const LARGEST_REPORT = 48 * 1024 * 1024;
/** Q3. */
const ACKNOWLEDGE_AFTER_MS = 1_000;
const ACKNOWLEDGE_AFTER_COUNT = 500;

interface Waiting {
  readonly text: string;
  readonly resolve: () => void;
}

export class ReportQueue {
  readonly #options: ReportQueueOptions;
  #waiting: Waiting[] = [];
  #batch = 0;
  #received = 0;
  #acknowledged = 0;
  #isSending = false;
  #isAcknowledging = false;
  #refused: MillraceError | null = null;
  readonly #rejects = new Set<(error: MillraceError) => void>();

  constructor(options: ReportQueueOptions) {
    this.#options = options;
  }

  /** Number of the last command that has come. */
  get received(): number {
    return this.#received;
  }

  /** Resolves when the owner has them. */
  add(reports: readonly HostReport[]): Promise<void> {
    if (this.#refused !== null) return Promise.reject(this.#refused);
    if (reports.length === 0) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.#rejects.add(reject);
      const last = reports.length - 1;
      for (const [place, report] of reports.entries()) {
        const taken = (): void => {
          if (place !== last) return;
          this.#rejects.delete(reject);
          resolve();
        };
        this.#waiting.push({ text: toText(report), resolve: taken });
      }
      void this.#send();
    });
  }

  /** A command has come. */
  note(number: number): void {
    this.#received = number;
    if (number - this.#acknowledged >= ACKNOWLEDGE_AFTER_COUNT) void this.#send();
    else void this.#acknowledgeLater();
  }

  /** Whoever waits is told why it is over. */
  close(error: MillraceError): void {
    this.#refused = error;
    this.#waiting = [];
    for (const reject of this.#rejects) reject(error);
    this.#rejects.clear();
  }

  /** Q1. */
  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    // Whatever else is said in this turn goes along.
    await Promise.resolve();
    while (this.#refused === null && this.#hasWork()) {
      const some = this.#takeSome();
      const acknowledged = this.#received;
      const batch = ++this.#batch;
      const reports = some.flatMap(({ text }) => text || []).join(",");
      try {
        await this.#options.send(
          `{"batch":${batch},"acknowledged":${acknowledged},"reports":[${reports}]}`,
        );
      } catch (error) {
        this.#options.onRefused(error);
        return;
      }
      this.#acknowledged = acknowledged;
      for (const { resolve } of some) resolve();
    }
    this.#isSending = false;
  }

  #hasWork(): boolean {
    return (
      this.#waiting.length > 0 || this.#received - this.#acknowledged >= ACKNOWLEDGE_AFTER_COUNT
    );
  }

  #takeSome(): readonly Waiting[] {
    let count = 0;
    for (let characters = 0; count < BATCH_REPORTS && characters < BATCH_CHARACTERS; count++) {
      const next = this.#waiting[count];
      if (next === undefined) break;
      characters += next.text.length;
    }
    return this.#waiting.splice(0, count);
  }

  async #acknowledgeLater(): Promise<void> {
    if (this.#isAcknowledging) return;
    this.#isAcknowledging = true;
    const { pace, signal } = this.#options;
    while (!signal.aborted && this.#received !== this.#acknowledged) {
      await pace.sleep(ACKNOWLEDGE_AFTER_MS, signal);
      if (this.#isSending || this.#received === this.#acknowledged) continue;
      this.#waiting.push(NOTHING);
      void this.#send();
    }
    this.#isAcknowledging = false;
  }
}

/** Makes a batch go that has no report. */
const NOTHING: Waiting = { text: "", resolve: () => undefined };

/** What no server would take is said so that the step, or the run, fails with it. */
function toText(report: HostReport): string {
  const text = JSON.stringify(report);
  return text.length <= LARGEST_REPORT ? text : JSON.stringify(toRefused(report, text.length));
}

function toRefused(report: HostReport, characters: number): HostReport {
  const what = `A report of ${characters} characters is larger than the server takes, ${LARGEST_REPORT}`;
  const failure = engineFailure("payload.too-large", what, "definition");
  if (report.type === "attempted" || report.type === "called") {
    return { ...report, result: { ok: false, failure, retryAfterMs: null, terminal: true } };
  }
  if (report.type !== "asked") return report;
  // Nothing of it can be asked for, so the run cannot go on.
  return { ...report, requests: [{ kind: "end", outcome: { status: "failed", failure } }] };
}
