// Nodes on one store, and workers: processes that are started, killed, stopped and frozen.
import { DEFAULT_LIMITS, type RandomSource } from "@millrace/protocol";
import { invariant } from "../core/assert-never.ts";
import { SILENT_LOG } from "../runtime/log.ts";
import { Node } from "../runtime/node.ts";
import type { StepContext } from "../runtime/step-function.ts";
import type { MemoryStorage } from "../storage/memory/memory-storage.ts";
import type { Checker } from "./checker.ts";
import type { Climate } from "./climate.ts";
import type { Tally } from "./faults.ts";
import { createProcessClock } from "./process-clock.ts";
import type { Random } from "./random.ts";
import type { Standing } from "./recovery-watch.ts";
import { scriptPrograms, type CallInput, type Script } from "./script.ts";
import type { StoragePlant } from "./sim-plants.ts";
import { SimStorage } from "./sim-storage.ts";
import { SimWorker } from "./sim-worker.ts";
import { createHost, type Host, type World } from "./world.ts";

export interface Member {
  readonly place: number;
  readonly host: Host;
  readonly node: Node;
  readonly storage: SimStorage;
  readonly maxResidentRuns: number;
  /** Until then its heart beats although nothing else of it moves. */
  beatsUntil: number;
}

export interface ClusterOptions {
  readonly world: World;
  readonly store: MemoryStorage;
  readonly checker: Checker;
  readonly tally: Tally;
  readonly climate: Climate;
  readonly plant: StoragePlant | undefined;
  /** Of code workflows, by name. */
  readonly scripts: ReadonlyMap<string, Script>;
}

/** In the thread of a heart whose loop stands still. */
const HEARTBEAT_MS = 2_000;
/** Then it gives its loop up. */
const SILENT_LOOP_MS = 30_000;

export class Cluster {
  /** null: no process runs there now. */
  readonly members: (Member | null)[] = [];
  readonly workers: readonly SimWorker[];
  /** They have been told to stop and have not ended: one whose loop stands still lives until its heart does not beat. */
  readonly #stopping = new Set<Member>();
  kills = 0;
  readonly #options: ClusterOptions;
  readonly #random: Random;
  /** Places that nobody comes back to. */
  readonly #deserted = new Set<number>();
  #awayUntil = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    const { world, climate, checker, tally, scripts } = options;
    this.#random = world.random.fork();
    for (let i = 0; i < climate.nodes; i++) this.add();
    const count = scripts.size === 0 ? 0 : climate.workers;
    this.workers = Array.from({ length: count }, (_, i) => {
      const random = this.#random.fork();
      const any = (): Member | null => this.any();
      const worker = new SimWorker({
        name: `worker-${i}`,
        world,
        any,
        checker,
        tally,
        random,
        scripts,
      });
      worker.start();
      return worker;
    });
  }

  /** Until then no process of a node is started. */
  get awayUntil(): number {
    return this.#awayUntil;
  }

  /** The place of the node that holds the most runs. */
  busiest(): number {
    const held = this.members.map((member) => member?.node.metrics().residentRuns ?? -1);
    return held.indexOf(Math.max(...held));
  }

  /** A node more, at a new place. */
  add(): void {
    // It may have to wait: until then the place is taken, too.
    const place = this.members.push(null) - 1;
    this.#boot(place);
  }

  #boot(place: number): void {
    const { world, store, checker, tally, climate, plant } = this.#options;
    if (world.now < this.#awayUntil) {
      this.#bootIn(place, this.#awayUntil - world.now + this.#random.between(0, 2_000));
      return;
    }
    invariant(this.members[place] === null, `two nodes at place ${place}`);
    const host = this.#createHost(`host-${place}`);
    const { lanes, weather } = climate;
    const storage = new SimStorage({ world, host, store, lanes, checker, weather, tally, plant });
    // Small, so that runs are evicted, overflow and overtake.
    const maxResidentRuns = this.#random.between(2, 12);
    const node = new Node({
      storage,
      functions: {
        work: (input: CallInput, context: StepContext) => this.#work(host, place, input, context),
      },
      maxResidentRuns,
      limits: DEFAULT_LIMITS,
      log: SILENT_LOG,
      clock: createProcessClock(world, host, this.#random.between(0, 1_000_000)),
      random: sourceOf(this.#random.fork()),
      programs: scriptPrograms,
      host: { name: host.name, pid: this.#random.between(1, 30_000) },
    });
    this.members[place] = { place, host, node, storage, maxResidentRuns, beatsUntil: 0 };
    node.start().catch(() => {
      // It could not reach the store; like any process manager, try again.
      if (host.alive) this.#end(place);
    });
  }

  #createHost(name: string): Host {
    const host = createHost(name);
    if (!this.#options.climate.ownClocks) return host;
    this.#options.tally.note("clock-at-its-own-rate");
    host.rate = 1 + (this.#random.fraction() - 0.5) * 0.02;
    host.wallOffMs = this.#random.pick([-3_600_000, -600_000, 0, 600_000, 3_600_000]);
    return host;
  }

  /** At this moment, in the middle of whatever it does. */
  kill(place: number): void {
    if (!this.members[place]) return;
    this.kills += 1;
    this.#options.tally.note("node-killed");
    this.#end(place);
  }

  #end(place: number): void {
    const member = this.members[place];
    if (!member) return;
    member.host.alive = false;
    this.#options.world.say(`${member.host.name} is killed`);
    this.members[place] = null;
    this.#bootIn(place, this.#random.between(100, 8_000));
  }

  #bootIn(place: number, delayMs: number): void {
    if (this.#deserted.has(place)) return;
    this.#options.world.after(delayMs, null, () => this.#boot(place));
  }

  /** For good, unless it is the last place. */
  desert(place: number): void {
    if (this.members.length - this.#deserted.size < 2 || this.#deserted.has(place)) return;
    this.#deserted.add(place);
    this.#options.tally.note("node-never-came-back");
    this.kill(place);
  }

  /** As an operator does: it hands its runs over, and another takes its place. */
  async stop(place: number, graceMs: number): Promise<void> {
    const { world, tally } = this.#options;
    const member = this.members[place];
    if (!member) return;
    tally.note("node-stopped");
    world.say(`${member.host.name} stops`);
    this.members[place] = null;
    this.#stopping.add(member);
    this.#bootIn(place, this.#random.between(100, 20_000));
    await member.node.stop({ graceMs });
    member.host.alive = false;
    this.#stopping.delete(member);
  }

  /** One after the other. */
  async roll(): Promise<void> {
    const { world, tally } = this.#options;
    tally.note("nodes-restarted-in-turn");
    for (const place of this.members.keys()) {
      void this.stop(place, this.#random.between(0, 5_000));
      await world.sleep(this.#random.between(500, 5_000), null);
    }
  }

  /** All at once; nothing is started for so long. */
  leaveFor(ms: number): void {
    this.#options.tally.note("all-nodes-away-for-an-hour");
    this.#awayUntil = this.#options.world.now + ms;
    for (const place of this.members.keys()) this.kill(place);
  }

  /** It stops moving for a while, and wakes up believing that nothing has happened. */
  freeze(place: number, forMs: number, heart: "stops" | "beats" = "stops"): void {
    const { world } = this.#options;
    const member = this.members[place];
    if (!member) return;
    member.host.frozenUntil = Math.max(member.host.frozenUntil, world.now + forMs);
    world.say(`${member.host.name} freezes for ${forMs} ms`);
    if (heart === "stops") return;
    member.beatsUntil = world.now + Math.min(forMs, SILENT_LOOP_MS);
    this.#beat(member);
  }

  #beat(member: Member): void {
    const { world, store } = this.#options;
    const { nodeId } = member.storage;
    if (!member.host.alive || nodeId === null || world.now > member.beatsUntil) return;
    if (!this.#options.climate.weather.down) store.beat(nodeId).catch(() => undefined);
    world.after(HEARTBEAT_MS, null, () => this.#beat(member));
  }

  /** Its clock does not count that time either, as when a machine is put to sleep. */
  suspend(place: number, forMs: number): void {
    const member = this.members[place];
    if (!member || member.host.frozenUntil > this.#options.world.now) return;
    this.freeze(place, forMs);
    member.host.stoodStillMs += forMs * member.host.rate;
  }

  /** A living member; null: none lives at this moment. */
  any(): Member | null {
    const living = this.members.filter((member) => member !== null);
    const [first, ...rest] = living;
    return first === undefined ? null : this.#random.pick([first, ...rest]);
  }

  standing(): readonly Standing[] {
    const { now } = this.#options.world;
    return [...this.members, ...this.#stopping].flatMap((member) => {
      if (member === null) return [];
      const { host, node, storage, maxResidentRuns, beatsUntil } = member;
      const isFrozen = host.frozenUntil > now;
      const hasRoom =
        !isFrozen &&
        node.health().state === "ready" &&
        node.metrics().residentRuns < maxResidentRuns;
      return isFrozen && beatsUntil < now ? [] : [{ nodeId: storage.nodeId, hasRoom }];
    });
  }

  async #work(
    host: Host,
    place: number,
    input: CallInput,
    { runId, step, attempt }: StepContext,
  ): Promise<string> {
    const { checker, world, tally } = this.#options;
    checker.bodyStarted(runId, step, input.needs);
    world.note(`${runId}/${step}#${attempt}`);
    await world.sleep(
      this.#random.chance(0.1) ? this.#random.between(0, 15_000) : this.#random.between(0, 50),
      host,
    );
    if (input.kills) {
      tally.note("run-killed-its-process");
      if (this.members[place]?.host === host) this.kill(place);
      host.alive = false;
      await new Promise(() => undefined);
    }
    if (attempt <= input.failures) throw new Error(`attempt ${attempt} of ${step} fails`);
    return `${step}#${attempt}`;
  }
}

const sourceOf =
  (random: Random): RandomSource =>
  () =>
    random.next();
