// One host for all records: each is a session of its own, which is given its journal and closed when it has said enough.
import {
  nearName,
  type HostReport,
  type Outcome,
  type ReplayRecord,
  type SessionId,
  type Timestamp,
} from "@millrace/protocol";
import type { OperationRequest } from "../durable/ask.ts";
import { CodeHost } from "../durable/code-host.ts";
import { defaultPorts, type HostPorts } from "../durable/host-ports.ts";
import type { Difference } from "../durable/replay-guide.ts";
import type { AnyWorkflow } from "../durable/workflow.ts";
import type { CheckedRun } from "./checked-run.ts";
import { findDifference, type Heard } from "./find-difference.ts";
import { parseReplayRecord, type ParsedRecord } from "./parse-record.ts";
import { toInstant, toTask } from "./to-task.ts";

export interface ReplayerOptions {
  readonly workflows: readonly AnyWorkflow[];
  readonly ignoreOutputs?: boolean;
  readonly graceMs?: number;
  readonly stuckAfterMs?: number;
}

const DEFAULT_GRACE_MS = 1_000;
const DEFAULT_STUCK_MS = 5_000;

export class Replayer {
  readonly #options: ReplayerOptions;
  readonly #host: CodeHost;
  readonly #setTimer: HostPorts["setTimer"] = defaultPorts().setTimer;
  /** By name, then by version. */
  readonly #versions = new Map<string, string[]>();
  readonly #open = new Map<SessionId, Replay>();

  constructor(options: ReplayerOptions) {
    const { workflows, graceMs = DEFAULT_GRACE_MS } = options;
    this.#options = options;
    this.#host = new CodeHost({
      workflows,
      report: (reports) => this.#hear(reports),
      onDifference: (session, difference) => this.#open.get(session)?.differ(difference),
      // The one time that a session waits for here: no body runs that it could wait for.
      ports: { setTimer: (_, callback) => this.#setTimer(graceMs, callback) },
    });
    for (const { name, settings } of workflows) {
      this.#versions.set(name, [...(this.#versions.get(name) ?? []), settings.version]);
    }
  }

  async check(value: unknown, number: number): Promise<CheckedRun> {
    const parsed = value instanceof Error ? toUnread(value) : parseReplayRecord(value);
    if (!parsed.ok) {
      const nowhere = { runId: null, workflow: null, version: null };
      return { result: "unreadable", number, ...nowhere, message: parsed.problem };
    }
    const { record } = parsed;
    const { runId, workflow, version } = record;
    const place = { number, runId, workflow, version };
    const missing = this.#findMissing(record);
    if (missing !== null) return { result: "no-code", ...place, message: missing };
    const heard = await this.#replay(record, `${number}`);
    if (heard === null) return { result: "stuck", ...place, message: STUCK };
    const isExact = this.#options.ignoreOutputs !== true && record.detail === "whole";
    const difference = findDifference(record, heard, isExact);
    if (difference === null) return { result: "same", ...place };
    const { step } = difference;
    const settled = record.settled.find(({ key }) => key === step);
    const isStructureOnly = record.detail === "structure";
    const sequence = settled?.sequence ?? null;
    return { result: "differs", ...place, ...difference, sequence, isStructureOnly };
  }

  close(): void {
    this.#host.close("The check is over");
  }

  /** @returns why it cannot be replayed; null: its code is here */
  #findMissing({ workflow, version }: ReplayRecord): string | null {
    const versions = this.#versions.get(workflow);
    if (versions === undefined) {
      const near = nearName(workflow, this.#versions.keys());
      const hint = near === undefined ? "" : `, but ${JSON.stringify(near)}`;
      return `There is no workflow ${JSON.stringify(workflow)} here${hint}`;
    }
    if (versions.includes(version)) return null;
    const known = versions.map((one) => JSON.stringify(one)).join(", ");
    return `There is no version ${JSON.stringify(version)} of ${JSON.stringify(workflow)} here, but ${known}`;
  }

  /** @returns null: it took too long */
  async #replay(record: ReplayRecord, session: SessionId): Promise<Heard | null> {
    const { stuckAfterMs = DEFAULT_STUCK_MS } = this.#options;
    const replay = new Replay(record, session, this.#host);
    this.#open.set(session, replay);
    this.#host.handle([{ type: "open", session, task: toTask(record) }]);
    await replay.replayed;
    let cancel = (): void => undefined;
    const late = new Promise<null>((resolve) => {
      cancel = this.#setTimer(stuckAfterMs, () => resolve(null));
    });
    const heard = await Promise.race([replay.decided, late]);
    cancel();
    this.#open.delete(session);
    this.#host.handle([{ type: "close", session, reason: "The check is over" }]);
    return heard;
  }

  #hear(reports: readonly HostReport[]): void {
    const moved = new Set<Replay>();
    for (const report of reports) {
      const replay = "session" in report ? this.#open.get(report.session) : undefined;
      if (replay === undefined) continue;
      replay.hear(report);
      moved.add(replay);
    }
    for (const replay of moved) replay.decide();
  }
}

const toUnread = ({ message }: Error): ParsedRecord => ({ ok: false, problem: message });

const STUCK =
  "The function waits for something that is not durable, so nobody knows whether it would come to its end; do that in a step";

/** What one session has said so far. */
class Replay implements Heard {
  readonly asked: { readonly position: number; readonly request: OperationRequest }[] = [];
  end: Outcome | null = null;
  difference: Difference | null = null;
  /** The function was brought where the journal ends, or will not come there. */
  readonly replayed: Promise<void>;
  /** It has said what it does next. */
  readonly decided: Promise<Heard>;
  readonly #record: ReplayRecord;
  readonly #at: Timestamp;
  readonly #session: SessionId;
  readonly #host: CodeHost;
  readonly #replayed = Promise.withResolvers<void>();
  readonly #decided = Promise.withResolvers<Heard>();
  /** Sequences of entries that it was told, and that it has done its part for. */
  #told: number;
  #heard = -1;

  constructor(record: ReplayRecord, session: SessionId, host: CodeHost) {
    this.#record = record;
    this.#at = toInstant(record.settled.at(-1)?.at ?? record.createdAt);
    this.#session = session;
    this.#host = host;
    this.#told = Math.max(record.settled.at(-1)?.sequence ?? 0, record.stop?.sequence ?? 0);
    this.replayed = this.#replayed.promise;
    this.decided = this.#decided.promise;
  }

  differ(difference: Difference): void {
    this.difference = difference;
  }

  hear(report: HostReport): void {
    if (report.type === "idle") this.#heard = Math.max(this.#heard, report.sequence);
    if (report.type !== "asked") return;
    const { position } = report;
    for (const request of report.requests) {
      if (request.kind === "end") this.end = request.outcome;
      else this.#take(position, request);
    }
  }

  decide(): void {
    const isIdle = this.#heard >= this.#told;
    const isOver = this.difference !== null || this.end !== null;
    if (isIdle || isOver) this.#replayed.resolve();
    // Without anything durable to wait for it is at something of its own, and may yet ask.
    const waits =
      this.#record.open.length > 0 || this.asked.some(({ request }) => !isNote(request));
    if (isOver || (isIdle && waits)) this.#decided.resolve(this);
  }

  #take(position: number, request: OperationRequest): void {
    this.asked.push({ position, request });
    if (request.kind !== "note") return;
    // As the engine does: a line for readers settles at once.
    this.#told += 1;
    const { key, output } = request;
    const at = this.#at;
    const outcome = { status: "completed", output } as const;
    const settlement = { sequence: this.#told, key, position, kind: "call", outcome, at } as const;
    this.#host.handle([{ type: "tell", session: this.#session, settlement }]);
  }
}

const isNote = ({ kind }: OperationRequest): boolean => kind === "note";
