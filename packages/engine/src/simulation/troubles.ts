// What happens to the cluster while the storm lasts.
import type { Climate, Trouble } from "./climate.ts";
import type { Cluster } from "./cluster.ts";
import type { Tally } from "./faults.ts";
import type { Random } from "./random.ts";
import { HOUR_MS } from "./script.ts";
import type { World } from "./world.ts";

export interface TroublesOptions {
  readonly world: World;
  readonly cluster: Cluster;
  readonly climate: Climate;
  readonly tally: Tally;
  readonly random: Random;
  /** How long one trouble follows another. */
  readonly forMs: number;
}

/** A cluster grows no further. */
const MOST_NODES = 10;
/** Longer than any lease. */
const LONG_MS = 60_000;

export class Troubles {
  readonly #options: TroublesOptions;
  readonly #endsAt: number;

  constructor(options: TroublesOptions) {
    this.#options = options;
    this.#endsAt = options.world.now + options.forMs;
  }

  start(): void {
    const { world, climate, random, forMs } = this.#options;
    world.after(random.between(0, 2_000), null, () => this.#next());
    if (climate.outage !== null)
      world.after(random.between(5_000, forMs - 5_000), null, () => this.#leave());
  }

  #next(): void {
    const { world, climate, random } = this.#options;
    if (world.now > this.#endsAt) return;
    this.#cause(random.pick(climate.troubles));
    world.after(random.between(200, climate.calmMs), null, () => this.#next());
  }

  #leave(): void {
    const { cluster, climate, tally, random } = this.#options;
    if (climate.outage === "nodes") {
      cluster.leaveFor(HOUR_MS);
      return;
    }
    if (cluster.workers.length > 0) tally.note("all-workers-away-for-an-hour");
    for (const worker of cluster.workers) worker.kill(HOUR_MS + random.between(0, 5_000));
  }

  #cause(trouble: Trouble): void {
    const { cluster, random } = this.#options;
    // Where much is under way, more can go wrong.
    const place = random.chance(0.5)
      ? cluster.busiest()
      : random.between(0, cluster.members.length - 1);
    switch (trouble) {
      case "kill":
        cluster.kill(place);
        return;
      case "leave":
        cluster.desert(place);
        return;
      case "stop":
        void cluster.stop(place, random.between(0, 10_000));
        return;
      case "roll":
        void cluster.roll();
        return;
      case "add":
        this.#add(1, "node-added");
        return;
      case "herd":
        this.#add(random.between(3, 6), "many-nodes-started-together");
        return;
      case "pause":
      case "suspend":
      case "block":
      case "block-with-heart":
        this.#freeze(trouble, place);
        return;
      case "kill-worker":
      case "pause-worker":
      case "cut-worker":
        this.#troubleWorker(trouble);
        return;
      default:
        this.#troubleStore(trouble);
    }
  }

  #add(count: number, fault: "node-added" | "many-nodes-started-together"): void {
    const { cluster, tally } = this.#options;
    if (cluster.members.length + count > MOST_NODES) return;
    tally.note(fault);
    for (let i = 0; i < count; i++) cluster.add();
  }

  #freeze(trouble: "pause" | "suspend" | "block" | "block-with-heart", place: number): void {
    const { cluster, random, tally } = this.#options;
    if (!cluster.members[place]) return;
    const forMs = random.pick([random.between(500, 8_000), random.between(10_000, LONG_MS)]);
    switch (trouble) {
      case "pause":
        if (forMs >= 10_000) tally.note("node-paused-beyond-its-lease");
        cluster.freeze(place, forMs);
        return;
      case "suspend":
        tally.note("node-suspended");
        cluster.suspend(place, forMs);
        return;
      case "block":
        tally.note("loop-blocked");
        cluster.freeze(place, forMs);
        return;
      case "block-with-heart":
        tally.note("loop-blocked-while-the-heart-beats");
        cluster.freeze(place, forMs, "beats");
    }
  }

  #troubleWorker(trouble: "kill-worker" | "pause-worker" | "cut-worker"): void {
    const { cluster, random } = this.#options;
    const [first, ...rest] = cluster.workers;
    if (first === undefined) return;
    const worker = random.pick([first, ...rest]);
    if (trouble === "kill-worker") worker.kill(random.between(0, 10_000));
    else if (trouble === "pause-worker") worker.pause(random.between(500, 30_000));
    else worker.cut();
  }

  #troubleStore(
    trouble: "restart-store" | "fill-store" | "fail-lane" | "step-store-time" | "jump-wall-clock",
  ): void {
    const { cluster, climate, world, random, tally } = this.#options;
    const { weather } = climate;
    const later = (longestMs: number, then: () => void): void => {
      world.after(random.between(100, longestMs), null, then);
    };
    switch (trouble) {
      case "restart-store":
        tally.note("store-restarted");
        weather.down = true;
        later(10_000, () => {
          weather.down = false;
        });
        return;
      case "fill-store":
        weather.full = true;
        later(15_000, () => {
          weather.full = false;
        });
        return;
      case "fail-lane":
        if (climate.lanes > 1) weather.lostLane = random.between(0, climate.lanes - 1);
        later(15_000, () => {
          weather.lostLane = null;
        });
        return;
      case "step-store-time":
        tally.note("store-time-stepped-back");
        // Never further from the true time than a second.
        world.storeOffMs = world.storeOffMs === 0 ? -1_000 : 0;
        return;
      case "jump-wall-clock": {
        tally.note("wall-clock-jumped");
        const byMs = random.pick([-HOUR_MS, -600_000, 600_000, HOUR_MS]);
        for (const member of cluster.members) if (member !== null) member.host.wallOffMs += byMs;
      }
    }
  }
}
