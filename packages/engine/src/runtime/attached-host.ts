// One attached worker: its sessions and calls, what it is sent, and what it says.
import {
  type FunctionTask,
  type HostCommand,
  type HostReport,
  type SessionId,
  type TenantId,
  type WorkerOffer,
} from "@millrace/protocol";
import type { Attempt } from "./callables.ts";
import type { CodeSession, SessionHost } from "./code-session.ts";
import { ReportedFailure, StoredOutput } from "./reported-result.ts";
import type { Guilt } from "./session-losses.ts";

export interface AttachedHostOptions {
  readonly tenant: TenantId;
  readonly offer: WorkerOffer;
  /** Called with all that was sent in one turn. */
  readonly receive: (commands: readonly HostCommand[]) => void;
  /** It has room again. */
  readonly onRoom: (host: AttachedHost) => void;
  readonly onReleased: (session: CodeSession) => void;
}

interface PendingCall {
  readonly resolve: (output: StoredOutput) => void;
  readonly reject: (failure: ReportedFailure) => void;
}

export class AttachedHost implements SessionHost {
  readonly #options: AttachedHostOptions;
  /** Whoever began something last is last. */
  readonly #sessions = new Map<SessionId, CodeSession>();
  readonly #calls = new Map<string, PendingCall>();
  #lastCall = 0;
  #outgoing: HostCommand[] = [];

  constructor(options: AttachedHostOptions) {
    this.#options = options;
  }

  get tenant(): TenantId {
    return this.#options.tenant;
  }

  get offer(): WorkerOffer {
    return this.#options.offer;
  }

  get room(): number {
    return this.offer.slots - this.#sessions.size - this.#calls.size;
  }

  get isQuiet(): boolean {
    return this.#sessions.size === 0 && this.#calls.size === 0;
  }

  open(session: CodeSession): void {
    this.#sessions.set(session.id, session);
    session.open(this);
  }

  send(command: HostCommand): void {
    if (command.type === "attempt") this.#moveToEnd(command.session);
    this.#outgoing.push(command);
    if (this.#outgoing.length > 1) return;
    queueMicrotask(() => {
      const commands = this.#outgoing;
      this.#outgoing = [];
      this.#options.receive(commands);
    });
  }

  release(session: CodeSession): void {
    if (!this.#sessions.delete(session.id)) return;
    this.#options.onReleased(session);
    this.#options.onRoom(this);
  }

  /** A registered function of its. */
  call(attempt: Attempt): Promise<StoredOutput> {
    const call = `${++this.#lastCall}`;
    const { tenant, runId, key: step, attempt: number, target, input, runInput } = attempt.task;
    const task: FunctionTask = { tenant, runId, step, attempt: number, target, input, runInput };
    attempt.onAbort = (reason) => this.send({ type: "abort-call", call, reason });
    const result = new Promise<StoredOutput>((resolve, reject) => {
      this.#calls.set(call, { resolve, reject });
    });
    this.send({ type: "call", call, task });
    return result;
  }

  handle(reports: readonly HostReport[]): void {
    for (const report of reports) {
      if (report.type === "called") this.#settleCall(report);
      else this.#sessions.get(report.session)?.handle(report);
    }
  }

  /**
   * Whatever it was at is given to others.
   *
   * @param suspects default: the one that began something last, and perhaps the others
   */
  lose(reason: string, suspects?: readonly SessionId[]): void {
    const sessions = [...this.#sessions.values()];
    this.#sessions.clear();
    // A session that only waits there ends nobody.
    const latest = sessions.findLast(({ isIdle }) => !isIdle);
    const toGuilt = (session: CodeSession): Guilt => {
      if (suspects !== undefined) return suspects.includes(session.id) ? "likely" : "none";
      if (session.isIdle) return "none";
      return session === latest ? "likely" : "possible";
    };
    for (const session of sessions) {
      this.#options.onReleased(session);
      session.lose(reason, toGuilt(session));
    }
    for (const { reject } of this.#calls.values()) reject(ReportedFailure.lost(reason));
    this.#calls.clear();
  }

  #moveToEnd(id: SessionId): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#sessions.set(id, session);
  }

  #settleCall({ call, result }: Extract<HostReport, { type: "called" }>): void {
    const pending = this.#calls.get(call);
    if (pending === undefined) return;
    this.#calls.delete(call);
    if (result.ok) pending.resolve(new StoredOutput(result.output));
    else pending.reject(new ReportedFailure(result));
    this.#options.onRoom(this);
  }
}
