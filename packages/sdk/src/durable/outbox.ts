import type { CodeRequest, HostReport, SessionId } from "@millrace/protocol";
import type { SessionSink } from "./session.ts";

interface Asked {
  readonly type: "asked";
  readonly session: SessionId;
  readonly position: number;
  readonly requests: CodeRequest[];
}

/** Gathers what is said in one job, and reports it in a microtask behind it. */
export class Outbox {
  readonly #report: (reports: readonly HostReport[]) => void;
  #reports: HostReport[] = [];
  /** The newest of `#reports`, if it can take more. */
  #asked: Asked | null = null;
  #isFlushing = false;
  #isClosed = false;

  constructor(report: (reports: readonly HostReport[]) => void) {
    this.#report = report;
  }

  say(report: HostReport): void {
    this.#asked = null;
    this.#add(report);
  }

  sinkOf(session: SessionId): SessionSink {
    return {
      ask: (position, request) => this.#ask(session, position, request),
      say: (report) => this.say({ ...report, session }),
      dropAsked: () => this.#drop(({ type }) => type === "asked", session),
    };
  }

  /** The session is closed: nothing that it said counts. */
  forget(session: SessionId): void {
    this.#drop(() => true, session);
  }

  close(): void {
    this.#isClosed = true;
    this.#reports = [];
  }

  #ask(session: SessionId, position: number, request: CodeRequest): void {
    const last = this.#asked;
    if (last?.session === session && last.position === position) {
      last.requests.push(request);
      return;
    }
    const asked: Asked = { type: "asked", session, position, requests: [request] };
    this.#add(asked);
    this.#asked = asked;
  }

  #add(report: HostReport): void {
    if (this.#isClosed) return;
    this.#reports.push(report);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    queueMicrotask(() => this.#flush());
  }

  #flush(): void {
    const reports = this.#reports;
    this.#isFlushing = false;
    this.#reports = [];
    this.#asked = null;
    if (reports.length > 0) this.#report(reports);
  }

  #drop(isUnwanted: (report: HostReport) => boolean, session: SessionId): void {
    if (this.#reports.length === 0) return;
    const isKept = (report: HostReport): boolean =>
      !("session" in report) || report.session !== session || !isUnwanted(report);
    this.#reports = this.#reports.filter(isKept);
    this.#asked = null;
  }
}
