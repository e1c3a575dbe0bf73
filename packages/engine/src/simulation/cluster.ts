import { DEFAULT_LIMITS, type RandomSource } from "@millrace/protocol";
import type { Clock } from "../runtime/clock.ts";
import { Node } from "../runtime/node.ts";
import { SILENT_LOG } from "../runtime/log.ts";
import type { StepContext } from "../runtime/step-function.ts";
import type { MemoryStorage } from "../storage/memory/memory-storage.ts";
import type { Checker } from "./checker.ts";
import { scriptPrograms, type CallInput, type Script } from "./script.ts";
import { SimWorker } from "./sim-worker.ts";
import { SimStorage, type StoragePlant, type Weather } from "./sim-storage.ts";
import type { Random } from "./random.ts";
import type { Host, World } from "./world.ts";

export interface Member {
  readonly host: Host;
  readonly node: Node;
  readonly worker: SimWorker;
}

export interface ClusterOptions {
  readonly world: World;
  readonly store: MemoryStorage;
  readonly checker: Checker;
  readonly weather: Weather;
  readonly plant: StoragePlant | undefined;
  readonly size: number;
  /** Of code workflows, by name. */
  readonly scripts: ReadonlyMap<string, Script>;
}

/** Some nodes on one store. A member that dies is replaced by a new process after a while. */
export class Cluster {
  readonly members: (Member | null)[] = [];
  readonly #options: ClusterOptions;
  readonly #random: Random;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.#random = options.world.random.fork();
    for (let i = 0; i < options.size; i++) this.boot(i);
  }

  boot(place: number): void {
    const { world, store, checker, weather, plant } = this.#options;
    const host: Host = { name: `host-${place}`, alive: true, frozenUntil: 0 };
    const node = new Node({
      storage: new SimStorage({ world, host, store, checker, weather, plant }),
      functions: {
        work: (input: CallInput, context: StepContext) => this.#work(host, input, context),
      },
      // Small, so that runs are evicted, overflow and overtake.
      maxResidentRuns: this.#random.between(2, 12),
      limits: DEFAULT_LIMITS,
      log: SILENT_LOG,
      clock: clockOf(world, host, this.#random.between(0, 1_000_000)),
      random: sourceOf(this.#random.fork()),
      programs: scriptPrograms,
      host: { name: host.name, pid: this.#random.between(1, 30_000) },
    });
    const random = this.#random.fork();
    const { scripts } = this.#options;
    const worker = new SimWorker({ world, host, node, checker, random, scripts });
    this.members[place] = { host, node, worker };
    node
      .start()
      .then(() => worker.attach())
      .catch(() => {
        // It could not reach the store; like any process manager, try again.
        if (host.alive) this.kill(place);
      });
  }

  /** At this moment, in the middle of whatever it does. */
  kill(place: number): void {
    const member = this.members[place];
    if (member === null || member === undefined) return;
    member.host.alive = false;
    this.#options.world.listener?.(
      `${this.#options.world.now.toFixed(3)} ${member.host.name} is killed`,
    );
    this.members[place] = null;
    this.#options.world.after(this.#random.between(100, 8_000), null, () => this.boot(place));
  }

  /** As an operator does: it hands its runs over, and another takes its place. */
  stop(place: number, graceMs: number): void {
    const { world } = this.#options;
    const member = this.members[place];
    if (!member) return;
    world.listener?.(`${world.now.toFixed(3)} ${member.host.name} stops`);
    this.members[place] = null;
    void member.node.stop({ graceMs }).then(() => {
      member.host.alive = false;
    });
    world.after(this.#random.between(100, 20_000), null, () => this.boot(place));
  }

  /** Its worker loses all that it was at. */
  restartWorker(place: number): void {
    const { world } = this.#options;
    const member = this.members[place];
    if (!member) return;
    world.listener?.(`${world.now.toFixed(3)} the worker of ${member.host.name} restarts`);
    member.worker.restart(this.#random.between(0, 10_000));
  }

  /** It stops moving for a while, and wakes up believing that nothing has happened. */
  freeze(place: number, forMs: number): void {
    const member = this.members[place];
    if (!member) return;
    member.host.frozenUntil = this.#options.world.now + forMs;
    this.#options.world.listener?.(
      `${this.#options.world.now.toFixed(3)} ${member.host.name} freezes for ${forMs} ms`,
    );
  }

  thaw(): void {
    for (const member of this.members) if (member !== null) member.host.frozenUntil = 0;
  }

  /** A living member; null: none lives at this moment. */
  any(): Member | null {
    const living = this.members.filter((member) => member !== null);
    const [first, ...rest] = living;
    return first === undefined ? null : this.#random.pick([first, ...rest]);
  }

  async #work(
    host: Host,
    input: CallInput,
    { runId, step, attempt }: StepContext,
  ): Promise<string> {
    this.#options.checker.bodyStarted(runId, step, input.needs);
    this.#options.world.note(`${runId}/${step}#${attempt}`);
    await this.#options.world.sleep(
      this.#random.chance(0.1) ? this.#random.between(0, 15_000) : this.#random.between(0, 50),
      host,
    );
    if (attempt <= input.failures) throw new Error(`attempt ${attempt} of ${step} fails`);
    return `${step}#${attempt}`;
  }
}

/** Each process counts time from its own zero. */
function clockOf(world: World, host: Host, zero: number): Clock {
  return {
    monotonicMs: () => world.now - 1_700_000_000_000 + zero,
    setTimer: (delayMs, fire) => world.after(delayMs, host, fire),
    soon: (turn) => {
      world.after(0, host, turn);
    },
  };
}

const sourceOf =
  (random: Random): RandomSource =>
  () =>
    random.next();
