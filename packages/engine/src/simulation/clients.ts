// Those who use the cluster: they start runs, wait for them, and meddle with them while they move.
import {
  asJsonText,
  DEFAULT_TENANT,
  type JsonText,
  type RunId,
  type RunStatus,
} from "@millrace/protocol";
import type { Actor, StartRequest } from "../runtime/commands.ts";
import type { RunRow } from "../storage/storage.ts";
import type { MemoryStorage } from "../storage/memory/memory-storage.ts";
import type { Caller } from "./caller.ts";
import type { Checker } from "./checker.ts";
import type { Climate } from "./climate.ts";
import type { Fault, Tally } from "./faults.ts";
import type { Random } from "./random.ts";
import { EVENTS, HOUR_MS } from "./script.ts";
import type { World } from "./world.ts";

export interface ClientsOptions {
  readonly world: World;
  readonly store: MemoryStorage;
  readonly caller: Caller;
  readonly checker: Checker;
  readonly tally: Tally;
  readonly climate: Climate;
  readonly random: Random;
}

export const ACTOR: Actor = { key: null, address: null };
const EMPTY: JsonText = asJsonText("{}");
/** What somebody who looks after the cluster does, does it so often. */
const ROUND_MS = 30_000;
const BURST = 20;

export class Clients {
  readonly #options: ClientsOptions;
  #bursts = 0;

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /** So many starts, each by all who share its key, within that time. */
  start(count: number, workflows: readonly [string, ...string[]], withinMs: number): void {
    const { climate, random, caller } = this.#options;
    for (let i = 0; i < count; i++) {
      const workflow = random.pick(workflows);
      const name = this.#name(workflow);
      const rivals = climate.rivals > 1 && random.chance(0.4) ? climate.rivals : 1;
      const atMs = random.between(0, withinMs);
      for (let j = 0; j < rivals; j++)
        caller.run(() => this.#client({ key: `key-${i}`, workflow, name, atMs }, rivals > 1));
    }
  }

  /** All at once, and all due in the same instant. */
  startCrowd(count: number, workflow: string): void {
    for (let i = 0; i < count; i++)
      this.#options.caller.run(() =>
        this.#client({ key: `crowd-${i}`, workflow, name: null, atMs: i }, false),
      );
  }

  /** An event to all who wait for it at that moment. */
  publish(id: string, withinMs: number): void {
    const { world, random, caller } = this.#options;
    caller.run(async () => {
      await world.sleep(random.between(0, withinMs), null);
      await this.#publish(id);
    });
  }

  cancelMany(workflow: string, withinMs: number): void {
    const { world, random, caller, tally } = this.#options;
    caller.run(async () => {
      await world.sleep(random.between(0, withinMs), null);
      await caller.insist(async (node) => {
        const request = {
          tenant: DEFAULT_TENANT,
          filter: { workflow },
          reason: null,
          actor: ACTOR,
        };
        const { failed, isComplete } = await node.runs.cancelMatching(request);
        if (failed.length > 0 || !isComplete) throw new Error("some are left");
        tally.note("many-cancelled");
      });
    });
  }

  /** Cancels what too many processes died with and what sleeps for ever, and wakes what waits for ever. */
  lookAfter(): void {
    const { world, store, caller, tally } = this.#options;
    for (const row of store.tables.runs.values()) {
      const { waitingOn, id } = row;
      if (waitingOn?.kind === "quarantine") tally.note("run-quarantined");
      if (isEndless(row, world.storeNow)) caller.run(() => this.#cancel(id));
      if (waitingOn?.kind === "event" && waitingOn.until === null)
        caller.run(() => this.#signal(id, waitingOn.event));
    }
    world.after(ROUND_MS, null, () => this.lookAfter());
  }

  /** Few names, so that runs meet under them. */
  #name(workflow: string): string | null {
    const { climate, random } = this.#options;
    if (climate.names === 0 || random.chance(0.5)) return null;
    return `${workflow}-${random.between(1, climate.names)}`;
  }

  /** Starts a run until somebody says that it is started, perhaps meddles with it, and waits for its end. */
  async #client(
    {
      key,
      workflow,
      name,
      atMs,
    }: { key: string; workflow: string; name: string | null; atMs: number },
    isRival: boolean,
  ): Promise<void> {
    const { world, checker, caller, tally, random, climate } = this.#options;
    await world.sleep(isRival ? atMs + random.between(0, 5) : atMs, null);
    const runId = await caller.insist(async (node) => {
      const request: StartRequest = {
        tenant: DEFAULT_TENANT,
        workflow,
        input: EMPTY,
        actor: ACTOR,
        idempotencyKey: key,
        ...(name === null ? {} : { name, onNameConflict: "existing" }),
      };
      const [outcome] = await node.startRuns([request]);
      if (outcome === undefined || outcome.kind === "rejected")
        throw outcome?.error ?? new Error("no outcome");
      if (isRival && outcome.kind === "existing") tally.note("key-shared");
      return outcome.runId;
    });
    if (name !== null) checker.nameAcknowledged(name, runId);
    const isOwn = name === null || checker.madeFor(runId) === key;
    if (!isOwn) tally.note("name-shared");
    // Who shares a name may be told of a run that another key has started.
    else checker.startAcknowledged(key, runId);
    if (random.chance(climate.meddling)) this.#meddle(runId);
    const status = await this.#awaitEnd(runId);
    world.note(`${key} ended`);
    if (isOwn && !isRival && status !== "completed" && random.chance(0.5))
      await this.#retry(`${key}-again`, runId);
  }

  #meddle(runId: RunId): void {
    const { random, caller, world } = this.#options;
    // The shortest: while the run is given up for the first time, so that the two cross.
    const soonMs = random.pick([5, 50, 2_000, 20_000]);
    const within = (part: () => Promise<void>): void =>
      caller.run(async () => {
        await world.sleep(random.between(0, soonMs), null);
        await part();
      });
    const kind = random.between(0, 5);
    if (kind <= 1) within(() => this.#cancel(runId));
    if (kind === 1) within(() => this.#cancel(runId));
    if (kind === 2 || kind === 3) within(() => this.#signal(runId, random.pick(EVENTS)));
    if (kind === 4) within(() => this.#burst(runId));
    if (kind === 5) within(() => this.#publish(`${runId}/${soonMs}`));
  }

  async #awaitEnd(runId: RunId): Promise<RunStatus> {
    const { caller, checker } = this.#options;
    return caller.insist(async (node) => {
      const run = await node.waitForRun(DEFAULT_TENANT, runId, { timeoutMs: 5_000 });
      if (run === null)
        checker.fail(`run ${runId} was acknowledged, but a reader does not find it`);
      else if (!("finishedAt" in run)) throw new Error("not yet");
      else checker.endSeen(runId, JSON.stringify([run.status, run.finishedAt]));
      return run?.status ?? "failed";
    });
  }

  /** Goes on with what failed, once, and waits for the end of that. */
  async #retry(key: string, failed: RunId): Promise<void> {
    const { caller, checker, tally, world } = this.#options;
    const runId = await caller.insist(async (node) => {
      const request = { tenant: DEFAULT_TENANT, runId: failed, actor: ACTOR, idempotencyKey: key };
      const [outcome] = await node.runs.retry([request]);
      if (outcome === undefined || outcome.kind === "rejected")
        throw outcome?.error ?? new Error("no outcome");
      return outcome.runId;
    });
    tally.note("run-retried");
    checker.startAcknowledged(key, runId);
    await this.#awaitEnd(runId);
    world.note(`${key} ended`);
  }

  async #signal(runId: RunId, name: string): Promise<void> {
    const { random } = this.#options;
    await this.#send(runId, [{ name, id: `signal-${random.between(0, 1_000_000)}` }]);
  }

  /** Many in one call, and all of them a second time. */
  async #burst(runId: RunId): Promise<void> {
    const { tally, random } = this.#options;
    this.#bursts += 1;
    const burst = this.#bursts;
    const signals = Array.from({ length: BURST }, (_, i) => ({
      name: random.pick(EVENTS),
      id: `burst-${burst}-${i}`,
    }));
    await this.#send(runId, signals);
    tally.note("signals-in-a-burst");
    await this.#send(runId, signals);
    tally.note("signal-repeated");
  }

  async #send(
    runId: RunId,
    signals: readonly { readonly name: string; readonly id: string }[],
  ): Promise<void> {
    const { caller, checker, tally } = this.#options;
    await caller.insist(async (node) => {
      const requests = signals.map((signal) => ({ ...signal, runId, data: EMPTY }));
      const outcomes = await node.events.signal(DEFAULT_TENANT, requests, ACTOR);
      for (const outcome of outcomes) {
        if (outcome.kind !== "rejected") checker.signalAcknowledged(runId, outcome.id);
        else if (outcome.error.code !== "run.finished") throw outcome.error;
        else tally.note("signal-after-the-end");
      }
    });
  }

  async #publish(id: string): Promise<void> {
    const { random, caller } = this.#options;
    const name = random.pick(EVENTS);
    await caller.insist(async (node) => {
      const event = { name, data: EMPTY, id };
      const [outcome] = await node.events.publish(DEFAULT_TENANT, [event], ACTOR);
      if (outcome?.kind === "rejected") throw outcome.error;
    });
  }

  async #cancel(runId: RunId): Promise<void> {
    const { caller, checker, tally, store } = this.#options;
    await caller.insist(async (node) => {
      const row = store.tables.runs.get(runId);
      const request = { tenant: DEFAULT_TENANT, runId, reason: null, actor: ACTOR };
      const [outcome] = await node.cancelRuns([request]);
      if (outcome?.kind === "requested") {
        tally.note("cancelled-in-time");
        if (row !== undefined) tally.note(stateOf(row));
        if (row !== undefined && row.cancelRequestedAt !== null) tally.note("cancelled-twice");
        checker.cancelAcknowledged(runId);
      } else if (outcome?.error.code === "run.finished") {
        tally.note("cancelled-too-late");
      } else {
        throw outcome?.error ?? new Error("no outcome");
      }
    });
  }
}

/** Nothing that happens by itself would end it. */
function isEndless({ waitingOn }: RunRow, now: number): boolean {
  if (waitingOn?.kind === "quarantine") return true;
  return waitingOn?.kind === "timer" && waitingOn.until > now + 24 * HOUR_MS;
}

function stateOf({ waitingOn, status }: RunRow): Fault {
  switch (waitingOn?.kind) {
    case "timer":
      return "cancelled-while-it-slept";
    case "event":
      return "cancelled-while-it-waited";
    case "retry":
      return "cancelled-before-a-retry";
    case "child":
      return "cancelled-with-its-child";
    default:
      return status === "pending" ? "cancelled-before-its-first-step" : "cancelled-while-moving";
  }
}
