// The engine's side of a code run, in memory and by hand: what settles, in which order, and when the owner changes.
import {
  asJsonText,
  fromJsonText,
  toJsonText,
  toTimestamp,
  type BodyResult,
  type CodeRequest,
  type CodeTask,
  type Failure,
  type HostReport,
  type JsonText,
  type JsonValue,
  type OperationKind,
  type Outcome,
  type RunId,
  type Settlement,
  type StopNotice,
  DEFAULT_TENANT,
} from "@millrace/protocol";
import { CodeHost, type CodeHostOptions } from "../code-host.ts";
import type { HostPorts } from "../host-ports.ts";
import type { AnyWorkflow } from "../workflow.ts";

export type AskedOperation = Exclude<CodeRequest, { kind: "end" }>;

interface OpenAsk {
  readonly request: AskedOperation;
  readonly position: number;
}

export interface OwnerOptions {
  readonly input?: unknown;
  readonly maxUnsettled?: number;
  readonly ports?: Partial<HostPorts>;
  readonly task?: Partial<CodeTask>;
}

// The form of ids that we mint.
const RUN_ID = "run_01K0000000E0G8000000000000" as RunId;

export class ScriptedOwner {
  host: CodeHost;
  /** What is durable. Notes and notifications are journaled by themselves. */
  readonly journal: Settlement[] = [];
  stopped: StopNotice | null = null;
  /** In this residence, by key, in the order in which they were asked. */
  open: Map<string, OpenAsk> = new Map();
  /** `key@position`, of this residence. */
  asked: string[] = [];
  end: Outcome | null = null;
  diverged: { readonly step: string | null; readonly message: string } | null = null;
  /** Every report of this residence. */
  reports: HostReport[] = [];
  /** What the host waits for. */
  readonly timers: Map<() => void, number> = new Map();
  #residence = 0;
  #sequence = 0;
  #isQuiet = true;
  #results = new Map<string, BodyResult>();
  #watchers: (() => void)[] = [];
  #workflow: AnyWorkflow;
  readonly #options: OwnerOptions;

  private constructor(workflow: AnyWorkflow, options: OwnerOptions) {
    this.#workflow = workflow;
    this.#options = options;
    this.host = this.#createHost(workflow);
  }

  /** Resolves when the function has asked for what it wants. */
  static async start(workflow: AnyWorkflow, options: OwnerOptions = {}): Promise<ScriptedOwner> {
    const owner = new ScriptedOwner(workflow, options);
    owner.#open();
    await owner.quiet();
    return owner;
  }

  get keys(): string[] {
    return [...this.open.keys()];
  }

  /** What the run gave, if it has completed. */
  get output(): JsonValue | undefined {
    return this.end?.status === "completed" ? fromJsonText(this.end.output) : undefined;
  }

  get failure(): Failure | undefined {
    return this.end?.status === "failed" ? this.end.failure : undefined;
  }

  /** All notes of this name, with what they say. */
  notes(name: string): JsonValue[] {
    return this.journal
      .filter(({ key }) => key === name || key.startsWith(`${name}#`))
      .map(({ outcome }) => (outcome.status === "completed" ? fromJsonText(outcome.output) : null));
  }

  /** The owner is gone; another opens what is durable, from now on with this code. */
  async reopen(workflow: AnyWorkflow = this.#workflow): Promise<void> {
    this.replaceHost(workflow);
    await this.quiet();
  }

  /** As `reopen`, without waiting. */
  replaceHost(workflow: AnyWorkflow = this.#workflow): void {
    this.#workflow = workflow;
    this.host.close("The owner is gone");
    const waits = [...this.open.values()].filter(({ request }) => kindOf(request) !== "call");
    this.host = this.#createHost(workflow);
    this.open = new Map();
    this.#open(waits);
  }

  /** Runs the body of a step at the host. */
  async attempt(key: string, attempt = 1): Promise<BodyResult> {
    this.host.handle([{ type: "attempt", session: this.#session, key, attempt }]);
    const place = `${key}/${attempt}`;
    await this.until(() => this.#results.has(place));
    const result = this.#results.get(place);
    if (result === undefined) throw new Error(`No result of ${place}`);
    this.#results.delete(place);
    return result;
  }

  /** Runs the body, journals what came of it and tells it. */
  async perform(key: string): Promise<void> {
    const result = await this.attempt(key);
    await this.settle({
      [key]: result.ok
        ? { status: "completed", output: result.output }
        : { status: "failed", failure: result.failure },
    });
  }

  /** Journals in the order given, and tells all of it at once. */
  async settle(outcomes: Readonly<Record<string, Outcome>>): Promise<void> {
    const settlements = Object.entries(outcomes).map(([key, outcome]) => this.record(key, outcome));
    this.tell(settlements);
    await this.quiet();
  }

  async complete(key: string, output: unknown = null): Promise<void> {
    await this.settle({ [key]: completed(output) });
  }

  async fail(key: string, failure: Partial<Failure> = {}): Promise<void> {
    const whole = { code: "step.failed", message: "no", source: "code", ...failure } as const;
    await this.settle({ [key]: { status: "failed", failure: whole } });
  }

  /** Journals it, and tells nobody. */
  record(key: string, outcome: Outcome): Settlement {
    const ask = this.open.get(key);
    if (ask === undefined) throw new Error(`Nobody asked for ${key}, but for ${this.keys.join()}`);
    this.open.delete(key);
    this.#sequence += 1;
    const settlement: Settlement = {
      sequence: this.#sequence,
      key,
      position: ask.position,
      kind: kindOf(ask.request),
      outcome,
      at: toTimestamp(1_000 * this.#sequence),
    };
    this.journal.push(settlement);
    return settlement;
  }

  tell(settlements: readonly Settlement[]): void {
    this.#isQuiet = false;
    this.host.handle(
      settlements.map((settlement) => ({ type: "tell", session: this.#session, settlement })),
    );
  }

  /** As the engine does it: what is open is cancelled by the same entry. */
  stop(outcome: Outcome = { status: "cancelled" }): void {
    this.#sequence += 1;
    const sequence = this.#sequence;
    this.stopped = { sequence, outcome, at: toTimestamp(1_000 * sequence) };
    this.open.clear();
    this.#isQuiet = false;
    this.host.handle([{ type: "stop", session: this.#session, notice: this.stopped }]);
  }

  /** Until the function has heard everything and asked for what it wants, or the session is over. */
  quiet(): Promise<void> {
    return this.until(() => this.#isQuiet);
  }

  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise<void>((resolve) => this.#watchers.push(resolve));
  }

  /** Waits until the host waits, and lets that time pass. */
  async elapse(): Promise<void> {
    await this.until(() => this.timers.size > 0);
    for (const callback of this.timers.keys()) callback();
  }

  get #session(): string {
    return `s${this.#residence}`;
  }

  #createHost(workflow: AnyWorkflow): CodeHost {
    const { maxUnsettled, ports } = this.#options;
    const residence = this.#residence + 1;
    const options: CodeHostOptions = {
      workflows: [workflow],
      report: (reports) => {
        for (const report of reports) if (residence === this.#residence) this.#hear(report);
        this.#wake();
      },
      ports: {
        setTimer: (delayMs, callback) => {
          this.timers.set(callback, delayMs);
          this.#wake();
          return () => void this.timers.delete(callback);
        },
        ...ports,
      },
    };
    return new CodeHost(maxUnsettled === undefined ? options : { ...options, maxUnsettled });
  }

  #open(waits: readonly OpenAsk[] = []): void {
    this.#residence += 1;
    this.#isQuiet = false;
    this.asked = [];
    this.reports = [];
    this.end = null;
    const [offer] = this.host.offers();
    const json = toJsonText(this.#options.input);
    if (offer === undefined || !json.ok) throw new Error("There is nothing to open");
    const task: CodeTask = {
      tenant: DEFAULT_TENANT,
      runId: RUN_ID,
      workflow: offer.name,
      version: offer.version,
      input: json.text,
      metadata: {},
      workspace: null,
      user: null,
      createdAt: toTimestamp(0),
      residence: this.#residence,
      settled: [...this.journal],
      open: waits.map(({ request, position }) => ({
        key: request.key,
        position,
        kind: kindOf(request),
      })),
      stop: this.stopped,
      ...this.#options.task,
    };
    this.host.handle([{ type: "open", session: this.#session, task }]);
  }

  #hear(report: HostReport): void {
    this.reports.push(report);
    switch (report.type) {
      case "asked":
        for (const request of report.requests) this.#take(request, report.position);
        return;
      case "idle":
        this.#isQuiet ||= report.sequence >= this.#sequence;
        return;
      case "attempted":
        this.#results.set(`${report.key}/${report.attempt}`, report.result);
        return;
      case "diverged":
        this.diverged = { step: report.step, message: report.message };
        this.#isQuiet = true;
        return;
      case "called":
        return;
    }
  }

  #take(request: CodeRequest, position: number): void {
    if (request.kind === "end") {
      this.end = request.outcome;
      this.#isQuiet = true;
      return;
    }
    this.asked.push(`${request.key}@${position}`);
    this.open.set(request.key, { request, position });
    if (request.kind === "note") this.#recordAndTell(request.key, request.output);
    if (request.kind === "notify") this.#recordAndTell(request.key, asJsonText("null"));
  }

  #recordAndTell(key: string, output: JsonText): void {
    this.tell([this.record(key, { status: "completed", output })]);
  }

  #wake(): void {
    for (const wake of this.#watchers.splice(0)) wake();
  }
}

export function completed(value: unknown = null): Outcome {
  const json = toJsonText(value);
  if (!json.ok) throw new Error(json.problem);
  return { status: "completed", output: json.text };
}

function kindOf({ kind }: AskedOperation): OperationKind {
  switch (kind) {
    case "sleep":
      return "timer";
    case "event":
      return "event";
    case "invoke":
      return "child";
    default:
      return "call";
  }
}
