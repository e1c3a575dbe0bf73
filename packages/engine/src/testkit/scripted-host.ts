// A worker whose code runs are tables: what is asked for at the beginning, and after each settlement.
import {
  asJsonText,
  type BodyResult,
  type CodeRequest,
  type CodeTask,
  type HostCommand,
  type HostReport,
  type JsonValue,
  type SessionId,
  type WorkerLink,
  type WorkerOffer,
} from "@millrace/protocol";
import type { Node } from "../runtime/node.ts";

/** By key of what has settled; `begin` and `stop` are there too. */
export type Script = Readonly<Record<string, readonly CodeRequest[]>>;

export interface ScriptedHostOptions {
  readonly script: Script;
  /** By key. Default: the body returns its key. `undefined`: it never ends. */
  readonly bodies?: Readonly<Record<string, () => BodyResult | undefined>>;
  readonly offer?: Partial<WorkerOffer>;
  /** Default `order`, version `1`. */
  readonly version?: string;
}

const NO_RETRY = { retries: 0, initialDelayMs: 0, maxDelayMs: 0, factor: 1 } as const;

export const aRunRequest = (key: string): CodeRequest => ({
  kind: "run",
  key,
  retry: NO_RETRY,
  timeoutMs: 60_000,
});

export const aSleepRequest = (key: string, afterMs: number): CodeRequest => ({
  kind: "sleep",
  key,
  due: { afterMs },
});

export const anEventRequest = (
  key: string,
  event: string,
  timeoutMs: number | null = null,
  lookbackMs = 0,
): CodeRequest => ({ kind: "event", key, event, timeoutMs, lookbackMs });

export const anEnd = (output: JsonValue = null): CodeRequest => ({
  kind: "end",
  outcome: { status: "completed", output: asJsonText(JSON.stringify(output)) },
});

export class ScriptedHost {
  readonly tasks: CodeTask[] = [];
  readonly commands: HostCommand[] = [];
  lost: string | null = null;
  readonly #options: ScriptedHostOptions;
  #link: WorkerLink | undefined;
  readonly #asked = new Map<SessionId, Set<string>>();

  private constructor(options: ScriptedHostOptions) {
    this.#options = options;
  }

  static async attach(
    node: Pick<Node, "connect">,
    options: ScriptedHostOptions,
  ): Promise<ScriptedHost> {
    const host = new ScriptedHost(options);
    host.#link = await node.connect().worker.attach(
      {
        name: "scripted",
        workflows: [anOffer(options.version)],
        functions: [],
        slots: 100,
        labels: {},
        ...options.offer,
      },
      (commands) => {
        host.commands.push(...commands);
        for (const command of commands) host.#handle(command);
      },
      (error) => {
        host.lost = error.code;
      },
    );
    return host;
  }

  /** It is gone, with all its sessions. */
  async close(suspects?: readonly SessionId[]): Promise<void> {
    await this.#link?.close(suspects);
  }

  async drain(): Promise<void> {
    await this.#link?.drain();
  }

  say(...reports: HostReport[]): void {
    void this.#link?.report(reports);
  }

  #handle(command: HostCommand): void {
    switch (command.type) {
      case "open":
        this.#open(command.session, command.task);
        return;
      case "tell": {
        const { session, settlement } = command;
        this.#ask(session, settlement.key, settlement.sequence);
        this.say({ type: "idle", session, sequence: settlement.sequence });
        return;
      }
      case "stop": {
        const { session, notice } = command;
        this.#ask(session, "stop", notice.sequence);
        this.say({ type: "idle", session, sequence: notice.sequence });
        return;
      }
      case "attempt": {
        const { session, key, attempt } = command;
        const body = this.#options.bodies?.[key];
        const result: BodyResult | undefined =
          body === undefined ? { ok: true, output: asJsonText(JSON.stringify(key)) } : body();
        if (result !== undefined) this.say({ type: "attempted", session, key, attempt, result });
        return;
      }
      case "call": {
        const { call, task } = command;
        this.say({ type: "called", call, result: { ok: true, output: task.input } });
        return;
      }
      case "abort":
      case "abort-call":
      case "close":
        return;
    }
  }

  #open(session: SessionId, task: CodeTask): void {
    this.tasks.push(task);
    this.#asked.set(session, new Set(task.settled.map(({ key }) => key)));
    this.#ask(session, "begin", 0);
    for (const { key, sequence } of task.settled) this.#ask(session, key, sequence);
    if (task.stop !== null) this.#ask(session, "stop", task.stop.sequence);
    const sequence = Math.max(task.settled.at(-1)?.sequence ?? 0, task.stop?.sequence ?? 0);
    this.say({ type: "idle", session, sequence });
  }

  #ask(session: SessionId, after: string, position: number): void {
    const asked = this.#asked.get(session);
    const wanted = (this.#options.script[after] ?? []).filter(
      (request) => request.kind === "end" || asked?.has(request.key) !== true,
    );
    if (wanted.length > 0) this.say({ type: "asked", session, position, requests: wanted });
  }
}

export const anOffer = (version = "1", name = "order"): WorkerOffer["workflows"][number] => ({
  name,
  version,
  inputSchema: null,
  outputSchema: null,
  timeoutMs: null,
});
