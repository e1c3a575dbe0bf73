// One seed, one story: a cluster, clients, bad weather, then calm; and the checker all the way.
import { DEFAULT_TENANT } from "@millrace/protocol";
import type { CompiledWorkflow } from "../runtime/program-kind.ts";
import {
  createMemoryStorage,
  MEMORY_PLANTS,
  type MemoryPlant,
  type MemoryStorage,
} from "../storage/memory/memory-storage.ts";
import { Caller } from "./caller.ts";
import { Checker } from "./checker.ts";
import { ACTOR, Clients } from "./clients.ts";
import { createClimate, type Climate } from "./climate.ts";
import { Cluster } from "./cluster.ts";
import { Tally, type Coverage } from "./faults.ts";
import { createRandom, type Random } from "./random.ts";
import { RecoveryWatch } from "./recovery-watch.ts";
import {
  HOUR_MS,
  randomScript,
  scriptDefinition,
  scriptPrograms,
  timersIntoThePast,
  type Script,
} from "./script.ts";
import { STORAGE_PLANTS, type StoragePlant } from "./sim-plants.ts";
import { noteEnds } from "./note-ends.ts";
import { Troubles } from "./troubles.ts";
import { World } from "./world.ts";

export type Plant = MemoryPlant | StoragePlant;
export const PLANTS: readonly Plant[] = [...MEMORY_PLANTS, ...STORAGE_PLANTS];

export interface SimulationOptions {
  readonly seed: number;
  /** A mistake made on purpose, which the checker must find. */
  readonly plant?: Plant;
  /** Told of every exchange with the store, kill and freeze. */
  readonly listener?: (line: string) => void;
}

export interface SimulationReport {
  readonly seed: number;
  /** null: all that must be true was true. */
  readonly violation: string | null;
  /** Two runs of one seed agree on it, or something was left to chance. */
  readonly trace: number;
  readonly turns: number;
  readonly runs: number;
  readonly crashes: number;
  /** How often each fault happened. */
  readonly coverage: Coverage;
  /** Virtual time that passed. */
  readonly elapsedMs: number;
}

const STORM_MS = 60_000;
/** After the storm everything must come to rest within this virtual time. Bodies that kill their process do so on. */
const PATIENCE_MS = 60 * 60_000;
/** A script sleeps for an hour here and there, and its children do. */
const LONG_PATIENCE_MS = 12 * HOUR_MS;

const isStoragePlant = (plant: Plant): plant is StoragePlant =>
  STORAGE_PLANTS.some((one) => one === plant);

export async function simulate({
  seed,
  plant,
  listener,
}: SimulationOptions): Promise<SimulationReport> {
  const story = new Story(createRandom(seed), plant, listener ?? null);
  await story.play();
  return { seed, ...story.report() };
}

class Story {
  readonly #random: Random;
  readonly #world: World;
  readonly #store: MemoryStorage;
  readonly #climate: Climate;
  readonly #tally = new Tally();
  readonly #checker: Checker;
  readonly #cluster: Cluster;
  readonly #caller: Caller;
  readonly #clients: Clients;
  readonly #workflows = new Map<string, CompiledWorkflow>();
  /** Of code workflows, by name. */
  readonly #scripts = new Map<string, Script>();
  /** Keys, by workflow. */
  readonly #pastTimers = new Map<string, ReadonlySet<string>>();
  readonly #stormMs: number;
  #isStorm = true;

  constructor(random: Random, plant: Plant | undefined, listener: ((line: string) => void) | null) {
    this.#random = random;
    const world = new World(random.fork());
    world.listener = listener;
    const climate = createClimate(random);
    this.#store = createMemoryStorage({
      now: () => world.storeNow,
      ...(plant === undefined || isStoragePlant(plant) ? {} : { plant }),
    });
    const store = this.#store;
    const { lanes } = climate;
    const workflow = (id: string): CompiledWorkflow | undefined => this.#workflows.get(id);
    const checker = new Checker({ store, world, lanes, workflow });
    this.#writeScripts(climate);
    const tally = this.#tally;
    const storagePlant = plant !== undefined && isStoragePlant(plant) ? plant : undefined;
    const shared = { world, store, checker, tally, climate };
    const cluster = new Cluster({ ...shared, plant: storagePlant, scripts: this.#scripts });
    const caller = new Caller({ world, cluster, checker, random: random.fork() });
    this.#world = world;
    this.#climate = climate;
    this.#checker = checker;
    this.#cluster = cluster;
    this.#caller = caller;
    this.#clients = new Clients({ ...shared, caller, random: random.fork() });
    this.#stormMs = climate.outage === null ? STORM_MS : STORM_MS + HOUR_MS + 30_000;
    if (lanes > 1) tally.note("many-lanes");
  }

  async play(): Promise<void> {
    const world = this.#world;
    this.#caller.run(() => this.#prepare());
    world.after(this.#stormMs, null, () => this.#calm());
    this.#watchRecovery();
    const patienceMs = this.#climate.taste.oddSleeps ? LONG_PATIENCE_MS : PATIENCE_MS;
    for (;;) {
      const more = await world.turn();
      if (this.#checker.violation !== null || !more) return;
      const isOver = !this.#isStorm && this.#caller.open === 0 && this.#checker.atRest();
      if (isOver || world.elapsedMs > this.#stormMs + patienceMs) {
        this.#checker.checkEnd();
        noteEnds(this.#store.tables, this.#pastTimers, this.#tally);
        return;
      }
    }
  }

  report(): Omit<SimulationReport, "seed"> {
    return {
      violation: this.#checker.violation?.message ?? null,
      trace: this.#world.trace,
      turns: this.#world.turns,
      runs: this.#checker.acknowledged.size,
      crashes: this.#cluster.kills,
      coverage: this.#tally.coverage,
      elapsedMs: this.#world.elapsedMs,
    };
  }

  #watchRecovery(): void {
    new RecoveryWatch({
      world: this.#world,
      tables: this.#store.tables,
      weather: this.#climate.weather,
      nodes: () => this.#cluster.standing(),
      fail: (message) => this.#checker.fail(message),
    }).start();
  }

  #writeScripts({ taste }: Climate): void {
    const random = this.#random;
    const codeCount = random.between(0, 2);
    for (let i = 0; i < codeCount; i++) {
      const children = i === 0 ? [] : ["code-0"];
      this.#scripts.set(`code-${i}`, randomScript(random, random.between(1, 9), children, taste));
    }
  }

  /** Workflows first, then clients and trouble. */
  async #prepare(): Promise<void> {
    const { taste, crowd } = this.#climate;
    const random = this.#random;
    const names: string[] = [];
    const count = random.between(1, 4);
    for (let i = 0; i < count; i++) {
      // Each may start those made before it, so that children end.
      const script = randomScript(random, random.between(1, 9), names.slice(-1), taste);
      const timeoutMs = random.chance(0.1) ? random.between(100, 30_000) : undefined;
      await this.#createWorkflow(`wf_${i}`, script, timeoutMs);
      names.unshift(`wf_${i}`);
    }
    const workflows = [...names, ...this.#scripts.keys()] as const;
    this.#clients.start(random.between(1, 25), ["wf_0", ...workflows], STORM_MS / 2);
    if (crowd > 0) {
      await this.#createWorkflow("wf_crowd", toCrowd(this.#world.storeNow + STORM_MS / 2));
      this.#clients.startCrowd(crowd, "wf_crowd");
    }
    const publishes = random.between(0, 4);
    for (let i = 0; i < publishes; i++) this.#clients.publish(`event-${i}`, STORM_MS);
    if (random.chance(this.#climate.meddling / 4))
      this.#clients.cancelMany(random.pick(["wf_0", ...workflows]), STORM_MS);
    const { world, cluster, climate, tally } = {
      world: this.#world,
      cluster: this.#cluster,
      climate: this.#climate,
      tally: this.#tally,
    };
    new Troubles({
      world,
      cluster,
      climate,
      tally,
      random: random.fork(),
      forMs: STORM_MS,
    }).start();
  }

  async #createWorkflow(id: string, script: Script, timeoutMs?: number): Promise<void> {
    const definition = scriptDefinition(id, script, timeoutMs);
    this.#pastTimers.set(id, new Set(timersIntoThePast(script)));
    const parsed = scriptPrograms.parse(definition);
    if (parsed.ok) this.#workflows.set(id, scriptPrograms.compile(parsed.definition));
    await this.#caller.insist(async (node) => {
      const known = await node.getWorkflow(DEFAULT_TENANT, id);
      if (known === null)
        await node.createWorkflow({ tenant: DEFAULT_TENANT, definition, id, actor: ACTOR });
      await node.activateWorkflow(DEFAULT_TENANT, id, ACTOR);
    });
  }

  /** Clocks stay as they are, and so does the way of hints. */
  #calm(): void {
    const { weather } = this.#climate;
    this.#isStorm = false;
    weather.lossy = 0;
    weather.doubled = 0;
    weather.conflicts = 0;
    weather.rejects = 0;
    this.#clients.lookAfter();
  }
}

/** Sleeps until the instant, then does one thing. */
const toCrowd = (at: number): Script => ({
  do: "sequence",
  parts: [
    { do: "timer", key: "sleep", ms: 0, at },
    { do: "call", key: "wake", failures: 0, retries: 3 },
  ],
});
