// The store as one simulated node sees it: over a network that is slow, loses requests and replies, and delivers
// some twice; and a server that is full, restarts, and loses transactions. What was sent goes on after its sender
// has died.
import {
  MillraceError,
  toTimestamp,
  type NodeId,
  type Shard,
  type Timestamp,
} from "@millrace/protocol";
import type { Catalog } from "../storage/catalog.ts";
import type { MemoryStorage } from "../storage/memory/memory-storage.ts";
import type {
  Answers,
  CommitOutcome,
  Due,
  DueRun,
  Held,
  Hints,
  Lane,
  NodeDescription,
  Pulse,
  Query,
  Reaped,
  ReapRequest,
  Storage,
  Unit,
} from "../storage/storage.ts";
import type { Checker } from "./checker.ts";
import type { Tally } from "./faults.ts";
import type { Random } from "./random.ts";
import { createSimHints } from "./sim-hints.ts";
import {
  commitAsZombie,
  plantInHeld,
  plantInPulse,
  plantInUnits,
  rewriteEnd,
  rewriteJournal,
  type StoragePlant,
} from "./sim-plants.ts";
import { isRejected, unavailable, type Weather } from "./weather.ts";
import type { Host, World } from "./world.ts";

export interface SimStorageOptions {
  readonly world: World;
  readonly host: Host;
  readonly store: MemoryStorage;
  readonly lanes: number;
  readonly checker: Checker;
  readonly weather: Weather;
  readonly tally: Tally;
  readonly plant: StoragePlant | undefined;
}

/** Between two passes of the plant `late-reaping`. */
const LATE_REAPING_MS = 40_000;

export class SimStorage implements Storage {
  readonly #options: SimStorageOptions;
  readonly #random: Random;
  readonly #wakeListeners = new Set<() => void>();
  #reapedAt = -Infinity;
  /** As it joined last; null: it has not. */
  nodeId: NodeId | null = null;
  readonly hints: Hints;

  constructor(options: SimStorageOptions) {
    this.#options = options;
    this.#random = options.world.random.fork();
    const { store } = options;
    this.hints = createSimHints({ ...options, hints: store.hints, random: this.#random.fork() });
  }

  get lanes(): number {
    return this.#options.plant === "one-lane" ? 1 : this.#options.lanes;
  }

  get leaseMs(): number {
    return this.#options.store.leaseMs;
  }

  get catalog(): Catalog {
    const { catalog } = this.#options.store;
    return {
      put: (puts, audit) => this.#call("put", puts, () => catalog.put(puts, audit)),
      get: (tenant, kind, id) => this.#call("get", id, () => catalog.get(tenant, kind, id)),
      list: (tenant, kind, after, limit) =>
        this.#call("list", kind, () => catalog.list(tenant, kind, after, limit)),
      delete: (tenant, kind, id, revision, audit) =>
        this.#call("delete", id, () => catalog.delete(tenant, kind, id, revision, audit)),
    };
  }

  migrate(): Promise<void> {
    return this.#call("migrate", null, () => this.#options.store.migrate());
  }

  async join(node: NodeDescription): Promise<Timestamp> {
    const { store, tally } = this.#options;
    if (this.nodeId !== null) tally.note("node-declared-dead-and-back");
    const now = await this.#call("join", node, () => store.join(node));
    // One that is applied late, or again, says nothing of who the node is now.
    this.nodeId = node.id;
    return this.#toTime(now);
  }

  async beat(node: NodeId): Promise<Pulse> {
    const { store, plant } = this.#options;
    const pulse = await this.#call("beat", node, () => store.beat(node));
    return plantInPulse(plant, { ...pulse, now: this.#toTime(pulse.now) });
  }

  async reap(request?: ReapRequest): Promise<Reaped> {
    const { store, checker, plant, world } = this.#options;
    const reaped = await this.#call("reap", null, async () => {
      if (plant === "end-rewritten") rewriteEnd(store);
      const isLate = plant === "late-reaping" && world.now - this.#reapedAt < LATE_REAPING_MS;
      if (plant === "never-reaped" || isLate) return { freed: 0, pruned: 0, isMore: false };
      this.#reapedAt = world.now;
      const reaped = await store.reap(request);
      checker.watchAll();
      return reaped;
    });
    if (reaped.freed > 0) this.#wake();
    return reaped;
  }

  async commit(lane: Lane, node: NodeId, sent: readonly Unit[]): Promise<readonly CommitOutcome[]> {
    const { plant, world, host, weather, tally } = this.#options;
    const units = plantInUnits(plant, sent);
    const apply = (): Promise<readonly CommitOutcome[]> => this.#apply(lane, node, units);
    if (plant === "ack-before-commit") {
      // What a store does that answers from a buffer: a crash loses what the buffer held.
      world.after(this.#wayMs() * 5, host, () => void apply().catch(() => undefined));
      return this.#call("commit", [node, units], async () =>
        units.map(() => ({ kind: "done" }) as const),
      );
    }
    // What was applied may be applied again, late: a repeat whose first answer was slow.
    const again = this.#random.chance(weather.doubled) ? this.#random.between(100, 20_000) : null;
    const outcomes = await this.#call("commit", [node, units], async () => {
      const told = await apply();
      if (again !== null) {
        tally.note("commit-applied-twice");
        this.#applyLate(again, apply);
      }
      return told;
    });
    this.#wake();
    return outcomes;
  }

  findDue(shards: readonly Shard[] | null, limit: number): Promise<Due> {
    return this.#call("findDue", limit, () => this.#options.store.findDue(shards, limit));
  }

  take(node: NodeId, due: readonly DueRun[]): Promise<readonly Held[]> {
    const { store, checker, plant } = this.#options;
    return this.#call("take", [node, due], async () => {
      const held = await store.take(node, due);
      const told = held.map((one) => plantInHeld(plant, store, one));
      checker.watchTake(node, told);
      return told;
    });
  }

  read<K extends Query["kind"]>(query: Extract<Query, { kind: K }>): Promise<Answers[K]> {
    return this.#call("read", query, () => this.#options.store.read(query));
  }

  /** Of what this node itself writes. Words of other nodes are hints. */
  onWake(listener: () => void): () => void {
    this.#wakeListeners.add(listener);
    return () => this.#wakeListeners.delete(listener);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #wake(): void {
    for (const listener of this.#wakeListeners) listener();
  }

  #toTime(now: Timestamp): Timestamp {
    const { plant, host, world } = this.#options;
    return plant === "own-clock" ? toTimestamp(world.now + host.wallOffMs) : now;
  }

  /** At the server. */
  async #apply(
    lane: Lane,
    node: NodeId,
    units: readonly Unit[],
  ): Promise<readonly CommitOutcome[]> {
    const { store, checker, plant } = this.#options;
    this.#refuse(lane, units);
    const outcomes = await checker.watchCommit({ lane, node, units }, () =>
      plant === "zombie-writes"
        ? commitAsZombie(store, lane, node, units)
        : store.commit(lane, node, units),
    );
    if (plant === "journal-rewritten") {
      for (const unit of units) if (unit.kind === "run") rewriteJournal(store, unit.ref.runId);
    }
    return outcomes;
  }

  /** @throws {MillraceError} nothing is written */
  #refuse(lane: Lane, units: readonly Unit[]): void {
    const { weather, tally } = this.#options;
    if (weather.lostLane === lane) {
      tally.note("lane-failed");
      throw unavailable();
    }
    if (this.#random.chance(weather.conflicts)) {
      tally.note("serialization-failure");
      throw unavailable();
    }
    if (weather.full) {
      tally.note("store-full");
      throw new MillraceError("storage.full");
    }
    if (units.some((unit) => isRejected(unit, weather))) {
      tally.note("unit-rejected");
      throw new MillraceError("storage.rejected", "The store does not take one of the units");
    }
  }

  /** There, done, and back; each way takes its time and may fail. */
  #call<T>(what: string, asked: unknown, apply: () => Promise<T>): Promise<T> {
    const { world, host, weather, tally } = this.#options;
    const say = (how: string, value: unknown): void => {
      // Only for a listener: it costs more than all the rest.
      if (world.listener === null) return;
      world.say(`${host.name} ${what} ${how} ${JSON.stringify(value)}`);
    };
    return new Promise((resolve, reject) => {
      const giveUp = (afterMs: number): void => {
        world.after(afterMs, host, () => reject(unavailable()));
      };
      const fail = (error: unknown): void => {
        say("fails", String(error));
        world.after(this.#wayMs(), host, () =>
          reject(error instanceof Error ? error : new Error(String(error))),
        );
      };
      // The request belongs to nobody once it is sent.
      world.after(this.#wayMs(), null, () => {
        if (weather.down) {
          tally.note("store-refused-a-call");
          giveUp(this.#wayMs());
        } else if (this.#random.chance(weather.lossy)) {
          giveUp(this.#random.between(50, 2_000));
          this.#loseRequest(say, asked, apply);
        } else {
          say("arrives", asked);
          apply().then((value) => {
            const isLost = this.#random.chance(weather.lossy) || weather.down;
            say(isLost ? "is answered, which is lost" : "is answered", value);
            if (isLost) tally.note("answer-lost");
            if (isLost) giveUp(this.#random.between(50, 2_000));
            else world.after(this.#wayMs(), host, () => resolve(value));
          }, fail);
        }
      });
    });
  }

  #loseRequest<T>(
    say: (how: string, value: unknown) => void,
    asked: unknown,
    apply: () => Promise<T>,
  ): void {
    const { tally } = this.#options;
    if (this.#random.chance(0.5)) {
      tally.note("request-lost");
      say("never arrives", asked);
      return;
    }
    // Its sender has given it up when it arrives.
    tally.note("request-late");
    say("arrives late", asked);
    this.#applyLate(this.#random.between(100, 8_000), apply);
  }

  /** Nobody waits for the answer. */
  #applyLate<T>(delayMs: number, apply: () => Promise<T>): void {
    const { world, weather } = this.#options;
    weather.lateUntil = Math.max(weather.lateUntil, world.now + delayMs);
    world.after(delayMs, null, () => void apply().catch(() => undefined));
  }

  #wayMs(): number {
    const { weather } = this.#options;
    // Mostly quick, now and then as slow as it gets.
    return this.#random.chance(0.05)
      ? this.#random.between(0, weather.slowest)
      : this.#random.fraction() * 2;
  }
}
