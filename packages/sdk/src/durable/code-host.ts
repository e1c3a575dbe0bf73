// Executes code runs: one session for each residence, and functions that JSON workflows call.
//
// It holds nothing that a `CodeTask` could not make anew (H4 of the protocol), and knows neither time nor store.
import {
  engineFailure,
  fromJsonText,
  MillraceError,
  type CodeTask,
  type FunctionTask,
  type HostCommand,
  type HostReport,
  type SessionId,
  type StepFunctions,
  type WorkflowOffer,
} from "@millrace/protocol";
import { defaultPorts, type HostPorts } from "./host-ports.ts";
import { LivingBodies } from "./living-bodies.ts";
import { Outbox } from "./outbox.ts";
import type { Difference } from "./replay-guide.ts";
import { toJsonSchema } from "./schema.ts";
import { Session } from "./session.ts";
import type { AnyWorkflow } from "./workflow.ts";

export interface CodeHostOptions {
  /** Several versions of one name may stand side by side. */
  readonly workflows: readonly AnyWorkflow[];
  /** For `function` steps of JSON workflows, by name. */
  readonly functions?: StepFunctions;
  /** In order; called in a microtask of its own, never from within `handle`. */
  readonly report: (reports: readonly HostReport[]) => void;
  /** Most operations that a run may ask for while none settles; beyond that it fails. Default: 10,000. */
  readonly maxUnsettled?: number;
  readonly ports?: Partial<HostPorts>;
  /** For checks: told of a difference in its parts, before it is reported. */
  readonly onDifference?: (session: SessionId, difference: Difference) => void;
}

const DEFAULT_MAX_UNSETTLED = 10_000;

export class CodeHost {
  readonly #workflows = new Map<string, AnyWorkflow>();
  readonly #functions: StepFunctions;
  readonly #outbox: Outbox;
  readonly #ports: HostPorts;
  readonly #maxUnsettled: number;
  readonly #sessions = new Map<SessionId, Session>();
  readonly #calls: LivingBodies;
  readonly #onDifference: CodeHostOptions["onDifference"];
  #idle: (() => void)[] = [];

  /** @throws {MillraceError} option.invalid: two workflows have one name and version */
  constructor(options: CodeHostOptions) {
    for (const workflow of options.workflows) {
      const place = placeOf(workflow.name, workflow.settings.version);
      if (this.#workflows.has(place)) {
        const message = `Two workflows are named ${workflow.name} and have version ${workflow.settings.version}`;
        throw new MillraceError("option.invalid", message);
      }
      this.#workflows.set(place, workflow);
    }
    this.#functions = options.functions ?? {};
    this.#outbox = new Outbox(options.report);
    this.#ports = { ...defaultPorts(), ...options.ports };
    this.#maxUnsettled = options.maxUnsettled ?? DEFAULT_MAX_UNSETTLED;
    this.#calls = new LivingBodies(null);
    this.#onDifference = options.onDifference;
  }

  /** Open ones; a slot each. */
  get sessions(): number {
    return this.#sessions.size;
  }

  get functionNames(): readonly string[] {
    return Object.keys(this.#functions);
  }

  offers(): readonly WorkflowOffer[] {
    return [...this.#workflows.values()].map(toOffer);
  }

  handle(commands: readonly HostCommand[]): void {
    for (const command of commands) this.#obey(command);
  }

  /** When no session is open and no function runs. */
  idle(): Promise<void> {
    if (this.#isIdle()) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  /** Bodies are told to stop; nothing is reported any more. */
  close(reason = "The host is closing"): void {
    this.#outbox.close();
    for (const id of this.#sessions.keys()) this.#close(id, reason);
    this.#calls.abortAll(reason);
  }

  #obey(command: HostCommand): void {
    switch (command.type) {
      case "open":
        return this.#open(command.session, command.task);
      case "tell":
        return this.#sessions.get(command.session)?.tell(command.settlement);
      case "stop":
        return this.#sessions.get(command.session)?.stop(command.notice);
      case "attempt":
        return void this.#sessions.get(command.session)?.attempt(command.key, command.attempt);
      case "abort":
        return this.#abortBody(command);
      case "close":
        return this.#close(command.session, command.reason);
      case "call":
        return void this.#call(command.call, command.task);
      case "abort-call":
        return this.#calls.abort(command.call, command.reason);
    }
  }

  #abortBody({ session, key, attempt, reason }: Extract<HostCommand, { type: "abort" }>): void {
    this.#sessions.get(session)?.abortBody(key, attempt, reason);
  }

  #open(id: SessionId, task: CodeTask): void {
    const workflow = this.#workflows.get(placeOf(task.workflow, task.version));
    if (workflow === undefined) {
      const message = `This host has no workflow ${task.workflow} of version ${task.version}`;
      this.#outbox.say({ type: "diverged", session: id, step: null, message });
      return;
    }
    const session = new Session({
      workflow,
      task,
      ports: this.#ports,
      maxUnsettled: this.#maxUnsettled,
      sink: this.#outbox.sinkOf(id),
      onDifference: (difference) => this.#onDifference?.(id, difference),
    });
    this.#sessions.set(id, session);
    session.begin();
  }

  #close(id: SessionId, reason: string): void {
    this.#sessions.get(id)?.close(reason);
    this.#sessions.delete(id);
    this.#outbox.forget(id);
    this.#wakeIdle();
  }

  async #call(call: string, task: FunctionTask): Promise<void> {
    const { step, attempt, target, runId } = task;
    const fn = Object.hasOwn(this.#functions, target) ? this.#functions[target] : undefined;
    if (fn === undefined) {
      const message = `This worker has no function ${JSON.stringify(target)}`;
      const more = { step, attempt };
      const failure = engineFailure("function.not-found", message, "definition", more);
      const result = { ok: false, failure, retryAfterMs: null, terminal: true } as const;
      this.#outbox.say({ type: "called", call, result });
      return;
    }
    const result = await this.#calls.run({ place: call, step, attempt }, (abort) =>
      // The author declares the input that the definition sends.
      fn(fromJsonText(task.input) as never, {
        runId,
        step,
        attempt,
        idempotencyKey: `${runId}/${step}`,
        input: fromJsonText(task.runInput),
        get signal() {
          return abort.signal;
        },
      }),
    );
    this.#outbox.say({ type: "called", call, result });
    this.#wakeIdle();
  }

  #isIdle(): boolean {
    return this.#sessions.size === 0 && this.#calls.count === 0;
  }

  #wakeIdle(): void {
    if (this.#isIdle()) for (const wake of this.#idle.splice(0)) wake();
  }
}

const placeOf = (name: string, version: string): string => JSON.stringify([name, version]);

function toOffer({ name, input, output, settings }: AnyWorkflow): WorkflowOffer {
  const { version, description, timeoutMs, retentionMs, metadata } = settings;
  return {
    name,
    version,
    ...(description === null ? {} : { description }),
    inputSchema: toJsonSchema(input, "input"),
    outputSchema: toJsonSchema(output, "output"),
    timeoutMs,
    ...(retentionMs === null ? {} : { retentionMs }),
    metadata,
  };
}
