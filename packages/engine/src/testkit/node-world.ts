// One virtual clock, one store in memory, and the nodes that a test opens on them. A node may be killed in the
// middle of whatever it does; what it sent before arrives, and nothing reaches it any more. As with a store on a
// server, a node is woken by its own commits only; of others it hears by hints.
import {
  asJsonText,
  DEFAULT_LIMITS,
  DEFAULT_TENANT,
  toTimestamp,
  type Actions,
  type FunctionCaller,
  type JsonValue,
  type Limits,
  type RandomSource,
  type Run,
  type RunId,
  type Timestamp,
} from "@millrace/protocol";
import { graphPrograms } from "../steps/graph-programs.ts";
import { createMemoryStorage, type MemoryStorage } from "../storage/memory/memory-storage.ts";
import type { Storage } from "../storage/storage.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Actor, CancelOutcome, StartOutcome, StartRequest } from "../runtime/commands.ts";
import type { Log } from "../runtime/log.ts";
import { Node } from "../runtime/node.ts";
import type { ProgramKind } from "../runtime/program-kind.ts";
import { toRetention, type RetentionOptions } from "../runtime/retention.ts";
import type { StepFunctions } from "../runtime/step-function.ts";
import { whileAlive } from "../simulation/mortal-storage.ts";
import { VirtualClock } from "./virtual-clock.ts";

/** What the store's clock shows when a world begins. */
export const WORLD_START: Timestamp = toTimestamp(1_800_000_000_000);
export const ACTOR: Actor = { key: "key_test", address: "192.0.2.1" };

export interface MemberOptions {
  readonly functions?: StepFunctions;
  readonly actions?: Actions;
  readonly callFunction?: FunctionCaller;
  readonly limits?: Partial<Limits>;
  readonly maxResidentRuns?: number;
  readonly retention?: RetentionOptions;
  readonly startsPaused?: boolean;
  readonly programs?: ProgramKind;
  /** What the node sees of the world's store. Default: the store itself. */
  readonly storage?: Storage;
}

/** A line that a node has logged. */
export interface Logged {
  readonly level: keyof Log;
  readonly fields: object;
  readonly message: string;
}

export interface Member {
  readonly node: Node;
  readonly logged: Logged[];
  /** At this moment: its timers never fire, its calls are never answered. */
  kill(): void;
  /** Lets bodies go on for `graceMs`, then hands over. Moves time if it must. */
  stop(graceMs?: number): Promise<void>;
}

export class NodeWorld implements AsyncDisposable {
  readonly clock: VirtualClock = new VirtualClock();
  readonly store: MemoryStorage;
  readonly random: RandomSource = aSource();
  readonly #members: Member[] = [];
  readonly #carry: (arrive: () => void) => void;

  /** @param options `hints` false: every hint of the store is lost, so nodes find things by looking */
  constructor({ hints = true }: { readonly hints?: boolean } = {}) {
    this.#carry = hints ? (arrive) => arrive() : () => undefined;
    this.store = createMemoryStorage({ now: () => this.now(), hint: this.#carry });
  }

  now(): Timestamp {
    return toTimestamp(WORLD_START + this.clock.monotonicMs());
  }

  /** Opens a node that has joined and works. */
  async open(options: MemberOptions = {}): Promise<Member> {
    const member = this.prepare(options);
    await this.clock.run(member.node.start());
    return member;
  }

  /** Opens a node that has not been started. */
  prepare(options: MemberOptions = {}): Member {
    const logged: Logged[] = [];
    const life = new AbortController();
    const node = new Node({
      storage: whileAlive(options.storage ?? this.store, life.signal, this.#carry),
      functions: options.functions ?? {},
      actions: options.actions ?? {},
      ...(options.callFunction === undefined ? {} : { callFunction: options.callFunction }),
      limits: { ...DEFAULT_LIMITS, ...options.limits },
      log: logInto(logged),
      maxResidentRuns: options.maxResidentRuns ?? 1_000,
      retention: toRetention(options.retention ?? {}),
      startsPaused: options.startsPaused ?? false,
      clock: clockWhileAlive(this.clock, life.signal),
      random: this.random,
      programs: options.programs ?? graphPrograms,
      host: { name: "test-host", pid: this.#members.length + 1 },
    });
    const member: Member = {
      node,
      logged,
      kill: () => life.abort(),
      stop: async (graceMs = 0) => {
        if (!life.signal.aborted) await this.clock.run(node.stop({ graceMs }));
      },
    };
    this.#members.push(member);
    return member;
  }

  /** Creates and activates a workflow with these steps. @returns its id */
  async install(
    { node }: Member,
    steps: readonly JsonValue[],
    more: Readonly<Record<string, JsonValue>> = {},
  ): Promise<string> {
    const definition: JsonValue = { name: "Test", steps, ...more };
    const { workflow } = await node.createWorkflow({
      tenant: DEFAULT_TENANT,
      definition,
      id: null,
      actor: ACTOR,
    });
    await node.activateWorkflow(DEFAULT_TENANT, workflow.id, ACTOR);
    return workflow.id;
  }

  /** @throws if the run was not created */
  async start(member: Member, workflow: string, more: Partial<StartRequest> = {}): Promise<RunId> {
    const outcome = await this.tryStart(member, workflow, more);
    if (outcome.kind !== "created") throw new Error(`not created: ${JSON.stringify(outcome)}`);
    return outcome.runId;
  }

  async tryStart(
    { node }: Member,
    workflow: string,
    more: Partial<StartRequest> = {},
  ): Promise<StartOutcome> {
    const request = aStartRequest(workflow, more);
    const [outcome] = await this.clock.run(node.startRuns([request]));
    if (outcome === undefined) throw new Error("no outcome");
    return outcome;
  }

  async cancel({ node }: Member, runId: RunId): Promise<CancelOutcome> {
    const request = { tenant: DEFAULT_TENANT, runId, reason: null, actor: ACTOR };
    const [outcome] = await this.clock.run(node.cancelRuns([request]));
    if (outcome === undefined) throw new Error("no outcome");
    return outcome;
  }

  /** As a reader sees it now. */
  async get({ node }: Member, runId: RunId): Promise<Run> {
    const run = await node.getRun(DEFAULT_TENANT, runId);
    if (run === null) throw new Error(`there is no run ${runId}`);
    return run;
  }

  /** Moves time until the run has ended. */
  async ended({ node }: Member, runId: RunId, timeoutMs: number = 10 * 60_000): Promise<Run> {
    const run = await this.clock.run(node.waitForRun(DEFAULT_TENANT, runId, { timeoutMs }));
    if (run === null || !("finishedAt" in run)) {
      throw new Error(`run ${runId} has not ended: ${JSON.stringify(run)}`);
    }
    return run;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const member of this.#members) await member.stop();
  }
}

export function aStartRequest(workflow: string, more: Partial<StartRequest> = {}): StartRequest {
  return { tenant: DEFAULT_TENANT, workflow, input: asJsonText("{}"), actor: ACTOR, ...more };
}

/** `{ id, type: "function", function: id }`: a step that calls the function of its own name. */
export const aCallStep = (
  id: string,
  more: Readonly<Record<string, JsonValue>> = {},
): JsonValue => ({ id, type: "function", function: id, ...more });

export const aWaitStep = (id: string, durationMs: number): JsonValue => ({
  id,
  type: "wait",
  config: { duration: durationMs },
});

export const aChildStep = (id: string, workflow: string): JsonValue => ({
  id,
  type: "subworkflow",
  config: { workflow },
});

/** Draws that differ from each other and are the same in every run of a test. */
function aSource(): RandomSource {
  let drawn = 1;
  return () => (drawn = Math.imul(drawn ^ (drawn >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
}

function logInto(logged: Logged[]): Log {
  const at =
    (level: keyof Log) =>
    (fields: object, message: string): void => {
      logged.push({ level, fields, message });
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function clockWhileAlive(clock: Clock, life: AbortSignal): Clock {
  const ifAlive = (run: () => void) => (): void => {
    if (!life.aborted) run();
  };
  return {
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (delayMs, fire) => clock.setTimer(delayMs, ifAlive(fire)),
    soon: (turn) => clock.soon(ifAlive(turn)),
  };
}
