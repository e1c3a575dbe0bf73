// One residence of a code run at a host, seen from the run's owner.
//
//   S1. What the host is told comes in journal order: first the task, then each settlement when it is durable.
//   S2. The run is idle when its host has been told everything and has said that it wants nothing more.
//   S3. A session that is closed says and hears nothing any more.
import type {
  BodyResult,
  CodeTask,
  CodeVersion,
  HostCommand,
  HostReport,
  RunId,
  SessionId,
  Settlement,
  StopNotice,
  TenantId,
} from "@millrace/protocol";
import type { Divergence } from "../core/drive.ts";
import type { Request } from "../core/program.ts";
import type { Attempt } from "./callables.ts";
import { ReportedFailure, StoredOutput } from "./reported-result.ts";
import type { Guilt } from "./session-losses.ts";
import { toRequest } from "./to-request.ts";

/** What a session tells the runner. */
export interface SessionSink {
  asked(position: number, requests: readonly Request[]): void;
  /** S2. */
  idle(): void;
  diverged(divergence: Divergence): void;
  /** Its host is gone. */
  lost(reason: string, guilt: Guilt): void;
}

/** Where commands go. */
export interface SessionHost {
  send(command: HostCommand): void;
  /** The session has ended; its slot is free. */
  release(session: CodeSession): void;
}

interface PendingBody {
  readonly attempt: number;
  readonly resolve: (output: StoredOutput) => void;
  readonly reject: (failure: ReportedFailure) => void;
}

export class CodeSession {
  readonly id: SessionId;
  readonly tenant: TenantId;
  readonly runId: RunId;
  readonly code: CodeVersion;
  readonly #sink: SessionSink;
  readonly #bodies = new Map<string, PendingBody>();
  #task: CodeTask | null;
  #host: SessionHost | null = null;
  #unsent: HostCommand[] = [];
  #told: number;
  #heard = -1;
  #isClosed = false;

  constructor(id: SessionId, task: CodeTask, sink: SessionSink) {
    this.id = id;
    this.tenant = task.tenant;
    this.runId = task.runId;
    this.code = { name: task.workflow, version: task.version };
    this.#task = task;
    this.#sink = sink;
    this.#told = Math.max(0, task.settled.at(-1)?.sequence ?? 0, task.stop?.sequence ?? 0);
  }

  /** S2. */
  get isIdle(): boolean {
    return this.#heard >= this.#told && this.#bodies.size === 0;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** A host has it, and it is not over. */
  get isOpen(): boolean {
    return this.#host !== null && !this.#isClosed;
  }

  /** A host has room for it. */
  open(host: SessionHost): void {
    const task = this.#task;
    if (task === null || this.#isClosed) return;
    this.#host = host;
    this.#task = null;
    host.send({ type: "open", session: this.id, task });
    for (const command of this.#unsent) host.send(command);
    this.#unsent = [];
  }

  tell(settlement: Settlement): void {
    this.#told = settlement.sequence;
    this.#send({ type: "tell", session: this.id, settlement });
  }

  stop(notice: StopNotice): void {
    this.#told = notice.sequence;
    this.#send({ type: "stop", session: this.id, notice });
  }

  /** Runs the body of a step at the host. */
  run(attempt: Attempt): Promise<StoredOutput> {
    const { key, attempt: number } = attempt.task;
    attempt.onAbort = (reason) =>
      this.#send({ type: "abort", session: this.id, key, attempt: number, reason });
    const result = new Promise<StoredOutput>((resolve, reject) => {
      this.#bodies.set(key, { attempt: number, resolve, reject });
    });
    this.#send({ type: "attempt", session: this.id, key, attempt: number });
    return result;
  }

  handle(report: HostReport): void {
    if (this.#isClosed) return;
    switch (report.type) {
      case "asked":
        this.#sink.asked(report.position, report.requests.map(toRequest));
        return;
      case "idle":
        this.#heard = Math.max(this.#heard, report.sequence);
        if (this.isIdle) this.#sink.idle();
        return;
      case "attempted":
        this.#settleBody(report.key, report.attempt, report.result);
        return;
      case "diverged":
        this.#sink.diverged({ step: report.step, message: report.message });
        return;
      case "called":
        return;
    }
  }

  /** The run is not here any more, or has ended. */
  close(reason: string): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#host?.send({ type: "close", session: this.id, reason });
    this.#host?.release(this);
    this.#abandonBodies(reason);
  }

  /** Its host is gone, or will never come. */
  lose(reason: string, guilt: Guilt = "none"): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#abandonBodies(reason);
    this.#sink.lost(reason, guilt);
  }

  #send(command: HostCommand): void {
    if (this.#isClosed) return;
    if (this.#host === null) this.#unsent.push(command);
    else this.#host.send(command);
  }

  #settleBody(key: string, attempt: number, result: BodyResult): void {
    const body = this.#bodies.get(key);
    if (body?.attempt !== attempt) return;
    this.#bodies.delete(key);
    if (result.ok) body.resolve(new StoredOutput(result.output));
    else body.reject(new ReportedFailure(result));
  }

  /** Nobody waits for them, but what waits here must end. */
  #abandonBodies(reason: string): void {
    for (const body of this.#bodies.values()) body.reject(ReportedFailure.lost(reason));
    this.#bodies.clear();
  }
}
