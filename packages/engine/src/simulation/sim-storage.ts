// The store as one simulated node sees it: over a network that is slow, loses requests and replies, and delivers
// some twice. What was sent goes on after its sender has died.
import { MillraceError, type NodeId, type Shard, type Timestamp } from "@millrace/protocol";
import type { Catalog } from "../storage/catalog.ts";
import type {
  Answers,
  CommitOutcome,
  Due,
  DueRun,
  Held,
  Lane,
  NodeDescription,
  Query,
  Storage,
  Unit,
} from "../storage/storage.ts";
import type { Checker } from "./checker.ts";
import type { Random } from "./random.ts";
import type { Host, World } from "./world.ts";

/** Mistakes that a simulation must find; made here because each is a lie that a node could be told. */
export const STORAGE_PLANTS = ["ack-before-commit", "replay-out-of-order"] as const;
export type StoragePlant = (typeof STORAGE_PLANTS)[number];

export interface Weather {
  /** Probability that a request or its reply is lost. */
  lossy: number;
  /** Probability that a commit arrives a second time, some time later. */
  doubled: number;
  /** Longest way of a request or reply, in ms. */
  slowest: number;
  /** Commits are refused with `storage.full`. */
  full: boolean;
}

export interface SimStorageOptions {
  readonly world: World;
  readonly host: Host;
  readonly store: Storage;
  readonly checker: Checker;
  readonly weather: Weather;
  readonly plant: StoragePlant | undefined;
}

export class SimStorage implements Storage {
  readonly lanes = 1;
  readonly #options: SimStorageOptions;
  readonly #random: Random;

  constructor(options: SimStorageOptions) {
    this.#options = options;
    this.#random = options.world.random.fork();
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

  join(node: NodeDescription): Promise<Timestamp> {
    return this.#call("join", node, () => this.#options.store.join(node));
  }

  beat(node: NodeId): Promise<Timestamp> {
    return this.#call("beat", node, () => this.#options.store.beat(node));
  }

  reap(): Promise<number> {
    return this.#call("reap", null, () => this.#options.store.reap());
  }

  commit(lane: Lane, node: NodeId, units: readonly Unit[]): Promise<readonly CommitOutcome[]> {
    const { store, checker, weather, plant, world, host } = this.#options;
    const apply = (): Promise<readonly CommitOutcome[]> => {
      if (weather.full) return Promise.reject(new MillraceError("storage.full"));
      return checker.watchCommit(node, units, () => store.commit(lane, node, units));
    };
    if (plant === "ack-before-commit") {
      // What a store does that answers from a buffer: a crash loses what the buffer held.
      world.after(this.#wayMs() * 5, host, () => void apply().catch(() => undefined));
      return this.#call("commit", [node, units], async () =>
        units.map(() => ({ kind: "done" }) as const),
      );
    }
    // What was applied may be applied again, late: a repeat whose first answer was slow.
    const again = this.#random.chance(weather.doubled) ? this.#random.between(100, 20_000) : null;
    const twice = async (): Promise<readonly CommitOutcome[]> => {
      const outcomes = await apply();
      if (again !== null) world.after(again, null, () => void apply().catch(() => undefined));
      return outcomes;
    };
    return this.#call("commit", [node, units], twice);
  }

  findDue(shards: readonly Shard[] | null, limit: number): Promise<Due> {
    return this.#call("findDue", limit, () => this.#options.store.findDue(shards, limit));
  }

  async take(node: NodeId, due: readonly DueRun[]): Promise<readonly Held[]> {
    const held = await this.#call("take", [node, due], () => this.#options.store.take(node, due));
    return this.#options.plant === "replay-out-of-order" ? held.map(misorder) : held;
  }

  read<K extends Query["kind"]>(query: Extract<Query, { kind: K }>): Promise<Answers[K]> {
    return this.#call("read", query, () => this.#options.store.read(query));
  }

  onWake(listener: () => void): () => void {
    return this.#options.store.onWake(() => {
      if (this.#random.chance(this.#options.weather.lossy)) return;
      this.#options.world.after(this.#wayMs(), this.#options.host, listener);
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** There, done, and back; each way takes its time and may fail. */
  #call<T>(what: string, asked: unknown, apply: () => Promise<T>): Promise<T> {
    const { world, host, weather } = this.#options;
    const say = (how: string, value: unknown): void =>
      world.listener?.(
        `${world.now.toFixed(3)} ${host.name} ${what} ${how} ${JSON.stringify(value)}`,
      );
    return new Promise((resolve, reject) => {
      const lost = (): void => {
        world.after(this.#random.between(50, 2_000), host, () =>
          reject(new MillraceError("storage.unavailable")),
        );
      };
      // The request belongs to nobody once it is sent.
      world.after(this.#wayMs(), null, () => {
        if (this.#random.chance(weather.lossy)) {
          lost();
          if (this.#random.chance(0.5)) {
            say("never arrives", asked);
            return;
          }
          // Its sender has given it up when it arrives.
          say("arrives late", asked);
          world.after(
            this.#random.between(100, 8_000),
            null,
            () => void apply().catch(() => undefined),
          );
          return;
        }
        say("arrives", asked);
        apply().then(
          (value) => {
            const answered = !this.#random.chance(weather.lossy);
            say(answered ? "is answered" : "is answered, which is lost", value);
            if (answered) world.after(this.#wayMs(), host, () => resolve(value));
            else lost();
          },
          (error: unknown) =>
            world.after(this.#wayMs(), host, () =>
              reject(error instanceof Error ? error : new Error(String(error))),
            ),
        );
      });
    });
  }

  #wayMs(): number {
    const { weather } = this.#options;
    // Mostly quick, now and then as slow as it gets.
    return this.#random.chance(0.05)
      ? this.#random.between(0, weather.slowest)
      : this.#random.fraction() * 2;
  }
}

/** Swaps the first two results that may be swapped without naming an operation before it was requested. */
function misorder(held: Held): Held {
  const journal = [...held.journal];
  for (let i = 0; i + 1 < journal.length; i++) {
    const [a, b] = [journal[i], journal[i + 1]];
    if (a?.kind !== "result" || b?.kind !== "result" || b.position > i || a.key === b.key) continue;
    journal[i] = b;
    journal[i + 1] = a;
    break;
  }
  return { ...held, journal };
}
