// A worker's way to an engine over HTTP: a streamed GET down, batched POSTs up.
//
//   T1. A connection that breaks is made anew with growing pauses; no command and no report is lost or doubled by it.
//   T2. A server that does not know the worker any more (it began anew, or gave the worker up) ends the link once.
import {
  fromJsonText,
  asJsonText,
  MillraceError,
  type HostCommand,
  type HostReport,
  type WorkerLink,
  type WorkerOffer,
  type WorkerTransport,
} from "@millrace/protocol";
import { unreachable, type HttpCaller } from "../client/http-caller.ts";
import { linkSignals } from "../client/linked-signal.ts";
import { newKey } from "../client/new-key.ts";
import { pauseMs } from "../client/pace.ts";
import { readEnvelope } from "../client/read-fault.ts";
import { readEvents } from "../client/read-events.ts";
import type { Heart, StartHeart } from "./heartbeat.ts";
import { ReportQueue } from "./report-queue.ts";

const WORKERS = "/api/v1/workers";
/** Of the server's comments; so many may be missed before the stream is taken for dead. */
const MISSED_COMMENTS = 3;
/** What a worker gives its good-bye. */
const DETACH_MS = 5_000;
/** Of one batch: it may be large, and the line slow. */
const REPORT_MS = 60_000;

export interface HttpWorkerTransportOptions {
  readonly caller: HttpCaller;
  /** Of the server, and what every request carries. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly startHeart: StartHeart;
  /** After so long a silence of this process' loop, its heart stops. */
  readonly silenceMs: number;
}

export class HttpWorkerTransport implements WorkerTransport {
  readonly #options: HttpWorkerTransportOptions;

  constructor(options: HttpWorkerTransportOptions) {
    this.#options = options;
  }

  /** Waits for a server that is gone. */
  async attach(
    offer: WorkerOffer,
    receive: (commands: readonly HostCommand[]) => void,
    onLost: (error: MillraceError) => void,
  ): Promise<WorkerLink> {
    const { data } = await this.#options.caller.call({
      method: "POST",
      path: WORKERS,
      // A repeat, because the answer was lost, is the same attachment.
      body: JSON.stringify({ ...offer, instance: newKey() }),
      isRepeatable: true,
    });
    // The server is ours.
    const attached = data as unknown as Attached;
    const link = new HttpWorkerLink({ ...this.#options, attached, receive, onLost });
    link.begin();
    return link;
  }

  /** Ends what is under way. */
  close(): void {
    this.#options.caller.close();
  }
}

interface Attached {
  readonly workerId: string;
  readonly heartbeatSeconds: number;
}

interface HttpWorkerLinkOptions extends HttpWorkerTransportOptions {
  readonly attached: Attached;
  readonly receive: (commands: readonly HostCommand[]) => void;
  readonly onLost: (error: MillraceError) => void;
}

class HttpWorkerLink implements WorkerLink {
  readonly #options: HttpWorkerLinkOptions;
  readonly #path: string;
  readonly #life = new AbortController();
  readonly #queue: ReportQueue;
  #heart: Heart | null = null;

  constructor(options: HttpWorkerLinkOptions) {
    const { attached, caller } = options;
    this.#options = options;
    this.#path = `${WORKERS}/${encodeURIComponent(attached.workerId)}`;
    this.#queue = new ReportQueue({
      send: (body) => this.#post("reports", body),
      onRefused: (error) => this.#lose(toFault(error)),
      pace: caller.pace,
      signal: this.#life.signal,
    });
  }

  begin(): void {
    const { startHeart, url, headers, attached, silenceMs } = this.#options;
    this.#heart = startHeart({
      url: `${url}${this.#path}/heartbeat`,
      headers: { ...headers, "content-type": "application/json" },
      everyMs: attached.heartbeatSeconds * 1_000,
      silenceMs,
    });
    void this.#listen();
  }

  report(reports: readonly HostReport[]): Promise<void> {
    return this.#queue.add(reports);
  }

  drain(): Promise<void> {
    return this.#post("drain", "{}");
  }

  async close(): Promise<void> {
    if (this.#life.signal.aborted) return;
    this.#end(new MillraceError("worker.lost", "The worker has detached"));
    const { caller } = this.#options;
    const link = linkSignals(caller.closed);
    const timer = setTimeout(() => link.abort(), DETACH_MS);
    try {
      const call = { method: "DELETE", path: this.#path, isRepeatable: false } as const;
      await (await caller.send(call, link.signal)).text();
    } catch {
      // Then its lease runs out.
    } finally {
      clearTimeout(timer);
      link.dispose();
    }
  }

  async #post(what: "reports" | "drain", body: string): Promise<void> {
    await this.#options.caller.call({
      method: "POST",
      path: `${this.#path}/${what}`,
      body,
      isRepeatable: true,
      timeoutMs: REPORT_MS,
      signal: this.#life.signal,
    });
  }

  /** T1. */
  async #listen(): Promise<void> {
    const { signal } = this.#life;
    const { pace } = this.#options.caller;
    for (let tries = 1; !signal.aborted; tries++) {
      try {
        await this.#hear(() => {
          tries = 0;
        });
      } catch (error) {
        if (signal.aborted) return;
        const fault = toFault(error);
        if (fault.entry.retry === "never") {
          this.#lose(fault);
          return;
        }
      }
      await pace.sleep(pauseMs(Math.max(1, tries), pace), signal);
    }
  }

  /** One stream, until it ends. */
  async #hear(onSign: () => void): Promise<void> {
    const { caller, attached, url } = this.#options;
    const link = linkSignals(this.#life.signal);
    const silenceMs = attached.heartbeatSeconds * 1_000 * MISSED_COMMENTS;
    const giveUp = (): void => link.abort(unreachable(url, new Error("the server fell silent")));
    let timer = setTimeout(giveUp, silenceMs);
    const hear = (): void => {
      onSign();
      clearTimeout(timer);
      timer = setTimeout(giveUp, silenceMs);
    };
    try {
      const path = `${this.#path}/commands?after=${this.#queue.received}`;
      const response = await caller.send({ method: "GET", path, isRepeatable: true }, link.signal);
      if (response.status !== 200 || response.body === null) {
        const envelope = readEnvelope(response.status, await response.text());
        throw "data" in envelope ? new MillraceError("server.unreachable") : envelope;
      }
      for await (const { id, data } of readEvents(response.body, hear)) {
        if (this.#life.signal.aborted) return;
        this.#receive(Number(id), data);
      }
    } finally {
      clearTimeout(timer);
      link.abort();
      link.dispose();
    }
  }

  #receive(number: number, text: string): void {
    const next = this.#queue.received + 1;
    if (number < next) return;
    if (number > next) {
      throw new MillraceError("worker.out-of-order", `Command ${next} is missing before ${number}`);
    }
    this.#queue.note(number);
    // The engine is ours, and the door sent it as the engine said it.
    this.#options.receive([fromJsonText(asJsonText(text)) as unknown as HostCommand]);
  }

  /** T2. */
  #lose(error: MillraceError): void {
    if (this.#life.signal.aborted) return;
    this.#end(error);
    this.#options.onLost(error);
  }

  #end(error: MillraceError): void {
    this.#life.abort(error);
    this.#heart?.stop();
    this.#queue.close(error);
  }
}

const toFault = (error: unknown): MillraceError =>
  MillraceError.is(error) ? error : unreachable("the server", error);
